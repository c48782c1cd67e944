/** `gpuctl hooks`, `gpuctl hooks test`: who is told of what happens, and whether they can be. */
import { HookList, HookTests } from "@gpu-power-manager/shared/api";
import { EXIT } from "../command-error.ts";
import type { Session } from "../session.ts";
import { localTime } from "../times.ts";

/** @returns the exit code: not fine where something waits. */
export async function listHooks({ client, json, print, say }: Session): Promise<number> {
  const list = await client.ask("/hooks", HookList);
  const stuck = list.hooks.some(({ waitingSince }) => waitingSince !== null);
  if (json) print(JSON.stringify(list, null, 2));
  else if (list.hooks.length === 0) print(say("The pool file names no hook.", "机器池文件中没有 hook。"));
  else
    for (const { name, kind, waitingSince, failures, trouble, takenAt } of list.hooks) {
      const last = takenAt === null ? say("nothing taken yet", "尚未收到过") : localTime(takenAt);
      const waits =
        waitingSince === null
          ? say(`last taken: ${last}`, `最近收到：${last}`)
          : say(
              `waits since ${localTime(waitingSince)}, refused ${failures} times: ${trouble}`,
              `自 ${localTime(waitingSince)} 起等待，已拒绝 ${failures} 次：${trouble}`,
            );
      print(`${name}  ${kind}  ${waits}`);
    }
  return stuck ? EXIT.wrong : EXIT.fine;
}

/** @returns the exit code: not fine where one has not taken the test. */
export async function testHooks(
  { client, json, print, say }: Session,
  hook: string | undefined,
  actor: string,
): Promise<number> {
  const answer = await client.ask("/hooks/test", HookTests, { method: "POST", body: { hook, actor } });
  if (json) print(JSON.stringify(answer, null, 2));
  else
    for (const { name, taken, trouble } of answer.tests)
      print(`${name}  ${taken ? say("has taken the test", "已收到测试事件") : trouble}`);
  return answer.tests.every(({ taken }) => taken) ? EXIT.fine : EXIT.wrong;
}
