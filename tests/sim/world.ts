/**
 * A host in a box: the real machine, recovery and log over a fake keeper, disk and clock. The loop here does what the panel's
 * loop does (effects in order, answers in order), and can be stopped dead between any two effects.
 */
import { type ApplyEvent, type Effect, type Outcome, type WalBody, type WalRecord } from "../../core/apply/types.ts";
import { brokenMachine } from "../../core/apply/invariants.ts";
import { initial, type Machine, step, type Stepped } from "../../core/apply/machine.ts";
import { Log } from "../../core/apply/wal.ts";
import type { Act } from "../../core/apply/types.ts";
import type { KeeperReply, KeeperRequest } from "../../core/keeper.ts";
import type { Instance } from "../../core/model/names.ts";
import { FakeDisk } from "../fakes/disk.ts";
import { hasher } from "../fakes/hasher.ts";
import { FakeKeeper, type Moment } from "../fakes/keeper.ts";
import { Random } from "../fakes/random.ts";
import { Timeline } from "../fakes/timeline.ts";
import { makeProject, type Project } from "./project.ts";

export const PREPARE_WITHIN_NS = 50_000_000;

/** Ways in which the code can be wrong on purpose, to see that the checks see it. */
export interface Tamper {
  readonly effects?: (stepped: Stepped, event: ApplyEvent, before: Machine) => readonly Effect[];
  readonly reply?: (request: KeeperRequest, keeper: FakeKeeper) => KeeperReply | undefined;
  /** Acts on the log as it was read, without making it durable. */
  readonly believesReads?: boolean;
  /** What a panel that starts takes the log to say. */
  readonly records?: (records: readonly WalRecord[]) => readonly WalRecord[];
  /** The keeper reads on in the socket of a panel that is gone. */
  readonly noFence?: boolean;
}

export interface Told {
  readonly id: number;
  readonly outcome: Outcome;
}

/** Thrown by a check: what is wrong, and when. */
export class Violation extends Error {}

/** A connection between a panel and a keeper: what is under way on it is gone when it is. */
interface Wire {
  /** The panel's end is there. */
  up: boolean;
  /** Another panel has attached: the keeper reads this wire no more. */
  fenced: boolean;
  at: number;
  /** Set while the keeper is stopped: what waits for it to go on. */
  held?: (() => void)[] | undefined;
}

/** As long as the panel waits for a keeper that says nothing. */
const SILENT_NS = 30_000_000;

export class World {
  readonly timeline = new Timeline();
  readonly random: Random;
  readonly disk: FakeDisk;
  readonly project: Project;
  keeper: FakeKeeper | undefined;
  machine: Machine | undefined;
  log: Log | undefined;
  readonly told: Told[] = [];
  readonly trace: string[] = [];
  /** What an instance does at a moment, where a test says so: `bee.1 map`. */
  /** Drivers that a waiver lets run without isolation, now. */
  readonly waived = new Set<string>();
  readonly habits = new Map<string, number | "exit" | "fail">();
  steps = 0;
  /** The panel dies before its n-th effect from now. */
  crashAtEffect = -1;
  /** Hears each answer at the moment in which it is given. */
  said: (told: Told) => void = () => {};
  /** Drivers misbehave while this holds. */
  trouble = true;
  #wire: Wire = { up: false, fenced: true, at: 0 };
  readonly #timers = new Set<number>();
  readonly #habits = new Map<Instance, Habit>();
  #stepping = false;
  readonly #events: ApplyEvent[] = [];
  #panels = 0;

  constructor(readonly seed: number, readonly tamper: Tamper = {}, readonly checks: (world: World) => void = () => {}) {
    this.random = new Random(seed);
    this.disk = new FakeDisk(this.random);
    this.project = makeProject(this.random);
  }

  /** A panel starts: it opens the log, finds the keeper or starts one, and recovers. */
  startPanel(): void {
    this.#panels++;
    // Memory pressure between two panels: what a failed sync has called clean is read as the disk has it.
    if (this.trouble && this.random.chance(0.5)) this.disk.evict();
    const opened = Log.open(this.tamper.believesReads ? noRenewal(this.disk) : this.disk, hasher);
    if (!opened.ok) {
      // A disk that fails at the start is no verdict on the log: the next start tries again.
      if (opened.issues[0]?.code === "wal.unwritable") return;
      throw new Violation(`the log can't be read after a crash: ${opened.issues[0]?.message}`);
    }
    const tools = {
      hasher,
      entropy: this.random,
      store: this.project.store,
      isolated: (driver: string) => !this.waived.has(driver),
      project: "/project",
    };
    const records = this.tamper.records?.(opened.value.records) ?? opened.value.records;
    const started = initial(records, tools, { prepareWithinNs: PREPARE_WITHIN_NS });
    if (!started.ok) throw new Violation(`the panel can't start: ${started.issues[0]?.message}`);
    this.log = opened.value;
    this.machine = started.value;
    this.note(`panel ${this.#panels} starts at record ${this.log.seq}`);
    this.attach();
  }

  attach(): void {
    if (!this.machine) return;
    if (!this.keeper || this.keeper.dead) {
      this.note("a keeper starts");
      this.keeper = new FakeKeeper({
        later: (ns, act) => this.timeline.later(ns, act),
        takes: (instance, moment) => this.#takes(instance, moment),
      });
    }
    this.#wire.up = false;
    if (!this.tamper.noFence) this.#wire.fenced = true;
    const wire: Wire = { up: true, fenced: false, at: 0 };
    this.#wire = wire;
    const inventory = this.keeper.attach((event) => {
      this.#deliver(wire, () => {
        this.feed({ kind: "keeper", event, nowNs: this.timeline.monotonicNs() });
        const { keeper } = this;
        if (keeper && !keeper.dead && wire.up) keeper.handle({ kind: "acknowledge", seq: event.seq });
      });
    });
    this.feed({ kind: "attached", inventory, nowNs: this.timeline.monotonicNs() });
  }

  begin(id: number, act: Act): void {
    this.note(`act ${id}: ${act.kind}${act.kind === "move" ? ` ${act.move}` : ""}`);
    this.feed({ kind: "begin", id, act, nowNs: this.timeline.monotonicNs() });
  }

  killPanel(): void {
    if (!this.machine) return;
    this.note(`the panel dies in ${this.machine.phase.kind}`);
    this.machine = undefined;
    this.log = undefined;
    this.#wire.up = false;
    this.keeper?.detach();
    this.#timers.clear();
    this.#events.length = 0;
    // Somebody starts the next one: at once, or when the round is over.
    if (this.random.chance(0.5)) {
      this.timeline.later(this.random.below(60_000), () => this.machine ?? this.startPanel());
    }
  }

  killKeeper(): void {
    if (!this.keeper || this.keeper.dead) return;
    this.note(`the keeper dies while the panel is ${this.machine?.phase.kind ?? "down"}`);
    this.keeper.die();
    if (!this.#wire.up) return;
    this.#wire.up = false;
    this.feed({ kind: "keeper", event: { kind: "lost", why: "test", seq: 0 }, nowNs: this.timeline.monotonicNs() });
    this.timeline.later(1_000_000, () => this.keeper?.dead && this.attach());
  }

  /** The keeper is stopped for so long that the panel gives its link up; then it goes on, with what was sent to it before. */
  stopKeeper(): void {
    const wire = this.#wire;
    if (!this.keeper || this.keeper.dead || !wire.up || wire.held) return;
    this.note(`the keeper is stopped while the panel is ${this.machine?.phase.kind}`);
    const held: (() => void)[] = [];
    wire.held = held;
    this.timeline.later(SILENT_NS, () => {
      const isLost = wire.up;
      wire.up = false;
      if (isLost) {
        const event = { kind: "lost", why: "it does not answer", seq: 0 } as const;
        this.feed({ kind: "keeper", event, nowNs: this.timeline.monotonicNs() });
      }
      wire.held = undefined;
      // The next link may come before or after what is left in this one.
      if (this.random.chance(0.5)) { for (const act of held) act(); }
      if (isLost) this.attach();
    });
  }

  killDriver(): void {
    const victim = this.random.pick(this.keeper?.alive ?? []);
    if (victim === undefined) return;
    this.note(`${victim} dies`);
    this.keeper?.exit(victim, -9);
  }

  cutPower(): void {
    this.note("the power goes");
    this.killPanel();
    this.keeper?.die();
    this.keeper = undefined;
    this.disk.powerCut();
  }

  feed(event: ApplyEvent): void {
    this.#events.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) this.#step(next);
    } finally {
      this.#stepping = false;
    }
  }

  #step(event: ApplyEvent): void {
    const { machine } = this;
    if (!machine) return;
    this.steps++;
    const stepped = step(machine, event);
    if (stepped.mustSync !== stepped.effects.some((each) => each.kind === "log")) throw new Violation("mustSync lies");
    this.machine = stepped.state;
    const effects = this.tamper.effects?.(stepped, event, machine) ?? stepped.effects;
    for (const effect of effects) {
      if (this.crashAtEffect === 0) {
        this.crashAtEffect = -1;
        return this.killPanel();
      }
      if (this.crashAtEffect > 0) this.crashAtEffect--;
      this.#do(effect);
      if (!this.machine) return;
    }
    const broken = brokenMachine(stepped.state);
    if (broken.length > 0) throw new Violation(broken.join("; "));
    this.checks(this);
    if (stepped.state.phase.kind === "frozen") this.killPanel();
  }

  #do(effect: Effect): void {
    const nowNs = this.timeline.monotonicNs();
    switch (effect.kind) {
      case "ask":
        return this.#ask(effect.request);
      case "reserve":
        return this.feed({ kind: "reserved", room: this.log?.reserve(effect.bytes) ?? "noDisk", nowNs });
      case "log": {
        this.#mustBeUndone(effect.body);
        const appended = this.log?.append(effect.body);
        if (!appended) return;
        this.note(`log ${describe(appended.record)}${appended.ok ? "" : " FAILED"}`);
        if (appended.ok) return this.feed({ kind: "synced", record: appended.record, nowNs });
        return this.feed({ kind: "syncFailed", record: appended.record, why: appended.why, nowNs });
      }
      case "timer": {
        const { timer } = effect;
        const panel = this.#panels;
        this.#timers.add(timer);
        return this.timeline.later(effect.afterNs, () => {
          if (panel === this.#panels && this.#timers.delete(timer)) {
            this.feed({ kind: "deadline", timer, nowNs: this.timeline.monotonicNs() });
          }
        });
      }
      case "cancel":
        this.#timers.delete(effect.timer);
        return;
      case "progress":
        return this.note(`${effect.step}: ${effect.detail}`);
      case "end": {
        const { id, outcome } = effect;
        const why = "issues" in outcome ? outcome.issues.map((each) => each.message).join("; ") : "";
        this.note(`end ${id}: ${outcome.kind} ${why}`);
        this.told.push({ id, outcome });
        this.said({ id, outcome });
      }
    }
  }

  /** R is said of what is flipped back, or of what nobody is left to see. */
  #mustBeUndone(body: WalBody): void {
    const decision = body.kind === "R" ? this.log?.records.find((each) => each.seq === body.decision) : undefined;
    const { keeper } = this;
    if (decision?.body.kind !== "D" || !keeper || keeper.dead || keeper.alive.length === 0) return;
    if (keeper.epoch === decision.body.forward) throw new Violation("R is logged while its plan is in force");
  }

  /** To the keeper in order, and its answer back in order with its events. */
  #ask(request: KeeperRequest): void {
    const wire = this.#wire;
    const { keeper } = this;
    const handle = (): void => {
      if (wire.fenced || !keeper || keeper.dead) return;
      const reply = this.tamper.reply?.(request, keeper) ?? keeper.handle(request);
      this.#deliver(wire, () => this.#answered(request, reply));
    };
    // A panel that dies leaves what it asked in the socket: it is done, unless another panel attaches before.
    this.#send(wire, () => {
      const isLate = this.tamper.noFence && !wire.up;
      return isLate ? this.timeline.later(this.random.below(5_000_000), handle) : handle();
    });
  }

  #answered(request: KeeperRequest, reply: KeeperReply): void {
    const nowNs = this.timeline.monotonicNs();
    if (reply.kind === "done") {
      return this.feed({ kind: "replied", to: request.kind, epoch: reply.epoch, inventory: reply.inventory, nowNs });
    }
    this.note(`refused ${request.kind}: ${reply.message}`);
    this.feed({ kind: "refused", to: request.kind, code: reply.code, message: reply.message, nowNs });
  }

  #deliver(wire: Wire, act: () => void): void {
    this.#send(wire, () => wire.up && act());
  }

  /** Later, but never before what was sent earlier on the same wire. */
  #send(wire: Wire, act: () => void): void {
    const now = this.timeline.monotonicNs();
    const slow = this.random.chance(0.02) ? 2_000_000 : 30_000;
    wire.at = Math.max(wire.at + 1, now + 1 + this.random.below(slow));
    this.timeline.later(wire.at - now, () => wire.held ? wire.held.push(act) : act());
  }

  #takes(instance: Instance, moment: Moment): number | "exit" | "fail" {
    const fixed = this.habits.get(`${instance} ${moment}`);
    if (fixed !== undefined) return fixed;
    let habit = this.#habits.get(instance);
    if (!habit) this.#habits.set(instance, habit = this.#newHabit());
    if (habit.moment !== moment || !this.trouble) return 1_000 + this.random.below(200_000);
    this.note(`${instance}: ${habit.takes} at ${moment}`);
    return habit.takes;
  }

  #newHabit(): Habit {
    const { random } = this;
    if (!random.chance(0.12)) return { moment: undefined, takes: 0 };
    const moment = random.pick<Moment>(["hello", "open", "park", "map", "ready", "acknowledge", "stop"]);
    const takes = random.pick<number | "exit" | "fail">([Infinity, "exit", "fail", 2 * PREPARE_WITHIN_NS]) ?? 0;
    return { moment, takes };
  }

  note(line: string): void {
    this.trace.push(`${(this.timeline.monotonicNs() / 1e6).toFixed(3)} ${line}`);
  }
}

interface Habit {
  readonly moment: Moment | undefined;
  readonly takes: number | "exit" | "fail";
}

function noRenewal(disk: FakeDisk) {
  return {
    read: () => disk.read(),
    write: (offset: number, sectors: Uint8Array) => disk.write(offset, sectors),
    sync: () => disk.sync(),
    reserve: (bytes: number) => disk.reserve(bytes),
    renew: () => {},
  };
}

function describe({ seq, body }: WalRecord): string {
  switch (body.kind) {
    case "D":
      return `${seq} D ${body.act} serial ${body.serial} epoch ${body.forward}`;
    case "C":
      return `${seq} C serial ${body.serial}`;
    case "R":
      return `${seq} R of ${body.decision}`;
    case "M":
      return `${seq} M ${body.move} ${Object.values(body.instances).join(" ")}`;
  }
}
