/** A session that is brought over never costs the one that is there, and never leaves power stopped. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type StubbedStack, stubbedStack } from "../../tests/harness/stubbed-stack.ts";

const POWER = `
case "$*" in
  "ps -aq"*service=power) echo c1 ;;
  "inspect -f {{.Image}}"*) echo sha256:power ;;
  "inspect"*) echo healthy ;;
  "exec "*) echo ready ;;
esac`;

/** What became of power's container. */
function done(stack: StubbedStack): string[] {
  return stack.calls("docker").filter((call) => /^(stop|start|restart|kill|rm|run) ?/.test(call));
}

function prepared(more = ""): StubbedStack {
  const stack = stubbedStack(`${more}\n${POWER}`);
  assert.equal(stack.run("prepare.sh").status, 0);
  stack.write("session.enc", "GPM1 and so on");
  stack.calls("docker");
  return stack;
}

test("it is brought beside, checked, and power is restarted, not stopped", () => {
  const stack = prepared();
  const { status, said } = stack.run("login-import.sh", ["session.enc"]);
  assert.equal(status, 0, said);
  const [run = "", restart, start, ...rest] = done(stack);
  assert.match(run, /check-session\.ts.* mv /);
  assert.doesNotMatch(run, /cat >"?\S*console-session\.enc"? /);
  assert.equal(restart, "restart c1");
  assert.equal(start, "start c1");
  assert.deepEqual(rest, []);
});

test("a copy that fails, for want of room or of the right key, leaves power alone", () => {
  const stack = prepared('case "$*" in run*) echo "No space left on device" >&2; exit 1 ;; esac');
  const { status, said } = stack.run("login-import.sh", ["session.enc"]);
  assert.equal(status, 1);
  assert.match(said, /Power goes on with the one that it has/);
  assert.deepEqual(done(stack).slice(1), []);
});

test("power is started in any case, also when Docker cannot restart it", () => {
  const stack = prepared('case "$*" in restart*) exit 1 ;; esac');
  assert.equal(stack.run("login-import.sh", ["session.enc"]).status, 1);
  assert.equal(done(stack).at(-1), "start c1");
});
