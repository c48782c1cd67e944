/** One cause, one page: what follows from an alert is not told beside it. A warning never hides a critical one. */

const inhibit = (source: string, targets: readonly string[], equal: readonly string[]) => ({
  source_matchers: [`alertname="${source}"`],
  target_matchers: [`alertname=~"${targets.join("|")}"`],
  ...(equal.length === 0 ? {} : { equal }),
});

/** A service that does not answer has no pool: nobody is there to name it. */
const ANY: readonly string[] = [];
const SAME_POOL = ["pool"];
const SAME_MACHINE = ["pool", "instance"];

export const INHIBITIONS = [
  inhibit("ListenerDown", ["ListenerNotRegistered", "NotificationPathUnproven"], ANY),
  inhibit("ListenerNotRegistered", ["NotificationPathUnproven"], SAME_POOL),
  inhibit("PowerDown", ["PowerNotReconciling", "EventsStuck"], ANY),
  // NATS away: events that wait say it first, and power cannot renew its lease.
  inhibit("EventsStuck", ["PowerNotReconciling"], SAME_POOL),
  inhibit(
    "PowerNotReconciling",
    ["JobWaitingWithoutGpu", "GpuIdleButRunning", "GpuSurplus", "GpuForgotten"],
    SAME_POOL,
  ),
  // Without a login nothing can be read, started or stopped.
  inhibit(
    "ConsoleLoginRequired",
    [
      "ConsoleSessionEnds",
      "ConsoleStateUnknown",
      "ConsoleSelectorDrift",
      "JobWaitingWithoutGpu",
      "GpuStartFailed",
      "GpuIdleButRunning",
      "GpuSurplus",
    ],
    SAME_POOL,
  ),
  // Where no session stands in, that is why.
  inhibit("ProviderKeysRefused", ["ConsoleStateUnknown"], SAME_POOL),
  inhibit("ProviderApiFailing", ["ConsoleStateUnknown"], SAME_POOL),
  inhibit("ConsoleSelectorDrift", ["ConsoleStateUnknown"], SAME_POOL),
  inhibit("ConsoleWitnessesDisagree", ["ConsoleStateUnknown"], SAME_POOL),
  // The forgotten machine is the one too many.
  inhibit("GpuForgotten", ["GpuSurplus"], SAME_POOL),
  // Two rules have this name: a day says more than three.
  {
    source_matchers: ['alertname="GpuWillBeReleased"', 'within="1d"'],
    target_matchers: ['alertname="GpuWillBeReleased"', 'within="3d"'],
    equal: SAME_MACHINE,
  },
  // What waits, and each start that is refused, follows from it.
  inhibit("GpuSoldOut", ["JobWaitingWithoutGpu", "GpuStartFailed"], SAME_POOL),
  // Nobody can work on a machine without its GPU.
  inhibit("GpuWithoutItsGpu", ["GpuRunningButWorkerOffline", "GpuIdleButRunning"], SAME_MACHINE),
  inhibit("DiskFull", ["DiskNearlyFull"], ["pool", "disk", "resource"]),
  inhibit("CertificateEnded", ["CertificateEndsSoon"], ["pool", "certificate"]),
  // Nobody can register at a gateway whose certificate has ended.
  {
    source_matchers: ['alertname="CertificateEnded"', 'certificate="gateway"'],
    target_matchers: ['alertname=~"ListenerNotRegistered|NotificationPathUnproven"'],
    equal: SAME_POOL,
  },
  inhibit("GpuStuckStarting", ["GpuStartFailed", "GpuStartSlow"], SAME_MACHINE),
  // While somebody waits, that is the page; the machine that hangs and is paid for is the next one.
  {
    source_matchers: ['alertname="JobWaitingWithoutGpu"', 'severity="critical"'],
    target_matchers: ['alertname="GpuStuckStarting"'],
    equal: SAME_POOL,
  },
  // Two rules have this name: a job that waits now says more than the day's share.
  {
    source_matchers: ['alertname="JobWaitingWithoutGpu"', 'severity="critical"'],
    target_matchers: ['alertname="JobWaitingWithoutGpu"', 'severity="warning"'],
    equal: SAME_POOL,
  },
];
