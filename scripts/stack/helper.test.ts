/** What passes through a container of the moment may be secrets or a whole volume: none of it stays in Docker's logs. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { stubbedStack } from "../../tests/harness/stubbed-stack.ts";

const HERE = new URL(".", import.meta.url);

test("containers of the moment are run in one place, without a log, rights or a network", () => {
  const runs = readdirSync(HERE)
    .filter((name) => name.endsWith(".sh"))
    .flatMap((name) =>
      readFileSync(new URL(name, HERE), "utf8")
        .split("\n")
        .filter((line) => /\b(docker|compose) (--\S+ )*run\b/.test(line) && !line.startsWith("#")),
    );
  // The check of a new version runs as its service does; scripts/stack/upgrade.test.ts holds that it leaves no log.
  const helpers = runs.filter((line) => !line.includes("compose run --rm --no-deps -T"));
  assert.equal(helpers.length, 1, helpers.join("\n"));
  for (const words of ["--log-driver none", "--cap-drop ALL", "--read-only", "helper_network:-none"])
    assert.ok(helpers[0]?.includes(words), `${words} in ${helpers[0]}`);
});

test("rendering Alertmanager's configuration, which holds the receiver's secrets, leaves no log", () => {
  const stack = stubbedStack();
  assert.equal(stack.run("prepare.sh").status, 0);
  stack.calls("docker");
  stack.run("alertmanager.sh");
  const run = stack.calls("docker").find((call) => call.startsWith("run "));
  assert.match(run ?? "", /--log-driver none/);
});
