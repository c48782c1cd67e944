/** The listener, and what it tells of the gateway and of the gateway's Redis. */
import { formatDuration } from "@gpu-power-manager/shared/duration";
import { z } from "zod";
import { type Asking, aliveListener, fail, ok, skewVerdict, warn } from "./asking.ts";
import type { Check } from "./check.ts";

/** A probe proves the path every 30 s at the default settings; twice that without one is too long. */
const PROVEN_S = 90;

/** What a listener's readiness says beside its words; of a newer one only what is known here. */
const Details = z.object({
  gateway: z.enum(["waiting", "connecting", "registering", "registered"]).catch("connecting"),
  gatewayTrouble: z.string().nullable().catch(null),
  pathInDoubt: z.boolean().catch(false),
  backlog: z.string().catch("not_read_yet"),
  backlogTrouble: z.string().nullable().catch(null),
  natsTrouble: z.string().nullable().catch(null),
  outboxDepth: z.number().catch(0),
  redisAheadSeconds: z.number().nullable().catch(null),
});

/** What an error of the connection means, and what a person does about it. */
function causeOf(cause: string, { say }: Asking): { words: string; next: string } {
  if (/ENOTFOUND|EAI_AGAIN/.test(cause))
    return {
      words: say(`its name is not known (${cause})`, `无法解析其域名（${cause}）`),
      next: say("Check the host in DSP_URL and this server's DNS.", "检查 DSP_URL 中的主机名和本机 DNS。"),
    };
  if (/CERT|certificate|self.signed|altnames/i.test(cause))
    return {
      words: say(`its certificate is not accepted (${cause})`, `其证书不被接受（${cause}）`),
      next: say(
        "Renew the gateway's certificate, or put its CA into config/ca/*.pem.",
        "更新网关证书，或把其 CA 放入 config/ca/*.pem。",
      ),
    };
  if (/Unexpected server response/.test(cause))
    return {
      words: say(`it refuses the WebSocket (${cause})`, `它拒绝 WebSocket（${cause}）`),
      next: say(
        "Check the path in DSP_URL and what stands in front of the gateway.",
        "检查 DSP_URL 的路径和网关前面的代理。",
      ),
    };
  return {
    words: say(`nothing answers there (${cause})`, `没有响应（${cause}）`),
    next: say("Start the gateway, check DSP_URL and the firewall.", "启动网关，检查 DSP_URL 和防火墙。"),
  };
}

/** Whether the last connection was given up because of its registration. */
const refusesRole = (trouble: string | null): boolean =>
  trouble === "wrong_role" || trouble === "register_timeout";

export function gatewayChecks(asking: Asking): Check[] {
  const { say, power } = asking;
  const listener = () => aliveListener(power().diagnosis);
  const details = () => Details.parse(listener()?.about?.details ?? {});
  const ofListener = say("listener", "listener");
  const ofGateway = say("gateway", "网关");
  return [
    {
      id: "listener",
      group: ofListener,
      name: say("a listener is alive", "有 listener 在运行"),
      // One that stands by hears no listener.
      needs: ["pool"],
      judge: () => {
        const alive = listener();
        if (alive !== undefined)
          return ok(`${alive.name}${alive.about === null ? "" : `: ${alive.about.words}`}`);
        const last = power().diagnosis.listeners[0];
        return fail(
          last === undefined
            ? say("none has been heard since power started", "自 power 启动以来未听到任何 listener")
            : say(
                `silent for ${formatDuration(last.silentSeconds * 1_000)}`,
                `已静默 ${formatDuration(last.silentSeconds * 1_000)}`,
              ),
          say(
            "Start the listener (`make ps`, `make up`) and look at its log; POOL must be the same as in the pool file, and NATS must take its user in.",
            "启动 listener（`make ps`、`make up`）并查看日志；POOL 必须与机器池文件一致，且 NATS 须接受其用户。",
          ),
        );
      },
    },
    {
      id: "clock-listener",
      group: ofListener,
      name: say("its clock and power's", "其时钟与 power 的时钟"),
      needs: ["listener"],
      judge: () =>
        skewVerdict(say, say("the listener's clock", "listener 的时钟"), listener()?.aheadSeconds ?? 0),
    },
    {
      id: "versions",
      group: ofListener,
      name: say("it is of power's version", "与 power 版本一致"),
      needs: ["listener"],
      judge: () => {
        const ours = power().diagnosis.version;
        const theirs = listener()?.about?.version;
        if (ours === null || theirs === undefined)
          return {
            status: "not_asked",
            seen: say(
              `power ${ours ?? "?"}, listener ${theirs ?? "?"}: what runs from sources has no version`,
              `power ${ours ?? "?"}，listener ${theirs ?? "?"}：直接从源码运行的没有版本`,
            ),
          };
        if (ours === theirs) return ok(ours);
        return warn(
          say(`power ${ours}, listener ${theirs}`, `power ${ours}，listener ${theirs}`),
          say(
            "Was an upgrade left half done? `make upgrade` brings both to one version, `make rollback` back to the one before.",
            "升级是否中途停下？`make upgrade` 使两者版本一致，`make rollback` 回到上一版本。",
          ),
        );
      },
    },
    {
      id: "publish",
      group: ofListener,
      name: say("NATS stores what it hears", "NATS 存储其听到的内容"),
      needs: ["listener"],
      judge: () => {
        const { natsTrouble, outboxDepth } = details();
        if (natsTrouble !== null)
          return fail(
            say(
              `not now: ${natsTrouble}; ${outboxDepth} wait`,
              `当前不能：${natsTrouble}；${outboxDepth} 个等待`,
            ),
            say("Look at NATS's disk and streams.", "检查 NATS 的磁盘和流。"),
          );
        return outboxDepth > 1_000
          ? warn(
              say(`${outboxDepth} events wait`, `${outboxDepth} 个事件在等待`),
              say("Look whether the number falls.", "观察数量是否下降。"),
            )
          : ok(say(`${outboxDepth} events wait`, `${outboxDepth} 个事件在等待`));
      },
    },
    {
      id: "gateway",
      group: ofGateway,
      name: say("name, connection, TLS, WebSocket", "域名、连接、TLS、WebSocket"),
      needs: ["listener"],
      judge: () => {
        const { gateway, gatewayTrouble } = details();
        // It connects, and gives up again where the registration fails: that is the next check's matter.
        const connects = gateway === "registering" || gateway === "registered" || refusesRole(gatewayTrouble);
        if (connects) return ok(say("connected", "已连接"));
        const { words, next } = causeOf(gatewayTrouble ?? "?", asking);
        return fail(words, next);
      },
    },
    {
      id: "registered",
      group: ofGateway,
      name: say("registered as gpu_monitor", "已注册为 gpu_monitor"),
      needs: ["gateway"],
      judge: () =>
        details().gateway === "registered"
          ? ok(say("the gateway has confirmed it", "网关已确认"))
          : fail(
              say(
                `the gateway does not confirm the registration (${(details().gatewayTrouble ?? "?").replaceAll("_", " ")})`,
                `网关没有确认注册（${details().gatewayTrouble ?? "?"}）`,
              ),
              say(
                "Is DSP_URL the gateway's own path (/dsp)? Look at the gateway's log; does it know the role gpu_monitor?",
                "DSP_URL 是否为网关自己的路径（/dsp）？查看网关日志；它是否支持 gpu_monitor 角色？",
              ),
            ),
    },
    {
      id: "path",
      group: ofGateway,
      name: say("notices come through", "通知能够到达"),
      needs: ["registered"],
      judge: () => {
        const proven = listener()?.provenSecondsAgo ?? null;
        const seen =
          proven === null
            ? say("never proven", "从未证明")
            : say(`proven ${formatDuration(proven * 1_000)} ago`, `${formatDuration(proven * 1_000)}前证明`);
        if (proven !== null && proven < PROVEN_S && !details().pathInDoubt) return ok(seen);
        return fail(
          say(`${seen}; the last probe was not heard`, `${seen}；最近一次探测未被听到`),
          say(
            "The gateway answers but passes nothing on: was it restarted after its code changed, is its Redis there, does it call _notifyGpuMonitors?",
            "网关有响应但不转发：修改代码后是否重启？其 Redis 是否正常？是否调用了 _notifyGpuMonitors？",
          ),
        );
      },
    },
    {
      id: "redis",
      group: ofGateway,
      name: say("its Redis can be read", "可读取其 Redis"),
      needs: ["listener"],
      judge: () => {
        const { backlog, backlogTrouble } = details();
        if (backlog === "not_configured")
          return warn(
            say(
              "DSP_REDIS_URL is not set, so a job whose notice is lost stays unknown",
              "未设置 DSP_REDIS_URL，漏掉通知的任务将无法得知",
            ),
            say(
              "Write the address of a read-only user into secrets/dsp-redis-url.",
              "把只读用户的地址写入 secrets/dsp-redis-url。",
            ),
          );
        if (backlog === "troubled")
          return fail(
            backlogTrouble ?? say("it cannot be read", "无法读取"),
            /NOPERM|no permissions|may not do/i.test(backlogTrouble ?? "")
              ? say(
                  "Give the user what docs/operating.md lists: ACL SETUSER … ~dsp:* +scan +lrange +hvals +time +select.",
                  "按 docs/operating.zh-CN.md 授权：ACL SETUSER … ~dsp:* +scan +lrange +hvals +time +select。",
                )
              : say("Start it, or mend secrets/dsp-redis-url.", "启动它，或修正 secrets/dsp-redis-url。"),
          );
        if (backlog === "part")
          return warn(
            say("only a part of it could be read", "只读到一部分"),
            say("The words of the listener say why.", "listener 的说明给出了原因。"),
          );
        return ok(backlog.replaceAll("_", " "));
      },
    },
    {
      id: "clock-redis",
      group: ofGateway,
      name: say("its Redis' clock and the listener's", "其 Redis 与 listener 的时钟"),
      needs: ["redis"],
      judge: () => {
        const { redisAheadSeconds } = details();
        if (redisAheadSeconds === null)
          return { status: "not_asked", seen: say("it cannot be asked", "无法询问") };
        return skewVerdict(say, say("the listener's clock", "listener 的时钟"), redisAheadSeconds);
      },
    },
  ];
}
