/** One step under way: the machine as it will be, and the effects so far. It lives for one call of `step` and no longer. */
import { type Issue, issue } from "../errors.ts";
import type { KeeperRequest } from "../keeper.ts";
import { afterAsking } from "./facts.ts";
import type { Job, Machine, Phase, Work } from "./state.ts";
import type { ApplyStep, Effect, Outcome, WalBody } from "./types.ts";

export class Turn {
  readonly effects: Effect[] = [];

  constructor(public machine: Machine, readonly nowNs: number) {}

  set(change: Partial<Machine>): void {
    this.machine = { ...this.machine, ...change };
  }

  go(phase: Phase): void {
    this.set({ phase });
  }

  ask(request: KeeperRequest, job: Job | null): void {
    const { asked, facts } = this.machine;
    this.set({ asked: [...asked, { request, job: job?.number ?? 0 }], facts: afterAsking(facts, request) });
    this.effects.push({ kind: "ask", request });
  }

  log(body: WalBody): void {
    this.effects.push({ kind: "log", body });
  }

  reserve(bytes: number): void {
    this.effects.push({ kind: "reserve", bytes });
  }

  /** Starts a timer and answers its number. */
  timer(afterNs: number): number {
    const timer = this.next();
    this.effects.push({ kind: "timer", timer, afterNs });
    return timer;
  }

  cancel(timer: number): void {
    this.effects.push({ kind: "cancel", timer });
  }

  progress(job: Job, step: ApplyStep, detail: string): void {
    this.effects.push({ kind: "progress", id: job.id, step, detail });
  }

  end(id: number, outcome: Outcome): void {
    this.effects.push({ kind: "end", id, outcome });
  }

  job(id: number, work: Work): Job {
    return {
      number: this.next(),
      id,
      work,
      target: null,
      prepared: null,
      left: null,
      reached: "nothing",
      issues: [],
      givenUp: [],
      culprits: [],
      looks: 0,
      changed: false,
    };
  }

  private next(): number {
    const counter = this.machine.counter + 1;
    this.set({ counter });
    return counter;
  }
}

/** The log can't be trusted to take more, or the keeper did what it must not: nothing changes until the panel is restarted. */
export function freeze(turn: Turn, why: string): void {
  for (const { id } of turn.machine.queue) turn.end(id, { kind: "refused", issues: [frozen(why)] });
  const { pending } = turn.machine;
  if (pending) turn.end(pending.id, { kind: "inDoubt", issues: [...pending.issues, frozen(why)] });
  turn.set({ queue: [], pending: null });
  turn.go({ kind: "frozen", why });
}

export function frozen(why: string): Issue {
  return issue("panel.frozen", `cannot change anything because ${why}`, "the panel restarts from disk; ask again then");
}
