/** Ports on 127.0.0.1 are this host's only: an engine that lets neighbours in is told of, with what closes it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { stubbedStack } from "../../tests/harness/stubbed-stack.ts";

const engine = (version: string) => `case "$*" in "version -f"*) echo ${version}; exit ;; esac`;
const IP = { ip: 'echo "default via 192.0.2.1 dev ens3 proto static"' };

for (const version of ["20.10.24+dfsg1", "27.5.1"]) {
  test(`Docker ${version} is told of, with both rules for the interface of this host`, () => {
    const stack = stubbedStack(engine(version), IP);
    const { status, said } = stack.run("neighbours.sh");
    assert.equal(status, 0, said);
    assert.ok(said.includes(`Docker ${version} lets neighbours on the same network reach`), said);
    assert.match(said, /iptables -t raw -I PREROUTING -d 127\.0\.0\.0\/8 ! -i lo -j DROP/);
    assert.match(
      said,
      /iptables -t filter -I DOCKER-USER -i ens3 -m conntrack --ctstate NEW -m conntrack ! --ctstate DNAT -j DROP/,
    );
  });
}

test("nothing is said where both rules stand, and something where one of them does not", () => {
  const one = 'case "$*" in *" -C PREROUTING "*) exit 0 ;; *) exit 1 ;; esac';
  const both = stubbedStack(engine("26.1.0"), { ...IP, iptables: "exit 0" });
  assert.equal(both.run("neighbours.sh").said, "");
  assert.deepEqual(
    both.calls("iptables").filter((call) => call.includes("-I")),
    [],
    "a rule is looked for, never set",
  );
  assert.match(
    stubbedStack(engine("26.1.0"), { ...IP, iptables: one }).run("neighbours.sh").said,
    /neighbours/,
  );
});

test("nothing is said of Docker 28, nor where the ports are open to everybody anyway", () => {
  assert.equal(stubbedStack(engine("28.0.0"), IP).run("neighbours.sh").said, "");
  assert.equal(stubbedStack(engine("26.1.0"), IP).run("neighbours.sh", [], { BIND: "0.0.0.0" }).said, "");
});
