/** What is told of a disk is what df says; a disk that cannot be asked is unknown, never empty or full. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { Registry } from "prom-client";
import { deriveFromDisks, type FileSystem } from "./disks.ts";

async function told(
  folders: Readonly<Record<string, string>>,
  ask?: (folder: string) => Promise<FileSystem>,
) {
  const registry = new Registry();
  deriveFromDisks(registry, {
    prefix: "gpu_power",
    folders,
    ...(ask === undefined ? {} : { ask }),
  });
  const text = await registry.metrics();
  return (name: string, disk: string) => {
    const [, value] = new RegExp(`^gpu_power_disk_${name}\\{disk="${disk}"\\} (.+)$`, "m").exec(text) ?? [];
    return value === undefined ? undefined : Number(value);
  };
}

test("free and whole are those of df, for bytes and inodes", async () => {
  const df = (...columns: string[]) => {
    const out = execFileSync("df", ["--block-size=1", `--output=${columns.join(",")}`, tmpdir()], {
      encoding: "utf8",
    });
    return (out.trim().split("\n")[1] ?? "").trim().split(/\s+/).map(Number);
  };
  const [used = 0, avail = 0, inodes = 0, freeInodes = 0] = df("used", "avail", "itotal", "iavail");
  const of = await told({ power: tmpdir() });
  // Others write meanwhile.
  const near = (found: number | undefined, expected: number) =>
    assert.ok(Math.abs((found ?? -1) - expected) < 0.02 * expected, `${found} is not about ${expected}`);
  near(of("free_bytes", "power"), avail);
  near(of("bytes", "power"), used + avail);
  if (inodes > 0) {
    near(of("free_inodes", "power"), freeInodes);
    near(of("inodes", "power"), inodes);
  }
});

test("a full disk has nothing free although root could still write", async () => {
  const full: FileSystem = { bsize: 4096, blocks: 1000, bfree: 50, bavail: 0, files: 10, ffree: 0 };
  const of = await told({ host: "/full" }, async () => full);
  assert.equal(of("free_bytes", "host"), 0);
  assert.equal(of("bytes", "host"), 950 * 4096);
  assert.equal(of("free_inodes", "host"), 0);
});

test("no limit of inodes is no series, and so is a disk that cannot be asked", async () => {
  const endless: FileSystem = { bsize: 4096, blocks: 1000, bfree: 500, bavail: 500, files: 0, ffree: 0 };
  const of = await told({ host: "/endless", power: "/gone" }, async (folder) => {
    if (folder === "/gone") throw new Error("it is gone");
    return endless;
  });
  assert.equal(of("free_bytes", "host"), 500 * 4096);
  assert.equal(of("free_inodes", "host"), undefined);
  assert.equal(of("inodes", "host"), undefined);
  assert.equal(of("free_bytes", "power"), undefined);
});
