/** What docs/security.md promises is what the compose file does: secrets and their readers, ports, networks, ways out. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const Network = z.object({
  internal: z.boolean().optional(),
  driver_opts: z.record(z.string(), z.string()).optional(),
});
const { services: all, networks } = z
  .object({
    services: z.record(
      z.string(),
      z.object({
        profiles: z.array(z.string()).optional(),
        networks: z.array(z.string()),
        secrets: z.array(z.string()).default([]),
        ports: z.array(z.string()).default([]),
        environment: z.record(z.string(), z.unknown()).default({}),
        command: z.array(z.string()).default([]),
      }),
    ),
    networks: z.record(z.string(), Network.nullable()),
  })
  .parse(parse(read("docker-compose.yml"), { merge: true }));
/** Without the demo's stand-ins. */
const services = Object.entries(all).filter(([, { profiles }]) => profiles?.includes("demo") !== true);
/** A hash of a password opens nothing, and no route of a single server does. */
const OPENS_NOTHING = ["prometheus-web.yml", "alertmanager-web.yml"];

/** The rows of the table whose head begins so. */
function table(document: string, head: string): string[][] {
  const [, rows = ""] =
    new RegExp(`^\\| ${head} .*\\n\\| --- .*\\n((?:\\|.*\\n)+)`, "m").exec(document) ?? [];
  assert.notEqual(rows, "", head);
  return rows
    .trim()
    .split("\n")
    .map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}
const leaves = (name: string) =>
  networks[name]?.internal !== true && networks[name]?.driver_opts === undefined;

for (const [file, secret, port, from, container, out] of [
  ["docs/security.md", "secret", "port", "from", "container", "out"],
  ["docs/security.zh-CN.md", "机密", "端口", "从", "容器", "外部"],
] as const) {
  const document = read(file);

  test(`${file} names every secret and who reads it`, () => {
    const readers = new Map<string, string[]>();
    for (const [name, { secrets }] of services)
      for (const each of secrets) readers.set(each, [...(readers.get(each) ?? []), name]);
    for (const each of OPENS_NOTHING) readers.delete(each);
    const told = table(document, secret).map(([name = "", by = ""]) => [
      name.replaceAll("`", ""),
      by.split(", ").sort(),
    ]);
    const given = [...readers].map(([name, by]) => [name, by.sort()]);
    assert.deepEqual(told.sort(), given.sort());
  });

  test(`${file} names every published port`, () => {
    const published = services.flatMap(([, { ports }]) => ports.map((each) => each.split(":").at(-1)));
    assert.deepEqual(
      table(document, port)
        .map(([number]) => number)
        .sort(),
      published.sort(),
    );
  });

  test(`${file} names every pair that shares a network, and every way out`, () => {
    const pairs = new Set<string>();
    for (const [one, { networks: its }] of services)
      for (const [other, { networks: theirs }] of services)
        if (one < other && its.some((each) => theirs.includes(each))) pairs.add(`${one} ${other}`);
    const ways = services.filter(([, { networks: its }]) => its.some(leaves)).map(([name]) => name);
    const told = table(document, from).flatMap(([a = "", to = ""]) =>
      to.split(", ").map((each) => [a, each.replace(/ \d+$/, "")] as const),
    );
    const expected = told.filter(([, to]) => to !== out).map((pair) => [...pair].sort().join(" "));
    assert.deepEqual([...pairs].sort(), expected.sort());
    assert.deepEqual(
      ways.sort(),
      told
        .filter(([, to]) => to === out)
        .map(([name]) => name)
        .sort(),
    );
  });

  test(`${file} says for every container what taking it gives`, () => {
    assert.deepEqual(
      table(document, container)
        .map(([name]) => name)
        .sort(),
      services.map(([name]) => name).sort(),
    );
  });
}

test("Grafana starts without a network: it fetches no plugin, key, picture or news, and looks for no update", () => {
  const { environment = {} } = all.grafana ?? {};
  for (const [name, value] of Object.entries({
    GF_PLUGINS_PREINSTALL_DISABLED: "true",
    GF_PLUGINS_PREINSTALL_AUTO_UPDATE: "false",
    GF_PLUGINS_PLUGIN_ADMIN_ENABLED: "false",
    GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED: "true",
    GF_ANALYTICS_CHECK_FOR_UPDATES: "false",
    GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: "false",
    GF_ANALYTICS_REPORTING_ENABLED: "false",
    GF_NEWS_NEWS_FEED_ENABLED: "false",
    GF_SECURITY_DISABLE_GRAVATAR: "true",
    GF_SNAPSHOTS_EXTERNAL_ENABLED: "false",
  }))
    assert.equal(environment[name], value, name);
});

test("with its password Prometheus can be read, and no more", () => {
  const command = all.prometheus?.command.join(" ") ?? "";
  assert.match(command, /--web\.config\.file=/);
  assert.doesNotMatch(command, /enable-admin-api|enable-lifecycle|enable-remote-write-receiver/);
});
