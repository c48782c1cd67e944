/** The containers' logs of the last day, asked of Docker where it is there. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** As old as a support case usually is; lines beyond the last of these are left out. */
const SINCE = "24h";
const MOST_LINES = 20_000;
/** A line is some hundred bytes; a container that logs more is cut off, and that is said. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Docker that takes longer is as good as away. */
const ANSWER_MS = 30_000;

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly status: string;
}

/** The project's containers. @throws where Docker is not there, or does not answer. */
export async function listContainers(project: string): Promise<Container[]> {
  const filter = `label=com.docker.compose.project=${project}`;
  const format = "{{.Names}}\t{{.Image}}\t{{.Status}}";
  const { stdout } = await run("docker", ["ps", "--all", "--filter", filter, "--format", format], {
    timeout: ANSWER_MS,
  });
  return stdout.split("\n").flatMap((line) => {
    const [name, image = "", status = ""] = line.split("\t");
    return name ? [{ name, image, status }] : [];
  });
}

/** What a container has written of late, both streams. @throws where Docker does not give it. */
export async function readLog(container: string): Promise<string> {
  const args = ["logs", "--since", SINCE, "--tail", String(MOST_LINES), "--timestamps", container];
  const { stdout, stderr } = await run("docker", args, { timeout: ANSWER_MS, maxBuffer: MOST_BYTES });
  return stderr === "" ? stdout : `${stdout}\n--- standard error ---\n${stderr}`;
}
