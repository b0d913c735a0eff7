/** The guard's eyes and hands: shows it the lanes' figures on its beat, and begins what it says the plan permits. */
import { desiredGraph } from "../../core/apply/committed.ts";
import type { Machine } from "../../core/apply/machine.ts";
import { brokenMachine, brokenRest } from "../../core/apply/invariants.ts";
import { type Guard, guardStep, NO_GUARD, type Trip } from "../../core/guard/guard.ts";
import { lookEveryNs } from "../../core/guard/stall.ts";
import type { LaneFigures } from "../../core/keeper.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Link } from "../../core/model/graph.ts";
import type { RouteName } from "../../core/model/names.ts";
import type { Clock, Keeper } from "../../core/ports.ts";
import type { Engine } from "./engine.ts";
import { Ledger } from "./ledger.ts";

const NS_PER_MS = 1_000_000;

export class Judge {
  #guard: Guard = NO_GUARD;
  #links: readonly Link[] = [];
  /** Routes of the plan that a move has ended: their breakers stay. */
  #remembered: readonly RouteName[] = [];
  #keeper: Keeper | undefined;
  #snapshots: number | undefined;
  #looks: number | undefined;
  #lookMs = 0;
  #broken: readonly string[] = [];
  #left: readonly string[] = [];
  #facts: Machine["facts"] | undefined;

  constructor(readonly engine: Engine, readonly clock: Clock, readonly words: (line: string) => void) {}

  /** What became of the frames of lanes that are gone, by route. */
  readonly ledger = new Ledger();

  get guard(): Guard {
    return this.#guard;
  }

  /** The figures now, for status. */
  figures(): readonly LaneFigures[] {
    return this.#keeper?.figures() ?? [];
  }

  /** Takes down the last figures of lanes that are about to go. */
  settle(): void {
    for (const figures of this.figures()) if (!figures.active) this.ledger.add(figures);
  }

  watch(keeper: Keeper): void {
    this.#keeper = keeper;
  }

  /** After each step of the machine: what is desired now, and whether what always holds still does. */
  see(machine: Machine): void {
    this.#check(machine);
    if (machine.phase.kind !== "idle") return;
    this.#links = desiredGraph(machine.committed).links;
    const now = new Set(this.#links.map((link) => link.route));
    this.#remembered = machine.committed.graph.links.map((link) => link.route).filter((route) => !now.has(route));
    this.#beat();
  }

  /** What should always hold and does not, by the last look: a bug, or a keeper that lies. */
  get broken(): readonly string[] {
    return [...this.#broken, ...this.#left];
  }

  #check(machine: Machine): void {
    const before = this.broken.join("; ");
    this.#broken = brokenMachine(machine);
    // Facts are looked at when nothing is under way, and only when they have changed.
    if (machine.phase.kind === "idle" && machine.facts !== this.#facts) {
      this.#facts = machine.facts;
      this.#left = brokenRest(machine);
    }
    const wrong = this.broken.join("; ");
    if (wrong !== "" && wrong !== before) this.words(`INVARIANT BROKEN: ${wrong}`);
  }

  stop(): void {
    clearInterval(this.#snapshots);
    clearInterval(this.#looks);
    this.#snapshots = this.#looks = undefined;
    this.#keeper = undefined;
  }

  /** A beat for budgets only where there is one, and a faster one only where a stall is declared. */
  #beat(): void {
    const budgets = this.#links.some((link) => link.budgetNs !== null || link.stallNs !== null);
    if (budgets && this.#snapshots === undefined) {
      this.#snapshots = setInterval(() => this.#step("snapshot"), LIMITS.guard.snapshotNs / NS_PER_MS);
    } else if (!budgets) {
      clearInterval(this.#snapshots);
      this.#snapshots = undefined;
    }
    const lookNs = lookEveryNs(this.#links);
    const lookMs = lookNs === null ? 0 : Math.max(1, Math.floor(lookNs / NS_PER_MS));
    if (lookMs === this.#lookMs) return;
    clearInterval(this.#looks);
    this.#lookMs = lookMs;
    this.#looks = lookMs === 0 ? undefined : setInterval(() => this.#step("look"), lookMs);
  }

  #step(kind: "snapshot" | "look"): void {
    if (!this.#keeper || this.engine.machine.phase.kind !== "idle") return;
    const nowNs = this.clock.monotonicNs();
    const figures = this.figures();
    const { guard, trips } = guardStep(this.#guard, {
      kind,
      links: this.#links,
      remembered: this.#remembered,
      figures,
      nowNs,
    });
    this.#guard = guard;
    for (const trip of trips) this.#act(trip);
  }

  #act(trip: Trip): void {
    const { act } = trip;
    this.words(`trip: ${trip.why}${act === null ? "" : `; ${act.kind === "move" ? act.move : act.kind}`}`);
    if (act === null) return;
    this.engine.run(act).then((outcome) => {
      if (outcome.kind === "committed") this.words(`done: ${act.kind === "move" ? act.move : act.kind}`);
      else this.words(`not done: ${outcome.issues.map((each) => each.message).join("; ")}`);
    });
  }
}
