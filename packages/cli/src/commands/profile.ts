/** `gpuctl profile`: the profile of the console held against the live console. */
import { DryRun, ProfileCheck } from "@gpu-power-manager/shared/profile-doctor";
import { EXIT } from "../command-error.ts";
import type { Say } from "../language.ts";
import type { Colour, Session } from "../session.ts";

/** Loading the page and asking the API take their timeouts at most. */
const PATIENCE_MS = 60_000;
/** A dry run waits for each step as a start does. */
const WALK_MS = 180_000;

type Selector = NonNullable<ProfileCheck["selectors"]>[number];
type Field = NonNullable<ProfileCheck["api"]>["fields"][number];

const VERDICTS: Readonly<
  Record<Selector["verdict"] | Field["verdict"], { colour: Colour; en: string; zh: string }>
> = {
  found: { colour: "green", en: "found", zh: "找到" },
  missing: { colour: "red", en: "missing", zh: "缺失" },
  ambiguous: { colour: "red", en: "ambiguous", zh: "不唯一" },
  not_shown: { colour: "dim", en: "not shown now", zh: "当前未显示" },
  not_told: { colour: "yellow", en: "not told", zh: "未提供" },
};

/** Whether something has to be mended. */
export function isWrong(check: ProfileCheck): boolean {
  const bad = (each: { verdict: string }) => each.verdict === "missing" || each.verdict === "ambiguous";
  return (
    check.selectors === null ||
    check.api === null ||
    check.selectors.some((line) => bad(line) || (line.unlisted ?? []).length > 0) ||
    check.api.fields.some(bad) ||
    check.api.machines === null ||
    check.api.unlisted.length > 0
  );
}

/** What there is to say, a line each. */
export function describeCheck(check: ProfileCheck, { say, paint }: Pick<Session, "say" | "paint">): string[] {
  const mark = (verdict: Selector["verdict"] | Field["verdict"]) => {
    const { colour, en, zh } = VERDICTS[verdict];
    return paint(colour, say(en.padEnd(13), zh.padEnd(6, "　")));
  };
  const selectors = check.selectors?.flatMap((line) => [
    `${mark(line.verdict)}  ${line.name}  ${paint("dim", line.selector)}`,
    `               ${line.words}${told(line, say)}`,
  ]) ?? [check.selectorsWords ?? "?"];
  const api =
    check.api === null
      ? [check.apiWords ?? "?"]
      : [
          ...(check.api.words === null ? [] : [check.api.words]),
          ...check.api.fields.flatMap((line) => [
            `${mark(line.verdict)}  ${line.name}  ${paint("dim", line.field)}  ${line.words}`,
          ]),
          ...check.api.unlisted.map((word) =>
            say(
              `${mark("missing")}  api.list.states does not list "${word}"`,
              `${mark("missing")}  api.list.states 未列出“${word}”`,
            ),
          ),
        ];
  return [
    paint("bold", say(`The page ${check.url}`, `页面 ${check.url}`)),
    ...selectors,
    "",
    paint("bold", say("What its API answers", "API 的应答")),
    ...api,
  ];
}

function told({ texts }: Selector, say: Say): string {
  const some = texts.filter((text) => text !== "").slice(0, 5);
  if (some.length === 0) return "";
  return say(` Texts: ${some.join(" | ")}`, ` 文字：${some.join(" | ")}`);
}

/** Prints the check. @returns the exit code. */
export async function checkProfile(session: Session): Promise<number> {
  const { client, json, print, tell, say } = session;
  const check = await client.ask("/profile/check", ProfileCheck, {
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (json) print(JSON.stringify(check, null, 2));
  else for (const line of describeCheck(check, session)) print(line);
  const wrong = isWrong(check);
  if (!json && wrong)
    tell(
      say(
        `Mend these lines in config/profiles/${check.profile}.yaml; it is taken up within seconds.`,
        `请修正 config/profiles/${check.profile}.yaml 中的这些行；几秒内生效。`,
      ),
    );
  return wrong ? EXIT.wrong : EXIT.fine;
}

/** Prints what a start or stop would click. @returns the exit code. */
export async function dryRun(session: Session, instance: string, action: "start" | "stop"): Promise<number> {
  const { client, json, print, say, paint } = session;
  const walked = await client.ask("/profile/dry-run", DryRun, {
    method: "POST",
    body: { instance, action },
    signal: AbortSignal.timeout(WALK_MS),
  });
  if (json) print(JSON.stringify(walked, null, 2));
  else {
    for (const { name, selector, verdict, words, text, picture } of walked.steps) {
      const { colour, en, zh } = VERDICTS[verdict];
      print(`${paint(colour, say(en, zh))}  ${name}  ${paint("dim", selector)}  ${text ?? ""}`);
      print(
        `       ${words}${picture === null ? "" : say(` Picture: ${picture}.png`, ` 截图：${picture}.png`)}`,
      );
    }
    if (walked.stopped.length > 0)
      print(say(`Not let out: ${walked.stopped.join(", ")}`, `未放行：${walked.stopped.join("、")}`));
    print(walked.words);
  }
  const fits = walked.steps.length > 0 && walked.steps.every(({ verdict }) => verdict === "found");
  return fits ? EXIT.fine : EXIT.wrong;
}
