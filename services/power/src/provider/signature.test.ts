import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { sign, sortedSha1 } from "./signature.ts";

const signing = { scheme: "sorted-sha1", keyField: "PublicKey", signatureField: "Signature" } as const;

test("sorted-sha1 gives what the documents of its providers give", () => {
  const fields = { foo: "bar" };
  assert.equal(sortedSha1(fields, "my_private_key"), "634edc1bb957c0d65e5ab5494cf3b7784fbc87af");
  const signed = sign(fields, signing, { publicKey: "my_public_key", privateKey: "my_private_key" });
  assert.deepEqual(signed, {
    foo: "bar",
    PublicKey: "my_public_key",
    Signature: "d4411ab30953fb0bbcb1e7313081f05e4e91a394",
  });
});

test("names are sorted by their code units, numbered ones and those beyond ASCII among them", () => {
  const text = "A1UHostIds.0aUHostIds.10cUHostIds.2bZ2a3中4";
  const fields = {
    中: "4",
    a: "3",
    "UHostIds.2": "b",
    "UHostIds.10": "c",
    "UHostIds.0": "a",
    Z: "2",
    A: "1",
  };
  assert.equal(sortedSha1(fields, "key"), createHash("sha1").update(`${text}key`).digest("hex"));
});

test("a signed request never holds the private key, and is the same in whatever order its fields came", () => {
  const words = fc.dictionary(fc.stringMatching(/^\w{1,8}$/), fc.string());
  fc.assert(
    fc.property(words, (fields) => {
      const keys = { publicKey: "public", privateKey: "a-private-key-of-ours" };
      const signed = sign(fields, signing, keys);
      assert.doesNotMatch(JSON.stringify(signed), /a-private-key-of-ours/);
      const reversed = Object.fromEntries(Object.entries(fields).reverse());
      assert.deepEqual(sign(reversed, signing, keys), signed);
    }),
  );
});
