/** The server that all of it runs on, and whoever watches it. */

import { type Asking, aliveListener, fail, ok, skewVerdict, warn } from "./asking.ts";
import type { Check } from "./check.ts";
import { type Sample, samplesOf } from "./metrics-text.ts";

/** Free space below which a bad day has no room. */
const DISK_WARN = 0.15;
const DISK_FAIL = 0.05;
const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
/** Shares of a container's memory: past the limit the kernel kills it, and starting anew takes seconds. */
const MEMORY_WARN = 0.85;
const MEMORY_FAIL = 0.95;
const DAY_S = 86_400;
const CERTIFICATE_WARN_S = 14 * DAY_S;

export function hostChecks({ say, power }: Asking): Check[] {
  const group = say("server", "服务器");
  const metric = (name: string): Sample[] => samplesOf(power().metrics, name);
  return [
    {
      id: "files",
      group,
      name: say("pool file and profile in use as they are on disk", "机器池文件和 profile 与磁盘一致"),
      needs: ["power"],
      judge: () => {
        const stale = metric("gpu_power_config_reload_success").filter(({ value }) => value === 0);
        return stale.length === 0
          ? ok(say("yes", "是"))
          : fail(
              say(
                `the last change was refused: ${stale.map(({ labels }) => labels.file).join(", ")}`,
                `最近的修改被拒绝：${stale.map(({ labels }) => labels.file).join("、")}`,
              ),
              say(
                "`gpuctl reload --reason check` says what is wrong with it.",
                "`gpuctl reload --reason check` 会说明哪里有误。",
              ),
            );
      },
    },
    {
      id: "disk",
      group,
      name: say("room on the disks", "磁盘剩余空间"),
      needs: ["power"],
      judge: () => {
        const bytes = freeShares(metric("gpu_power_disk_bytes"), metric("gpu_power_disk_free_bytes"));
        const files = freeShares(metric("gpu_power_disk_inodes"), metric("gpu_power_disk_free_inodes"));
        const [least] = [
          ...bytes.map(({ disk, free, share }) => ({
            share,
            seen: say(
              `${disk}: ${(free / GIB).toFixed(1)} GiB free (${Math.round(share * 100)} %)`,
              `${disk}：剩余 ${(free / GIB).toFixed(1)} GiB（${Math.round(share * 100)} %）`,
            ),
          })),
          ...files.map(({ disk, free, share }) => ({
            share,
            seen: say(
              `${disk}: room for ${free} more files (${Math.round(share * 100)} % of its inodes)`,
              `${disk}：还可建立 ${free} 个文件（inode 的 ${Math.round(share * 100)} %）`,
            ),
          })),
        ].toSorted((a, b) => a.share - b.share);
        if (least === undefined)
          return { status: "not_asked", seen: say("power does not tell", "power 未提供") };
        const { seen } = least;
        const next = say(
          "Make room: old backups, `docker image prune`, `docker builder prune`.",
          "清理空间：旧备份、`docker image prune`、`docker builder prune`。",
        );
        if (least.share < DISK_FAIL) return fail(seen, next);
        return least.share < DISK_WARN ? warn(seen, next) : ok(seen);
      },
    },
    {
      id: "memory",
      group,
      name: say("memory of the containers", "容器内存"),
      needs: ["power"],
      judge: () => {
        const told = [
          { who: "power", memory: power().diagnosis.memory },
          { who: "listener", memory: aliveListener(power().diagnosis)?.about?.memory ?? null },
        ].flatMap(({ who, memory }) => (memory === null ? [] : { who, ...memory }));
        if (told.length === 0)
          return { status: "not_asked", seen: say("they run in no containers", "它们不在容器中运行") };
        const used = told.map(({ who, usedBytes, limitBytes }) => ({
          share: limitBytes === null ? 0 : usedBytes / limitBytes,
          words: `${who} ${Math.round(usedBytes / MIB)} / ${limitBytes === null ? say("no limit", "无上限") : Math.round(limitBytes / MIB)} MiB`,
        }));
        const seen = used.map(({ words }) => words).join(", ");
        const most = Math.max(...used.map(({ share }) => share));
        const next = say(
          "Past its limit a container is killed and starts anew: give it more (mem_limit in docker-compose.yml), and send `gpuctl support-bundle` to whoever maintains it.",
          "超过上限的容器会被终止并重新启动：请提高 docker-compose.yml 中的 mem_limit，并把 `gpuctl support-bundle` 发给维护者。",
        );
        if (most >= MEMORY_FAIL) return fail(seen, next);
        return most >= MEMORY_WARN ? warn(seen, next) : ok(seen);
      },
    },
    {
      id: "certificates",
      group,
      name: say("certificates of the servers outside", "外部服务器证书"),
      needs: ["power"],
      judge: () => {
        const ends = metric("gpu_power_certificate_end_timestamp_seconds").map(({ labels, value }) => ({
          server: labels.server ?? "?",
          left: value - Date.now() / 1_000,
        }));
        const first = ends.toSorted((a, b) => a.left - b.left)[0];
        if (first === undefined) return ok(say("none is in use", "未使用"));
        const days = Math.floor(first.left / DAY_S);
        const seen = say(`${first.server}: ${days} days left`, `${first.server}：剩余 ${days} 天`);
        const next = say("Have it renewed by whoever runs that server.", "请该服务器的管理者更新证书。");
        if (first.left <= 0) return fail(seen, next);
        return first.left < CERTIFICATE_WARN_S ? warn(seen, next) : ok(seen);
      },
    },
    {
      id: "clock-outside",
      group,
      name: say("our clock and the provider's", "本机与服务商时钟"),
      needs: ["power"],
      judge: () => {
        const [ahead] = metric("gpu_power_clock_ahead_seconds");
        if (ahead === undefined) return { status: "not_asked", seen: say("it does not tell", "对方未提供") };
        return skewVerdict(say, say("this server's clock", "本机时钟"), ahead.value);
      },
    },
  ];
}

/** Of each disk the share that is free; not of one whose size is not told. */
function freeShares(sizes: readonly Sample[], free: readonly Sample[]) {
  return free.flatMap(({ labels, value }) => {
    const size = sizes.find((each) => each.labels.disk === labels.disk)?.value;
    return size === undefined ? [] : { disk: labels.disk ?? "?", free: value, share: value / size };
  });
}

export function monitoringChecks({ say, facts }: Asking): Check[] {
  const group = say("monitoring", "监控");
  const prometheus = () => {
    if (facts.prometheus?.ok !== true)
      throw new Error('A check asks Prometheus without needing the check "prometheus".');
    return facts.prometheus.value;
  };
  return [
    {
      id: "prometheus",
      group,
      name: say("Prometheus answers", "Prometheus 有响应"),
      needs: [],
      judge: () => {
        if (facts.prometheus === undefined)
          return {
            status: "not_asked",
            seen: say("its address is not known here (PROMETHEUS_URL)", "此处不知其地址（PROMETHEUS_URL）"),
          };
        return facts.prometheus.ok
          ? ok(say("yes", "是"))
          : fail(
              facts.prometheus.words,
              say("Look at `make ps`; without it no alert comes.", "查看 `make ps`；没有它就没有告警。"),
            );
      },
    },
    {
      id: "scraped",
      group,
      name: say("it scrapes listener and power", "它抓取 listener 和 power"),
      needs: ["prometheus"],
      judge: () => {
        const { targets } = prometheus();
        const missing = ["listener", "power"].filter(
          (job) => !targets.some((target) => target.job.includes(job) && target.up),
        );
        if (missing.length === 0) return ok(targets.map(({ job }) => job).join(", "));
        const errors = targets.filter(({ up }) => !up).map(({ job, error }) => `${job}: ${error}`);
        return fail(
          say(
            `not ${missing.join(" and ")}${errors.length > 0 ? ` (${errors.join("; ")})` : ""}`,
            `未抓取 ${missing.join("、")}（${errors.join("；")}）`,
          ),
          say(
            "Is it alive? Does prometheus/prometheus.yml name it?",
            "它是否在运行？prometheus/prometheus.yml 是否包含它？",
          ),
        );
      },
    },
    {
      id: "rules",
      group,
      name: say("the alert rules are loaded", "告警规则已加载"),
      needs: ["prometheus"],
      judge: () =>
        prometheus().ruleGroups > 0
          ? ok(say(`${prometheus().ruleGroups} groups`, `${prometheus().ruleGroups} 组`))
          : fail(
              say("none", "没有"),
              say(
                "Check rule_files in prometheus/prometheus.yml and its log.",
                "检查 prometheus/prometheus.yml 的 rule_files 和日志。",
              ),
            ),
    },
    {
      id: "alertmanager",
      group,
      name: say("it knows an Alertmanager", "它连接了 Alertmanager"),
      needs: ["prometheus"],
      judge: () =>
        prometheus().alertmanagers > 0
          ? ok(
              say(
                "yes; `make test-alert` shows whether a message arrives",
                "是；`make test-alert` 可验证消息能否送达",
              ),
            )
          : warn(
              say("no, so no message leaves", "没有，因此不会发出消息"),
              say("Look at `make ps`, and set ALERT_RECEIVER.", "查看 `make ps`，并设置 ALERT_RECEIVER。"),
            ),
    },
    {
      id: "receiver",
      group,
      name: say("somebody hears of alerts", "有人接收告警"),
      needs: [],
      judge: () => {
        const { receiver } = facts;
        if (receiver === undefined)
          return {
            status: "not_asked",
            seen: say("there is no .env here (ALERT_RECEIVER)", "此处没有 .env（ALERT_RECEIVER）"),
          };
        if (receiver !== "none") return ok(receiver);
        return warn(
          say("ALERT_RECEIVER is none", "ALERT_RECEIVER 为 none"),
          say(
            "Set it in .env (docs/operating.md says what each receiver needs), then `make up` and `make test-alert`.",
            "在 .env 中设置（docs/operating.zh-CN.md 说明各接收方式所需），然后 `make up` 和 `make test-alert`。",
          ),
        );
      },
    },
  ];
}
