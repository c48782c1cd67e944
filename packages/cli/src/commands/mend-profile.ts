/** `gpuctl profile point` and `set`: a line of the profile that no longer fits gets another value. */
import { copyFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { describeError } from "@gpu-power-manager/shared/errors";
import { Learning, Learnt, Pointed, ProfileText } from "@gpu-power-manager/shared/profile-doctor";
import { CommandError, EXIT } from "../command-error.ts";
import type { Session } from "../session.ts";

/** Loading the page takes its timeout at most. */
const PATIENCE_MS = 60_000;

export async function pointOnPage(
  { client, json, print, tell, say }: Session,
  query: { readonly line: string; readonly x: string; readonly y: string },
): Promise<void> {
  const pointed = await client.ask("/profile/point", Pointed, {
    query,
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (json) return print(JSON.stringify(pointed, null, 2));
  print(`<${pointed.tag}> ${pointed.text}`);
  for (const { selector, covers, elsewhere } of pointed.proposals) {
    const rows = covers === 0 ? "" : say(`  (${covers} rows)`, `  （${covers} 行）`);
    const others =
      elsewhere.length === 0
        ? ""
        : say(`  elsewhere: ${elsewhere.join(" | ")}`, `  其他位置：${elsewhere.join(" | ")}`);
    print(`  ${selector}${rows}${others}`);
  }
  if (pointed.proposals.length === 0)
    tell(
      say(
        "Nothing that its makers named tells this element from the others; point at one around it, or write a selector by hand.",
        "没有任何人为命名的特征能把该元素与其他元素区分开；请指向它外层的元素，或手写选择器。",
      ),
    );
}

export interface WriteFlags {
  /** The profile's file where it is no longer where `make up` puts it. */
  readonly file?: string;
  readonly yes: boolean;
  readonly root: string;
}

/** The lines that differ, as a person reads them: what is the same before and behind is left out. */
export function differingLines(before: string, after: string): string[] {
  const old = before.split("\n");
  const now = after.split("\n");
  let from = 0;
  while (from < Math.min(old.length, now.length) && old[from] === now[from]) from += 1;
  let end = 0;
  while (end < Math.min(old.length, now.length) - from && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  const gone = old.slice(from, old.length - end).map((line) => `-${line}`);
  const come = now.slice(from, now.length - end).map((line) => `+${line}`);
  return gone.length + come.length === 0 ? [] : [`@@ ${from + 1}`, ...gone, ...come];
}

/** Another value in one line. @returns the exit code. */
export async function setLine(
  session: Session,
  { line, value, ...flags }: WriteFlags & { readonly line: string; readonly value: string },
): Promise<number> {
  const text = await session.client.ask("/profile/change", ProfileText, { query: { line, value } });
  return await offer(session, text, flags);
}

/** Watches a person do an action by hand, and offers the part of the profile that does the same. @returns the exit code. */
export async function learnAction(
  session: Session,
  {
    instance,
    action,
    ...flags
  }: WriteFlags & { readonly instance: string; readonly action: "start" | "stop" },
): Promise<number> {
  const { client, json, print, tell, say } = session;
  const { words } = await client.ask("/profile/learn", Learning, {
    method: "POST",
    body: { instance, action },
  });
  tell(words);
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  await asking.question(say("Press Enter when it is done. ", "完成后按回车。"));
  asking.close();
  const { text, ...learnt } = await client.ask("/profile/learnt", Learnt, { method: "POST", body: {} });
  if (json) {
    print(JSON.stringify({ ...learnt, text }, null, 2));
    return text === null ? EXIT.wrong : EXIT.fine;
  }
  for (const remark of learnt.remarks) tell(remark);
  if (text !== null) return await offer(session, text, flags);
  if (learnt.yaml !== null) print(learnt.yaml);
  return EXIT.wrong;
}

/** Shows what would change, asks, and writes it; power takes it up by itself. @returns the exit code. */
async function offer(
  session: Session,
  { profile, before, after }: ProfileText,
  { yes, root, ...flags }: WriteFlags,
): Promise<number> {
  const { print, tell, say } = session;
  const file = flags.file ?? join(root, "config/profiles", `${profile}.yaml`);
  const here = await readFile(file, "utf8").catch((error: unknown) => {
    throw new CommandError(
      EXIT.usage,
      `${file} cannot be read (${describeError(error)}); name it with --file.`,
    );
  });
  if (here !== before)
    throw new CommandError(
      EXIT.wrong,
      `${file} is not the profile that power uses; name that one with --file.`,
    );
  const differing = differingLines(before, after);
  if (differing.length === 0) {
    print(say("It says so already.", "已是如此。"));
    return EXIT.fine;
  }
  print(file);
  for (const each of differing) print(each);
  if (!yes && !(await confirmed(session))) return EXIT.wrong;
  await copyFile(file, `${file}.before`);
  await writeFile(`${file}.new`, after);
  // A reader never sees half a file.
  await rename(`${file}.new`, file);
  tell(
    say(
      `Written; the old one is ${file}.before. Power takes it up within seconds: gpuctl profile check.`,
      `已写入；原文件在 ${file}.before。power 几秒内生效：gpuctl profile check。`,
    ),
  );
  return EXIT.fine;
}

async function confirmed({ say, tell }: Session): Promise<boolean> {
  if (!process.stdin.isTTY) {
    tell(say("Nothing is written; --yes writes it without asking.", "未写入；用 --yes 可不经询问直接写入。"));
    return false;
  }
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const said = await asking.question(say("Write it? [y/N] ", "写入？[y/N] "));
  asking.close();
  return /^y(es)?$/i.test(said.trim());
}
