/** Demand, the provider's console, and the machines on it. */
import { formatDuration } from "@gpu-power-manager/shared/duration";
import { type Asking, fail, ok, warn } from "./asking.ts";
import type { Check, Verdict } from "./check.ts";

/** A comparison of page and API is due every five minutes at the default settings. */
const COMPARED_S = 900;
/** A start takes about two minutes; a job that waits longer than this waits for something else. */
const WAITS_S = 600;

export function consoleChecks({ say, power, status }: Asking): Check[] {
  const ofDemand = say("demand", "需求");
  const ofConsole = say("console", "控制台");
  const ofMachines = say("machines", "机器");
  /** The machines whose state is unknown for one of these reasons. */
  const doubted = (...reasons: readonly string[]) =>
    status().instances.filter(
      ({ unknownReason }) => unknownReason !== null && reasons.includes(unknownReason),
    );
  const named = (...reasons: readonly string[]): Pick<Verdict, "seen"> | undefined => {
    const found = doubted(...reasons);
    if (found.length === 0) return undefined;
    return { seen: found.map(({ id, words }) => `${id}: ${words ?? "?"}`).join(" ") };
  };
  return [
    {
      id: "demand",
      group: ofDemand,
      name: say("what waits", "等待中的任务"),
      needs: ["pool"],
      judge: () => {
        const { demand, at, decisions } = status();
        if (demand.waitingJobs === 0) return ok(say("nothing", "没有"));
        const age = demand.oldestWaitingAt === null ? 0 : Date.parse(at) - Date.parse(demand.oldestWaitingAt);
        const why = decisions.map(({ reason }) => reason.replaceAll("_", " ")).join(", ");
        const seen = say(
          `${demand.waitingJobs} jobs, the oldest for ${formatDuration(age)} (${why})`,
          `${demand.waitingJobs} 个任务，最久 ${formatDuration(age)}（${why}）`,
        );
        return age > WAITS_S * 1_000
          ? warn(
              seen,
              say(
                "Read on: what follows says why no machine runs.",
                "继续往下看：后面的检查说明为何没有机器运行。",
              ),
            )
          : ok(seen);
      },
    },
    {
      id: "console",
      group: ofConsole,
      name: say("the provider answers", "服务商有响应"),
      needs: ["pool"],
      judge: () => {
        const found = named("console_unreachable", "console_error", "browser_down", "not_observed_yet");
        return found === undefined
          ? ok(say("it does", "正常"))
          : fail(
              found.seen,
              say(
                "Look at the provider's page from this server; check the addresses in the profile, DNS and the firewall.",
                "从本机打开服务商页面；检查 profile 中的地址、DNS 和防火墙。",
              ),
            );
      },
    },
    {
      id: "login",
      group: ofConsole,
      name: say("logged in", "已登录"),
      needs: ["console"],
      judge: () =>
        status().session === "logged_in"
          ? ok(say("yes", "是"))
          : status().session === "not_used"
            ? ok(say("no browser is needed: the signed API answers", "不需要浏览器：签名 API 有应答"))
            : fail(
                say(
                  `the session is ${status().session.replaceAll("_", " ")}`,
                  `会话状态：${status().session}`,
                ),
                say(
                  "Log in by hand: `make login` where there is a display, then `make login-import` here.",
                  "人工登录：在有显示器的机器上 `make login`，再在这里 `make login-import`。",
                ),
              ),
    },
    {
      id: "selectors",
      group: ofConsole,
      name: say("the profile fits the page", "profile 与页面相符"),
      needs: ["login"],
      judge: () => {
        const { selectors, selectorsWords } = power().diagnosis;
        if (selectors === null) return { status: "not_asked", seen: selectorsWords ?? "?" };
        const wrong = selectors.filter(({ verdict }) => verdict === "missing" || verdict === "ambiguous");
        if (wrong.length === 0)
          return ok(
            selectors
              .filter(({ verdict, count }) => verdict === "found" && count > 0)
              .map(({ name, count }) => `${name} ${count}`)
              .join(", "),
          );
        return fail(
          wrong
            .map(({ name, selector, count }) =>
              say(`${name} (${selector}) finds ${count}`, `${name}（${selector}）找到 ${count} 个`),
            )
            .join("; "),
          say(
            "`gpuctl profile check` says more. Mend these lines in config/profiles/; a screenshot and the page's HTML are among the artifacts.",
            "`gpuctl profile check` 说明详情。修正 config/profiles/ 中的这些行；截图和页面 HTML 在 artifacts 中。",
          ),
        );
      },
    },
    {
      id: "found",
      group: ofMachines,
      name: say("each machine is found by its id", "每台机器都能按 ID 找到"),
      needs: ["login"],
      judge: () => {
        const found = named("not_in_list");
        return found === undefined
          ? ok(
              status()
                .instances.map(({ id, providerId }) => `${id} ${providerId}`)
                .join(", "),
            )
          : fail(
              found.seen,
              say(
                "Mend providerId in config/pool.yaml; does this account still own the machine?",
                "修正 config/pool.yaml 中的 providerId；该账号是否仍拥有此机器？",
              ),
            );
      },
    },
    {
      id: "state",
      group: ofMachines,
      name: say("page and API agree on each state", "页面与 API 状态一致"),
      needs: ["found", "selectors"],
      judge: () => {
        const found = named("witnesses_disagree", "page_half_loaded", "unlisted_state");
        if (found !== undefined)
          return fail(
            found.seen,
            say(
              "Nothing is stopped until it is known. Look at the console yourself, and at the artifacts.",
              "在得知之前不会停止任何机器。请亲自查看控制台和 artifacts。",
            ),
          );
        const { at, instances } = status();
        const old = instances.filter(
          ({ comparedAt }) =>
            comparedAt === null || Date.parse(at) - Date.parse(comparedAt) > COMPARED_S * 1_000,
        );
        const seen = instances.map(({ id, state }) => `${id} ${state}`).join(", ");
        return old.length === 0
          ? ok(seen)
          : warn(
              say(
                `${seen}; not compared for long: ${old.map(({ id }) => id).join(", ")}`,
                `${seen}；久未比对：${old.map(({ id }) => id).join("、")}`,
              ),
              say("Look at power's log for what keeps it from it.", "查看 power 日志中的原因。"),
            );
      },
    },
    {
      id: "refusals",
      group: ofMachines,
      name: say("what the provider refused within the hour", "一小时内服务商的拒绝"),
      needs: ["power"],
      judge: () => {
        const { refusals } = power();
        const [last] = refusals;
        if (last === undefined) return ok(say("nothing", "没有"));
        return warn(
          `${refusals.length}: ${last.words}`,
          say(
            "Sold out: a second machine in the pool is the answer. Else read the provider's words.",
            "若为售罄：在机器池中加入第二台机器。否则请看服务商的说明。",
          ),
        );
      },
    },
  ];
}
