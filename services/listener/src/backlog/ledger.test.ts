import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ledger } from "./ledger.ts";
import { readState, writeState } from "./ledger-state.ts";
import { type PendingJob, PendingList } from "./pending.ts";

function readPending(list: string, raw: string): PendingJob | undefined {
  return new PendingList(list).read(Buffer.from(raw));
}

const INTERVAL = 15_000;
const GRACE = 10_000;
/** The real gateway keeps 100 a license; a small number is reached sooner. */
const LIST_LIMIT = 6;

interface Submission {
  readonly kind: "url" | "chatglm_video" | "gpu.job.submit" | "http";
  readonly key: string;
  readonly taskType: string;
  /** Milliseconds until the notice comes; null: nobody sends one. */
  readonly noticeAfter: number | null;
}
type Step =
  | { readonly do: "submit"; readonly job: Submission }
  | { readonly do: "worker" }
  | { readonly do: "crash"; readonly downMs: number }
  | { readonly do: "wait"; readonly ms: number };

/** A gateway that knows the truth, a JetStream that knows its message ids, and listeners that come and go. */
class World {
  readonly lists = new Map<string, string[]>();
  readonly stored = new Set<string>();
  submitted = 0;
  /** Jobs whose notice did not come, or later than the grace. */
  withheld = 0;
  /** Jobs whose notice came while a listener was there. */
  heard = 0;
  missed = 0;
  private now = 0;
  private serial = 0;
  private kept: string | undefined;
  private ledger: Ledger | undefined;
  private readAt = 0;
  private later: Array<{ at: number; run: () => void }> = [];

  constructor() {
    this.rise();
  }

  private name(): string {
    this.serial += 1;
    return `epoch-${this.serial}`;
  }

  private rise(): void {
    this.ledger = new Ledger(GRACE, this.name());
    if (this.kept !== undefined) this.ledger.inherit(readState(JSON.parse(this.kept)));
    this.readAt = this.now;
  }

  submit({ kind, key, taskType, noticeAfter }: Submission): void {
    this.submitted += 1;
    this.serial += 1;
    const type = kind === "http" ? "gpu.job.submit" : kind;
    const requestId = `r${this.serial}`;
    const ids = kind === "url" ? {} : { request_id: requestId };
    const task = type === "gpu.job.submit" ? { task_type: taskType } : {};
    // Every link is the same, so that entries are equal to the letter.
    const rest = kind === "http" ? {} : kind === "url" ? { url: "https://example.com" } : { sender_fd: 2 };
    const list = this.lists.get(key) ?? [];
    const raw = JSON.stringify({ type, ...task, ...ids, key, ...rest });
    // A queued job of the same task type is replaced.
    const kept =
      type === "gpu.job.submit" ? list.filter((each) => JSON.parse(each).task_type !== taskType) : list;
    this.lists.set(key, [...kept, raw].slice(-LIST_LIMIT));
    const job = readPending(key, raw);
    assert.ok(job !== undefined);
    if (noticeAfter === null || noticeAfter > GRACE) this.withheld += 1;
    if (noticeAfter === null) return;
    const hear = () => {
      if (this.ledger === undefined) return;
      this.heard += 1;
      const named = kind === "http" ? requestId : undefined;
      this.publish(this.ledger.heard(job, named) ?? requestId);
    };
    if (noticeAfter === 0) hear();
    else this.later.push({ at: this.now + noticeAfter, run: hear });
  }

  /** A worker registers and is given what waits. */
  worker(): void {
    for (const list of this.lists.values()) list.splice(0, 50);
  }

  crash(downMs: number): void {
    this.ledger = undefined;
    this.later.push({ at: this.now + downMs, run: () => this.rise() });
  }

  /** Lets time pass: notices come, backlogs are read. */
  wait(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const reading = this.ledger === undefined ? Number.POSITIVE_INFINITY : this.readAt;
      this.later.sort((a, b) => a.at - b.at);
      const [next] = this.later;
      const at = Math.min(reading, next?.at ?? Number.POSITIVE_INFINITY);
      if (at > end) break;
      this.now = Math.max(this.now, at);
      if (next !== undefined && next.at === at) {
        this.later.shift();
        next.run();
      } else {
        this.read();
      }
    }
    this.now = end;
  }

  private read(): void {
    const { ledger } = this;
    if (ledger === undefined) return;
    ledger.beginRead(this.now);
    const pending = [...this.lists].flatMap(([key, list]) =>
      list.map((raw) => readPending(key, raw)).filter((job): job is PendingJob => job !== undefined),
    );
    for (const { job, messageId, doubtful } of ledger.endRead(pending, this.now)) {
      const isNew = this.publish(messageId ?? job.requestId ?? "");
      if (isNew || !doubtful) this.missed += 1;
    }
    if (ledger.changed) {
      const state = ledger.stateFor(this.name());
      ledger.handedOver(state);
      this.kept = writeState(state);
    }
    this.readAt = Math.min(this.now + INTERVAL, ledger.dueAt ?? Number.POSITIVE_INFINITY);
  }

  private publish(id: string): boolean {
    assert.notEqual(id, "");
    const isNew = !this.stored.has(id);
    this.stored.add(id);
    return isNew;
  }

  play(steps: readonly Step[]): void {
    this.wait(0);
    for (const step of steps) {
      if (step.do === "submit") this.submit(step.job);
      else if (step.do === "worker") this.worker();
      else if (step.do === "crash") this.crash(step.downMs);
      else this.wait(step.ms);
    }
    this.wait(4 * INTERVAL);
  }
}

const submission = (noticeAfter: fc.Arbitrary<number | null>, kinds: Submission["kind"][]) =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    key: fc.constantFrom("K1", "K2"),
    taskType: fc.constantFrom("a", "b"),
    noticeAfter,
  });
const anyKind: Submission["kind"][] = ["url", "chatglm_video", "gpu.job.submit", "http"];
/** Nothing is replaced among these. */
const lastingKinds: Submission["kind"][] = ["url", "chatglm_video"];
const inTime = fc.integer({ min: 0, max: GRACE });
const anyDelay = fc.oneof(inTime, fc.integer({ min: GRACE + 1, max: 3 * GRACE }), fc.constant(null));
const submits = (job: fc.Arbitrary<Submission>) => fc.record({ do: fc.constant("submit" as const), job });
const waits = fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 20_000 }) });
const workers = fc.constant({ do: "worker" as const });
const crashes = fc.record({
  do: fc.constant("crash" as const),
  downMs: fc.integer({ min: 1, max: 30_000 }),
});
const RUNS = { numRuns: 500 };

test("property: where every notice comes in time nothing is missed, whatever is replaced, dropped or taken", () => {
  const steps = fc.array(fc.oneof(submits(submission(inTime, anyKind)), workers, waits), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (story) => {
      const world = new World();
      world.play(story);
      assert.equal(world.missed, 0);
    }),
    RUNS,
  );
});

test("property: never more are counted as missed than were not told", () => {
  const steps = fc.array(fc.oneof(submits(submission(anyDelay, anyKind)), workers, waits), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (story) => {
      const world = new World();
      world.play(story);
      assert.ok(world.missed <= world.withheld, `${world.missed} of ${world.withheld}`);
    }),
    RUNS,
  );
});

test("property: while jobs stay in the backlog, exactly those are missed that were not told", () => {
  const told = fc.oneof(inTime, fc.constant(null));
  const steps = fc.array(fc.oneof(submits(submission(told, lastingKinds)), waits), { maxLength: LIST_LIMIT });
  fc.assert(
    fc.property(steps, (story) => {
      const world = new World();
      world.play(story);
      assert.equal(world.missed, world.withheld);
      assert.equal(world.stored.size, world.submitted);
    }),
    RUNS,
  );
});

test("property: across crashes every job is stored once, and those that no listener heard are missed", () => {
  // A notice comes at once or never: one that is on its way when the listener dies is one that never comes.
  const told = fc.constantFrom(0, null);
  const steps = fc.array(fc.oneof(submits(submission(told, [...lastingKinds, "http"])), crashes, waits), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(steps, (story) => {
      const jobs = story.filter((step) => step.do === "submit");
      fc.pre(jobs.length <= LIST_LIMIT && new Set(jobs.map(({ job }) => job.taskType)).size <= 1);
      const http = jobs.filter(({ job }) => job.kind === "http").map(({ job }) => job.key);
      fc.pre(new Set(http).size === http.length);
      const world = new World();
      world.play(story);
      world.wait(10 * INTERVAL);
      assert.equal(world.stored.size, world.submitted);
      assert.equal(world.missed, world.submitted - world.heard);
    }),
    RUNS,
  );
});

test("a notice that names its request accounts for that request and for no other", () => {
  const ledger = new Ledger(GRACE, "e");
  const entry = (requestId: string) => {
    const raw = { type: "gpu.job.submit", task_type: "a", key: "K1", request_id: requestId };
    const job = readPending("K1", JSON.stringify(raw));
    assert.ok(job !== undefined);
    return job;
  };
  const [first, second] = [entry("r1"), entry("r2")];
  assert.equal(ledger.heard(first, "r1"), undefined, "its request is its id");
  ledger.beginRead(0);
  assert.deepEqual(ledger.endRead([first, second], 0), []);
  assert.equal(ledger.dueAt, GRACE);
  ledger.beginRead(GRACE);
  const missed = ledger.endRead([first, second], GRACE);
  assert.deepEqual(
    missed.map(({ job }) => job.requestId),
    ["r2"],
  );
});

test("a read that failed costs nothing: what was heard before it still counts", () => {
  const job = readPending("K1", '{"type":"url","url":"u","key":"K1"}');
  assert.ok(job !== undefined);
  const ledger = new Ledger(GRACE, "e");
  ledger.heard(job, undefined);
  ledger.beginRead(0);
  ledger.beginRead(1_000);
  ledger.endRead([job], 1_000);
  assert.equal(ledger.dueAt, undefined);
});

test("a flood of licenses is remembered up to a limit; beyond it every job still has an id of its own", () => {
  const ledger = new Ledger(GRACE, "e");
  const ids = new Set<string | undefined>();
  for (let index = 0; index < 60_000; index += 1) {
    ids.add(ledger.heard({ type: "url", taskType: undefined, keyHash: String(index) }, undefined));
  }
  assert.equal(ids.size, 60_000);
});
