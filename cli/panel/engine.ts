/**
 * The one loop: lets the apply machine decide, does its effects in order and feeds back what came of them. Nothing is
 * rewired but through here, and everything that is decided is decided in `core/apply`.
 */
import { cutShort, type Machine, step } from "../../core/apply/machine.ts";
import type { Act, ApplyEvent, ApplyStep, Effect, Outcome } from "../../core/apply/types.ts";
import type { Log } from "../../core/apply/wal.ts";
import { issue, unreachable } from "../../core/errors.ts";
import type { Inventory, KeeperRequest } from "../../core/keeper.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Clock, Keeper } from "../../core/ports.ts";
import { Silence } from "./silence.ts";

export type Progress = (step: ApplyStep, detail: string) => void;

/** What the panel wants to know of the loop. */
export interface Watcher {
  /** After each step. */
  stepped(machine: Machine): void;
  /** A step or an end of what the machine began itself: recovery, a restart. */
  noted(text: string): void;
  /** Lanes that are no longer in force are about to go: the last moment for their figures. */
  settling(): void;
  /** The keeper is gone: somebody must attach the engine to another one. */
  lost(why: string): void;
}

interface Asker {
  readonly progress: Progress;
  readonly ended: (outcome: Outcome) => void;
}

const NS_PER_MS = 1_000_000;

export class Engine {
  #machine: Machine;
  #keeper: Keeper | undefined;
  readonly #askers = new Map<number, Asker>();
  readonly #events: ApplyEvent[] = [];
  readonly #timers = new Map<number, number>();
  #silence = new Silence(() => {}, 0);
  #stepping = false;
  #stopped = false;
  #lastId = 0;

  constructor(
    machine: Machine,
    readonly log: Log,
    readonly clock: Clock,
    readonly watcher: Watcher,
    /** How long a keeper that was asked may say nothing. */
    readonly silentMs: number = LIMITS.keeperSilentNs / NS_PER_MS,
  ) {
    this.#machine = machine;
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** Begins to hear this keeper, and has the machine recover from what it holds. */
  attach(keeper: Keeper, inventory: Inventory): void {
    if (this.#stopped) return;
    this.#silence.stop();
    this.#keeper = keeper;
    this.#silence = new Silence(() => this.#lose(keeper, "it does not answer"), this.silentMs);
    this.#feed({ kind: "attached", inventory, nowNs: this.clock.monotonicNs() });
    this.#listen(keeper);
  }

  /** Does an act when its turn comes, and answers how it ended. */
  run(act: Act, progress: Progress = () => {}): Promise<Outcome> {
    if (this.#stopped) return Promise.resolve({ kind: "refused", issues: [ending()] });
    const id = ++this.#lastId;
    return new Promise((ended) => {
      this.#askers.set(id, { progress, ended });
      this.#feed({ kind: "begin", id, act, nowNs: this.clock.monotonicNs() });
    });
  }

  /** Nothing is done any more, and who waits for an answer gets it. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#silence.stop();
    this.#keeper = undefined;
    for (const [id, asker] of this.#askers) asker.ended(cutShort(this.#machine, id));
    this.#askers.clear();
  }

  async #listen(keeper: Keeper): Promise<void> {
    for await (const event of keeper.events()) {
      if (keeper !== this.#keeper) return;
      if (event.kind === "lost") return this.#lose(keeper, event.why);
      this.#silence.heard();
      this.#feed({ kind: "keeper", event, nowNs: this.clock.monotonicNs() });
      this.#ask({ kind: "acknowledge", seq: event.seq });
    }
  }

  #lose(keeper: Keeper, why: string): void {
    if (keeper !== this.#keeper) return;
    this.#silence.stop();
    this.#keeper = undefined;
    this.#feed({ kind: "keeper", event: { kind: "lost", why, seq: 0 }, nowNs: this.clock.monotonicNs() });
    this.watcher.lost(why);
  }

  /** Events are taken in the order in which they came, also those that an effect brings about at once. */
  #feed(event: ApplyEvent): void {
    this.#events.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) {
        const { state, effects } = step(this.#machine, next);
        this.#machine = state;
        for (const effect of effects) this.#do(effect);
        this.watcher.stepped(state);
      }
    } finally {
      this.#stepping = false;
    }
  }

  #do(effect: Effect): void {
    switch (effect.kind) {
      case "ask":
        return this.#ask(effect.request);
      case "log":
        return this.#append(effect);
      case "reserve":
        return this.#feed({ kind: "reserved", room: this.log.reserve(effect.bytes), nowNs: this.clock.monotonicNs() });
      case "timer":
        return this.#startTimer(effect.timer, effect.afterNs);
      case "cancel":
        return this.#cancelTimer(effect.timer);
      case "progress":
        return this.#progress(effect.id, effect.step, effect.detail);
      case "end":
        return this.#end(effect.id, effect.outcome);
      default:
        unreachable(effect);
    }
  }

  #ask(request: KeeperRequest): void {
    const keeper = this.#keeper;
    if (request.kind === "settle") this.watcher.settling();
    if (!keeper) return;
    this.#silence.asked();
    keeper.request(request).then(
      (reply) => {
        if (keeper !== this.#keeper) return;
        this.#silence.answered();
        if (request.kind === "acknowledge") return;
        const nowNs = this.clock.monotonicNs();
        if (reply.kind === "done") {
          this.#feed({ kind: "replied", to: request.kind, epoch: reply.epoch, inventory: reply.inventory, nowNs });
        } else this.#feed({ kind: "refused", to: request.kind, code: reply.code, message: reply.message, nowNs });
      },
      () => {}, // The link is lost: `#listen` hears it as an event.
    );
  }

  #append(effect: Extract<Effect, { kind: "log" }>): void {
    const at = Math.max(0, Math.floor(this.clock.wallMs()));
    const appended = this.log.append({ ...effect.body, at });
    const nowNs = this.clock.monotonicNs();
    if (appended.ok) this.#feed({ kind: "synced", record: appended.record, nowNs });
    else this.#feed({ kind: "syncFailed", record: appended.record, why: appended.why, nowNs });
  }

  #startTimer(timer: number, afterNs: number): void {
    const fire = () => {
      this.#timers.delete(timer);
      this.#feed({ kind: "deadline", timer, nowNs: this.clock.monotonicNs() });
    };
    this.#timers.set(timer, setTimeout(fire, Math.ceil(afterNs / NS_PER_MS)));
  }

  #cancelTimer(timer: number): void {
    clearTimeout(this.#timers.get(timer));
    this.#timers.delete(timer);
  }

  #progress(id: number, what: ApplyStep, detail: string): void {
    if (id === 0) this.watcher.noted(`${what}: ${detail}`);
    else this.#askers.get(id)?.progress(what, detail);
  }

  #end(id: number, outcome: Outcome): void {
    if (id === 0) return this.watcher.noted(endText(outcome));
    this.#askers.get(id)?.ended(outcome);
    this.#askers.delete(id);
  }
}

function ending() {
  return issue("panel.ending", "cannot begin because the panel is ending", "start a panel with `rtt serve`; ask again");
}

function endText(outcome: Outcome): string {
  if (outcome.kind === "committed") return outcome.changed ? "done" : "nothing to do";
  return `${outcome.kind}: ${outcome.issues.map((each) => each.message).join("; ")}`;
}
