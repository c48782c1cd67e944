/**
 * The checks of `gpuctl diagnose`, from facts that are already gathered. First who can be asked at all (power, NATS,
 * the power that acts), since whatever they tell hangs on them; then the way of a notice to the machine; then the rest.
 */
import { formatDuration } from "@gpu-power-manager/shared/duration";
import type { Say } from "../language.ts";
import { type Asking, fail, ok, skewVerdict, warn } from "./asking.ts";
import type { Check } from "./check.ts";
import { consoleChecks } from "./console-checks.ts";
import type { Facts } from "./facts.ts";
import { gatewayChecks } from "./gateway-checks.ts";
import { hostChecks, monitoringChecks } from "./host-checks.ts";

/** A stream this full leaves too little room for a bad day. */
const FULL_WARN = 0.7;
const FULL_FAIL = 0.9;

function askableChecks(asking: Asking): Check[] {
  const { say, facts, power } = asking;
  const group = say("Who can be asked", "能否询问");
  return [
    {
      id: "token",
      group,
      name: say("a token for the API", "API 令牌"),
      needs: [],
      judge: () =>
        facts.tokenFound
          ? ok(say("found", "已找到"))
          : fail(
              say(`none in ${facts.tokenPlaces.join(", ")}`, `${facts.tokenPlaces.join("、")} 中没有`),
              say(
                "Run as a user that can read secrets/ (or with sudo), or name the file with --token-file.",
                "请用能读取 secrets/ 的用户（或 sudo）运行，或用 --token-file 指明文件。",
              ),
            ),
    },
    {
      id: "power",
      group,
      name: say("power answers", "power 有响应"),
      needs: ["token"],
      judge: () => {
        if (!facts.power.ok)
          return fail(
            facts.power.words,
            say(
              "Look at `make ps` and `make logs`; `make up` starts it.",
              "查看 `make ps` 和 `make logs`；`make up` 可启动它。",
            ),
          );
        const { node, version, uptimeSeconds } = power().diagnosis;
        const image = version === null ? "" : `${version}, `;
        return ok(
          `${image}Node ${node}, ${say("up for", "已运行")} ${formatDuration(uptimeSeconds * 1_000)}`,
        );
      },
    },
    {
      id: "clock-power",
      group,
      name: say("power's clock and ours", "power 与本机时钟"),
      needs: ["power"],
      judge: () => skewVerdict(say, say("power's clock", "power 的时钟"), power().aheadSeconds),
    },
  ];
}

function natsChecks({ say, power }: Asking): Check[] {
  const group = "NATS";
  const nats = () => power().diagnosis.nats;
  return [
    {
      id: "nats",
      group,
      name: say("NATS takes power in", "NATS 接受 power"),
      needs: ["power"],
      judge: () => {
        const { state, server, roundTripMs } = nats();
        if (state === "connected") return ok(`nats-server ${server ?? "?"}, ${roundTripMs ?? "?"} ms`);
        return state === "refused"
          ? fail(
              say("NATS refuses the user", "NATS 拒绝该用户"),
              say(
                "The password in secrets/nats-power is not the one in NATS's configuration: `make up` writes both anew from secrets/, then restart nats and power.",
                "secrets/nats-power 中的密码与 NATS 配置不一致：`make up` 会按 secrets/ 重新写入，然后重启 nats 和 power。",
              ),
            )
          : fail(
              say("NATS does not answer", "NATS 没有响应"),
              say(
                "Look at `make ps` and the log of nats; check NATS_URL.",
                "查看 `make ps` 和 nats 的日志；检查 NATS_URL。",
              ),
            );
      },
    },
    {
      id: "streams",
      group,
      name: say("streams, state and consumer are there", "流、状态和消费者都在"),
      needs: ["nats"],
      judge: () => {
        const { missing, streams } = nats();
        if (streams.length === 0 && missing.length === 0)
          return fail(
            say("JetStream does not answer", "JetStream 没有响应"),
            say("Look at the log of nats: is its disk full?", "查看 nats 日志：磁盘是否已满？"),
          );
        if (missing.length > 0)
          return fail(
            say(`missing: ${missing.join(", ")}`, `缺少：${missing.join("、")}`),
            say(
              "`make setup-nats` makes what is missing again; the services write into it what they still know.",
              "`make setup-nats` 会重建缺少的部分；两个服务会把仍然知道的内容写回。",
            ),
          );
        return ok(streams.map(({ name, messages }) => `${name} ${messages}`).join(", "));
      },
    },
    {
      id: "consumer",
      group,
      name: say("events are taken in", "事件被及时处理"),
      needs: ["streams"],
      judge: () => {
        const { consumer } = nats();
        if (consumer === null) return ok(say("nobody acts yet", "尚无执行者"));
        const seen = say(
          `${consumer.waiting} wait, ${consumer.redelivered} given out again`,
          `${consumer.waiting} 个等待，${consumer.redelivered} 个重发`,
        );
        return consumer.waiting > 1_000
          ? warn(seen, say("Look at power's log: can it write its state?", "查看 power 日志：能否写入状态？"))
          : ok(seen);
      },
    },
    {
      id: "nats-room",
      group,
      name: say("room in the streams", "流的剩余空间"),
      needs: ["streams"],
      judge: () => {
        const parts = nats().streams.flatMap(({ name, bytes, limitBytes }) =>
          limitBytes === null ? [] : { name, share: bytes / limitBytes },
        );
        const fullest = parts.toSorted((a, b) => b.share - a.share)[0];
        if (fullest === undefined) return ok(say("no limit is set", "未设上限"));
        const seen = `${fullest.name} ${Math.round(fullest.share * 100)} %`;
        // History and reports drop their oldest; only GPU_JOBS refuses.
        if (fullest.name !== "GPU_JOBS" || fullest.share < FULL_WARN) return ok(seen);
        const next = say(
          "Power does not take events in; look at its log.",
          "power 没有处理事件；查看其日志。",
        );
        return fullest.share >= FULL_FAIL ? fail(seen, next) : warn(seen, next);
      },
    },
    {
      id: "clock-nats",
      group,
      name: say("NATS's clock and power's", "NATS 与 power 时钟"),
      needs: ["streams"],
      judge: () => {
        const { aheadSeconds } = nats();
        if (aheadSeconds === null)
          return { status: "not_asked", seen: say("this server does not tell", "该服务器不提供") };
        return skewVerdict(say, say("NATS's clock", "NATS 的时钟"), aheadSeconds);
      },
    },
  ];
}

function powerChecks({ say, facts, power }: Asking): Check[] {
  const group = "power";
  return [
    {
      id: "pool",
      group,
      name: say("a power acts", "有 power 在执行"),
      needs: ["nats"],
      judge: () => {
        const { leads, otherPower, readiness } = power().diagnosis;
        if (leads && facts.power.ok && facts.power.value.status !== undefined)
          return ok(say("this one", "就是它"));
        if (otherPower !== null)
          return fail(
            say(
              `${otherPower} acts, not the one that was asked`,
              `执行者是 ${otherPower}，而不是被询问的这个`,
            ),
            say("Ask that one: --url.", "请用 --url 询问它。"),
          );
        return fail(
          readiness.words,
          say("It is on its way; ask again in ten seconds.", "正在启动；请十秒后再问。"),
        );
      },
    },
  ];
}

/** All checks in order. */
export function allChecks(facts: Facts, say: Say): Check[] {
  const power = () => {
    if (!facts.power.ok) throw new Error('A check asks power without needing the check "power".');
    return facts.power.value;
  };
  const status = () => {
    const known = power().status;
    if (known === undefined) throw new Error('A check asks for the status without needing the check "pool".');
    return known;
  };
  const asking: Asking = { say, facts, power, status };
  return [
    ...askableChecks(asking),
    ...natsChecks(asking),
    ...powerChecks(asking),
    ...gatewayChecks(asking),
    ...consoleChecks(asking),
    ...hostChecks(asking),
    ...monitoringChecks(asking),
  ];
}
