import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BLOT, Secrets } from "./secrets.ts";

function learnt(answer: unknown, fields: readonly string[] = []): Secrets {
  const secrets = new Secrets(() => fields);
  secrets.learn(answer);
  return secrets;
}

const MACHINE = {
  UHostId: "uhost-1",
  Name: "推理-主机-01",
  State: "Running",
  Password: "S3cr&t<9",
  SshLoginCommand: "ssh -p 23421 root@203.0.113.7",
  IPSet: [{ IPMode: "IPv4", IP: "198.51.100.23", Weight: 50 }],
  Softwares: [{ Name: "Jupyter", URL: "http://203.0.113.7:8888/lab?token=0a1b2c3d4e5f" }],
};

const BLOTTED = [
  ["the password", `Password: ${MACHINE.Password}`, `Password: ${BLOT}`],
  ["the login command", `run ${MACHINE.SshLoginCommand} now`, `run ${BLOT} now`],
  ["the command with its line broken", "run ssh -p 23421\n  root@203.0.113.7", `run ${BLOT}`],
  ["its host alone", "203.0.113.7", BLOT],
  ["an address", "private 198.51.100.23", `private ${BLOT}`],
  ["a software's address", `at ${MACHINE.Softwares[0]?.URL}`, `at ${BLOT}`],
  ["the token of it alone", "token=0a1b2c3d4e5f", `token=${BLOT}`],
  ["as JSON writes it", JSON.stringify({ q: MACHINE.Password }), `{"q":"${BLOT}"}`],
  ["as an address writes it", `?p=${encodeURIComponent(MACHINE.Password)}`, `?p=${BLOT}`],
  ["in base64", btoa(MACHINE.Password), BLOT],
] as const;
for (const [words, text, blotted] of BLOTTED) {
  test(`blotted out: ${words}`, () => assert.equal(learnt({ UHostSet: [MACHINE] }).blot(text), blotted));
}

test("what a machine is called, and how it is, stays readable", () => {
  const text = "uhost-1 推理-主机-01 Running IPv4 50 ssh -p root port 23421";
  // The mode and the weight stand in a secret set: whole texts of four letters are taken, short numbers are not.
  assert.equal(learnt({ UHostSet: [MACHINE] }).blot(text), text.replace("IPv4", BLOT));
});

test("a base64 password is blotted out as the page shows it, too", () => {
  assert.equal(learnt({ Password: btoa("plain-text!9") }).blot("it is plain-text!9"), `it is ${BLOT}`);
});

test("a profile names the fields of its own provider, in whatever case, beside the known ones", () => {
  const secrets = learnt({ data: { list: [{ Root_Password: "hunter2-x", Password: "other-y" }] } }, [
    "root_password",
  ]);
  assert.equal(secrets.blot("hunter2-x other-y"), `${BLOT} ${BLOT}`);
});

test("nothing is known, nothing is changed", () => {
  assert.equal(learnt({ UHostSet: [] }).blot("as it was"), "as it was");
  assert.equal(learnt("no object").pattern, undefined);
});

test("whatever a secret is, and whatever lies around it, it is not in the blotted text", () => {
  const secret = fc
    .string({ minLength: 4, maxLength: 40, unit: "binary" })
    .filter((text) => text.trim() === text && !BLOT.includes(text));
  fc.assert(
    fc.property(fc.array(secret, { minLength: 1, maxLength: 5 }), fc.string(), fc.string(), (all, a, b) => {
      const secrets = learnt({ Softwares: all });
      for (const each of all) {
        for (const form of [each, JSON.stringify(each).slice(1, -1), encodeURI(each.toWellFormed())]) {
          const left = secrets.blot(`${a}${form}${b}`).split(BLOT);
          assert.ok(!left.some((part) => part.includes(each)), JSON.stringify({ each, left }));
        }
      }
    }),
  );
});
