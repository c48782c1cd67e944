/** `gpuctl support-bundle`: one tar.gz with all that is asked for in a support case, and without secrets. */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describeError } from "@gpu-power-manager/shared/errors";
import { create } from "tar";
import { CommandError, EXIT } from "../command-error.ts";
import type { Session } from "../session.ts";
import { type BundleOptions, gatherContents } from "./contents.ts";
import { BLOT, Scrubber } from "./scrubber.ts";

export interface BundleRequest extends BundleOptions {
  /** Where it is written; `-` is standard output, as from inside a container. */
  readonly output: string;
  /** Values that must not be in it, beside what looks like a secret. */
  readonly secrets: readonly string[];
  readonly writeOut: (bytes: Buffer) => void;
}

export interface Bundle {
  readonly file: string;
  /** Of the archive. */
  readonly bytes: number;
  readonly files: ReadonlyArray<{ readonly path: string; readonly bytes: number }>;
  readonly missing: ReadonlyArray<{ readonly what: string; readonly why: string }>;
}

/** `gpu-power-support-20261124-210307`, in universal time: the folder in the archive, and its name. */
export function bundleName(at: Date): string {
  return `gpu-power-support-${at.toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-")}`;
}

/** Gathers, scrubs and packs. @throws when it cannot be written. */
export async function makeBundle(session: Session, name: string, request: BundleRequest): Promise<Bundle> {
  const scrubber = new Scrubber();
  for (const secret of request.secrets) scrubber.add(secret);
  const { files: found, missing } = await gatherContents(session, request, scrubber);
  const lacking = missing.map(({ what, why }) => ({ what: scrubber.scrub(what), why: scrubber.scrub(why) }));
  const versions = { at: new Date().toISOString(), gpuctlNode: process.version, platform: process.platform };
  const clean = [
    ...found.map(({ path, content }) => ({
      path: scrubber.scrub(path),
      content: typeof content === "string" ? scrubber.scrub(content) : content,
    })),
    { path: "versions.json", content: `${JSON.stringify(versions, null, 2)}\n` },
  ];
  const files = clean.map(({ path, content }) => ({ path, bytes: Buffer.byteLength(content) }));
  const about = `${JSON.stringify({ name, files, missing: lacking, blotted: BLOT }, null, 2)}\n`;
  // Packed from a folder that only this user may enter; what lies in it is without secrets already.
  const folder = await mkdtemp(join(tmpdir(), "gpuctl-support-"));
  try {
    for (const { path, content } of [...clean, { path: "contents.json", content: about }]) {
      const file = join(folder, name, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content, { mode: 0o600 });
    }
    const archive = join(folder, "archive");
    await create({ gzip: true, file: archive, cwd: folder, portable: true, mode: 0o600 }, [name]);
    const { size } = await stat(archive);
    const packed = await readFile(archive);
    if (request.output === "-") request.writeOut(packed);
    else await keep(request.output, packed);
    return { file: request.output, bytes: size, files, missing: lacking };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function keep(path: string, packed: Buffer): Promise<void> {
  try {
    await writeFile(path, packed, { mode: 0o600 });
  } catch (error) {
    const words = `The bundle cannot be written to ${path} (${describeError(error)}). Say another place with --output, or - for standard output.`;
    throw new CommandError(EXIT.wrong, words);
  }
}

const size = (bytes: number) => (bytes < 10_240 ? `${bytes} B` : `${Math.round(bytes / 1_024)} KiB`);

/** Makes it, and says what is in it. */
export async function supportBundle(session: Session, name: string, request: BundleRequest): Promise<void> {
  const { say, tell, paint, json } = session;
  // The archive itself has standard output.
  const print = request.output === "-" ? tell : session.print;
  if (!json) tell(say("Gathering; this takes up to a minute.", "正在收集，最多需要一分钟。"));
  const bundle = await makeBundle(session, name, request);
  if (json) {
    print(JSON.stringify(bundle, null, 2));
    return;
  }
  for (const { path, bytes } of bundle.files) print(`  ${paint("green", "✓")} ${path}  ${size(bytes)}`);
  for (const { what, why } of bundle.missing)
    print(`  ${paint("yellow", "–")} ${what}: ${say("not to be had", "无法获取")}: ${why}`);
  print(
    say(
      `${bundle.file}  ${size(bundle.bytes)}. What is known to be secret, or stands where a secret stands, is blotted out; look into it all the same before you give it away.`,
      `${bundle.file}  ${size(bundle.bytes)}。已知的秘密以及出现在秘密位置的内容都已遮盖；交给别人之前仍请先看一遍。`,
    ),
  );
}
