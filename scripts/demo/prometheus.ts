import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Process, until } from "../../tests/harness/process.ts";

/** A real Prometheus that scrapes these services every second. */
export async function startPrometheus(dir: string, port: number, targets: Readonly<Record<string, string>>) {
  const data = join(dir, "prometheus");
  await mkdir(data, { recursive: true });
  const config = join(data, "prometheus.yml");
  const jobs = Object.entries(targets).map(
    ([name, url]) => `  - job_name: ${name}\n    static_configs: [{ targets: ["${new URL(url).host}"] }]\n`,
  );
  await writeFile(config, `global: { scrape_interval: 1s }\nscrape_configs:\n${jobs.join("")}`);
  const server = new Process("prometheus", {
    command: "prometheus",
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(data, "tsdb")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
  });
  const url = `http://127.0.0.1:${port}`;
  await until("Prometheus is ready", async () => {
    if (!server.running) throw new Error(server.tail());
    return (await fetch(`${url}/-/ready`)).ok;
  });
  return {
    url,
    /** The value of an instant query with one result; undefined where there is none yet. */
    query: async (expression: string): Promise<number | undefined> => {
      const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const body = JSON.parse(await response.text());
      const value = body?.data?.result?.[0]?.value?.[1];
      return typeof value === "string" ? Number(value) : undefined;
    },
    stop: () => server.stop(),
  };
}
