/**
 * The one loop: takes acts one after another, lets the apply machine decide, does its effects and feeds back what came of
 * them. Nothing is rewired but through here, and everything that is decided is decided in `core/apply`.
 */
import type { Log } from "../../core/apply/wal.ts";
import { step } from "../../core/apply/machine.ts";
import type { Machine } from "../../core/apply/machine.ts";
import type { Act, ApplyEvent, ApplyStep, Effect, Outcome } from "../../core/apply/types.ts";
import { EXIT, issue, RttError } from "../../core/errors.ts";
import type { KeeperEvent, KeeperRequest } from "../../core/keeper.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Clock, Keeper } from "../../core/ports.ts";

export type Progress = (step: ApplyStep, detail: string) => void;

interface Asked {
  readonly act: Act;
  readonly progress: Progress;
  readonly ended: PromiseWithResolvers<Outcome>;
}

const NS_PER_MS = 1_000_000;

export class Engine {
  #machine: Machine;
  readonly #waiting: Asked[] = [];
  #current: Asked | undefined;
  readonly #events: ApplyEvent[] = [];
  #stepping = false;
  readonly #timers = new Map<number, number>();

  constructor(
    machine: Machine,
    readonly log: Log,
    readonly keeper: Keeper,
    readonly clock: Clock,
    readonly watch: { stepped(machine: Machine): void; heard(event: KeeperEvent): void; lost(why: string): void },
  ) {
    this.#machine = machine;
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** True while nothing is under way and nothing waits. */
  get idle(): boolean {
    return this.#current === undefined && this.#waiting.length === 0;
  }

  /** Does an act when its turn comes, and answers how it ended. */
  run(act: Act, progress: Progress = () => {}): Promise<Outcome> {
    if (this.#waiting.length >= LIMITS.queuedApplies) throw queueFull();
    const ended = Promise.withResolvers<Outcome>();
    this.#waiting.push({ act, progress, ended });
    this.#beginNext();
    return ended.promise;
  }

  /** Hears the keeper until its link is lost. */
  async listen(): Promise<void> {
    for await (const event of this.keeper.events()) {
      this.watch.heard(event);
      this.#feed({ kind: "keeper", event, nowNs: this.clock.monotonicNs() });
      if (event.kind === "lost") return this.watch.lost(event.why);
      this.#ask({ kind: "acknowledge", seq: event.seq });
    }
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #beginNext(): void {
    if (this.#current) return;
    const next = this.#waiting.shift();
    if (!next) return;
    this.#current = next;
    this.#feed({ kind: "begin", act: next.act, nowNs: this.clock.monotonicNs() });
  }

  /** Events are taken in the order in which they came, also those that an effect brings about at once. */
  #feed(event: ApplyEvent): void {
    this.#events.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    for (let next = this.#events.shift(); next; next = this.#events.shift()) {
      const { state, effects } = step(this.#machine, next);
      this.#machine = state;
      for (const effect of effects) this.#do(effect);
      this.watch.stepped(state);
    }
    this.#stepping = false;
  }

  #do(effect: Effect): void {
    switch (effect.kind) {
      case "ask":
        return this.#ask(effect.request);
      case "log":
        return this.#append(effect);
      case "timer":
        return this.#startTimer(effect.timer, effect.afterNs);
      case "cancel":
        return this.#cancelTimer(effect.timer);
      case "progress":
        return this.#current?.progress(effect.step, effect.detail);
      case "end":
        return this.#end(effect.outcome);
    }
  }

  #ask(request: KeeperRequest): void {
    this.keeper.request(request).then(
      (reply) => {
        const nowNs = this.clock.monotonicNs();
        if (request.kind === "acknowledge") return;
        if (reply.kind === "done") {
          this.#feed({ kind: "replied", to: request.kind, epoch: reply.epoch, inventory: reply.inventory, nowNs });
        } else this.#feed({ kind: "refused", to: request.kind, code: reply.code, message: reply.message, nowNs });
      },
      () => {}, // The link is lost: `listen` hears it as an event.
    );
  }

  #append(effect: Extract<Effect, { kind: "log" }>): void {
    const appended = this.log.append(effect.body);
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

  #end(outcome: Outcome): void {
    const ended = this.#current;
    this.#current = undefined;
    ended?.ended.resolve(outcome);
    queueMicrotask(() => this.#beginNext());
  }
}

function queueFull(): RttError {
  return new RttError(EXIT.refused, [
    issue(
      "panel.busy",
      `cannot begin because ${LIMITS.queuedApplies} acts wait already`,
      "try again when they have ended",
    ),
  ]);
}
