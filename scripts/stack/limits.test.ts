/** A year fits on the disk that the docs ask for: the table adds up, and each of its limits is set. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const Compose = z.object({
  services: z.record(
    z.string(),
    z.object({
      profiles: z.array(z.string()).optional(),
      command: z.array(z.string()).default([]),
      logging: z.object({ options: z.record(z.string(), z.string()) }),
    }),
  ),
});
const { services } = Compose.parse(parse(read("docker-compose.yml"), { merge: true }));

for (const [file, head, gb] of [
  ["docs/operating.md", "what", /(\d+) GB of disk/],
  ["docs/operating.zh-CN.md", "内容", /(\d+) GB (?:磁盘|硬盘)/],
] as const) {
  test(`${file}: what each part may use adds up to less than the disk that is asked for`, () => {
    const text = read(file);
    const [, rows = ""] =
      new RegExp(`^\\| ${head} \\| .*GB.*\\n\\| --- .*\\n((?:\\|.*\\n)+)`, "m").exec(text) ?? [];
    const each = rows
      .trim()
      .split("\n")
      .map((row) => Number(row.split("|")[2]));
    assert.ok(each.length >= 10 && each.every((number) => number > 0), rows);
    const whole = Number(gb.exec(text)?.[1]);
    const sum = each.reduce((all, one) => all + one, 0);
    assert.ok(sum <= whole, `${sum.toFixed(1)} GB do not fit on ${whole} GB`);
    assert.ok(sum >= whole - 1, "the table names what there is");
  });
}

test("Prometheus, NATS and logs are limited as the table says", () => {
  const command = services.prometheus?.command ?? [];
  assert.ok(
    command.includes("--storage.tsdb.retention.size=1GB") &&
      command.includes("--storage.tsdb.retention.time=90d"),
  );
  const [, megabytes = ""] = /max_file_store: (\d+)MB/.exec(read("deploy/nats/nats.conf")) ?? [];
  assert.ok(Number(megabytes) <= 1_536, megabytes);
  const streams = [...read("packages/shared/src/streams.ts").matchAll(/max_bytes: (\d+) \* MIB/g)].map(
    ([, mib]) => Number(mib),
  );
  const sum = streams.reduce((all, one) => all + one, 0);
  assert.ok(sum + Math.max(...streams) <= Number(megabytes), "the largest stream could not be made sure of");
  const ours = Object.values(services).filter(({ profiles }) => profiles?.includes("demo") !== true);
  const limits = ours.map(({ logging: { options } }) => {
    const [, size = ""] = /^(\d+)m$/.exec(options["max-size"] ?? "") ?? [];
    return Number(size) * Number(options["max-file"]);
  });
  assert.ok(limits.every((limit) => limit > 0 && limit <= 30));
  assert.ok(limits.reduce((all, one) => all + one, 0) <= 200, "logs are more than 0.2 GB");
});

test("what a build leaves behind is ours by its label, in every stage of every Dockerfile", () => {
  for (const folder of ["deploy/nats", "services/listener", "services/power", "sim"]) {
    const stages = read(`${folder}/Dockerfile`)
      .split(/^FROM /m)
      .slice(1);
    for (const stage of stages)
      assert.match(stage, /org\.opencontainers\.image\.vendor="gpu-power-manager"/, folder);
  }
  assert.match(read("scripts/stack/take-images.sh"), /vendor=gpu-power-manager/);
});
