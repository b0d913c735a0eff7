/**
 * For what is too large to be solved exactly: choices one after the other in stable order, then local search that moves
 * one driver, or exchanges two, as long as the objective falls. Deterministic, bounded by rounds, never proved best.
 */
import { LIMITS } from "../limits.ts";
import type { DriverName } from "../model/names.ts";
import { type Pair, sharedEnds, words } from "./candidates.ts";
import { weightMilli } from "./cost.ts";
import {
  type Decision,
  driverChurn,
  faultsOf,
  hopNs,
  type Objective,
  objectiveOf,
  type Problem,
  routeChurn,
} from "./problem.ts";

/** Stands in a plan's inputs in the solver's place. */
export const SEARCH_NAME = "rtt search 1";

/** A decision without faults, or undefined when the search finds none. */
export function searchDecision(problem: Problem): Decision | undefined {
  const pair = choosePairs(problem);
  if (!pair) return undefined;
  let best: { decision: Decision; objective: Objective } | undefined;
  for (const order of ["heaviest", "connected"] as const) {
    const placement = new Placement(problem, pair);
    if (!placement.fill(order)) continue;
    for (let round = 0; round < LIMITS.plan.searchRounds && placement.improve(); round++);
    const decision = { pair, group: placement.group };
    if (faultsOf(problem, decision).length > 0) continue;
    const objective = objectiveOf(problem, decision);
    if (!best || compare(figures(objective), figures(best.objective)) < 0) best = { decision, objective };
  }
  return best?.decision;
}

const figures = ({ latencyMilli, crossNode, churn }: Objective) => [latencyMilli, crossNode, churn];

/** The cheapest pair of each route that agrees with the choices before it; drivers already used come first among equals. */
function choosePairs(problem: Problem): number[] | undefined {
  const chosenFor = new Map<string, DriverName>();
  const taken = problem.variants.map(() => new Set<string>());
  const variantsOfRoute = problem.wanted.map((): number[] => []);
  problem.variants.forEach((active, variant) => active.forEach((route) => variantsOfRoute[route]?.push(variant)));
  const used = new Set<DriverName>();
  const choice: number[] = [];
  for (const [route, { route: declared, pairs }] of problem.wanted.entries()) {
    const ends = sharedEnds(declared);
    const free = (pair: Pair) =>
      ends.every(({ as, side }) => (chosenFor.get(as) ?? pair[side].driver) === pair[side].driver) &&
      (variantsOfRoute[route] ?? []).every((variant) => !taken[variant]?.has(words(pair.from)));
    const rank = (pair: Pair) => [
      pair.costNs,
      routeChurn(problem, route, pair),
      (used.has(pair.from.driver) ? 0 : 1) + (used.has(pair.to.driver) ? 0 : 1),
    ];
    const open = pairs.map((pair, at) => ({ pair, at })).filter(({ pair }) => free(pair))
      .sort((one, other) => compare(rank(one.pair), rank(other.pair)) || one.at - other.at);
    const best = open[0];
    if (!best) return undefined;
    choice.push(best.at);
    for (const { as, side } of ends) chosenFor.set(as, best.pair[side].driver);
    for (const variant of variantsOfRoute[route] ?? []) taken[variant]?.add(words(best.pair.from));
    used.add(best.pair.from.driver).add(best.pair.to.driver);
  }
  return choice;
}

interface Neighbour {
  readonly route: number;
  readonly other: number;
  readonly outgoing: boolean;
  readonly costNs: number;
}

class Placement {
  readonly group: number[];
  private readonly free: number[];
  private readonly neighbours: readonly (readonly Neighbour[])[];
  private readonly used: readonly number[];

  constructor(private readonly problem: Problem, pair: readonly number[]) {
    this.group = problem.drivers.map(() => -1);
    this.free = problem.groups.map((each) => each.capacityPermille);
    const index = new Map(problem.drivers.map((name, at) => [name, at]));
    const neighbours = problem.drivers.map((): Neighbour[] => []);
    problem.wanted.forEach(({ pairs }, route) => {
      const chosen = pairs[pair[route] ?? -1];
      if (!chosen) return;
      const [from, to] = [index.get(chosen.from.driver) ?? -1, index.get(chosen.to.driver) ?? -1];
      neighbours[from]?.push({ route, other: to, outgoing: true, costNs: chosen.costNs });
      neighbours[to]?.push({ route, other: from, outgoing: false, costNs: chosen.costNs });
    });
    this.neighbours = neighbours;
    this.used = neighbours.flatMap((each, at) => each.length > 0 ? [at] : []);
  }

  /** Each driver where it costs least when its turn comes; false when one has no room. */
  fill(order: "heaviest" | "connected"): boolean {
    for (const driver of order === "heaviest" ? this.byLoad() : this.byNeighbours()) {
      const best = this.bestGroup(driver);
      if (best === undefined) return false;
      this.put(driver, best);
    }
    return true;
  }

  private byLoad(): readonly number[] {
    const load = (driver: number) => this.problem.loads[driver] ?? 0;
    return [...this.used].sort((one, other) => load(other) - load(one) || one - other);
  }

  /** From the best connected one outwards, so that neighbours are placed next to each other. */
  private byNeighbours(): readonly number[] {
    const degree = (driver: number) => this.neighbours[driver]?.length ?? 0;
    const starts = [...this.used].sort((one, other) => degree(other) - degree(one) || one - other);
    const order: number[] = [];
    const seen = new Set<number>();
    for (const start of starts) {
      if (seen.has(start)) continue;
      seen.add(start);
      const queue = [start];
      for (let head = 0; head < queue.length; head++) {
        const driver = queue[head] ?? start;
        order.push(driver);
        for (const { other } of this.neighbours[driver] ?? []) {
          if (seen.has(other)) continue;
          seen.add(other);
          queue.push(other);
        }
      }
    }
    return order;
  }

  /** One pass: every driver to where it costs least, by itself or in exchange for another; false when nothing changed. */
  improve(): boolean {
    let changed = false;
    for (const driver of this.used) {
      const before = this.group[driver] ?? -1;
      this.take(driver);
      const best = this.bestGroup(driver) ?? before;
      const dream = this.bestGroup(driver, "whatever the room");
      this.put(driver, best);
      changed ||= best !== before;
      if (dream !== undefined && dream !== best) changed = this.exchange(driver, dream) || changed;
    }
    return changed;
  }

  /** Puts a driver into a full group when another one can leave it for its place and both together cost less. */
  private exchange(driver: number, group: number): boolean {
    const home = this.group[driver] ?? -1;
    const load = this.problem.loads[driver] ?? 0;
    for (const other of this.used) {
      if (this.group[other] !== group) continue;
      const difference = load - (this.problem.loads[other] ?? 0);
      if (difference > (this.free[group] ?? 0) || -difference > (this.free[home] ?? 0)) continue;
      const before = this.costOfTwo(driver, other);
      this.swap(driver, other);
      const after = this.costOfTwo(driver, other);
      if (before && after && compare(after, before) < 0) return true;
      this.swap(driver, other);
    }
    return false;
  }

  private swap(one: number, other: number): void {
    const [a, b] = [this.group[one] ?? -1, this.group[other] ?? -1];
    this.take(one);
    this.take(other);
    this.put(one, b);
    this.put(other, a);
  }

  private costOfTwo(one: number, other: number): readonly number[] | undefined {
    const first = this.costAt(one, this.group[one] ?? -1);
    const second = this.costAt(other, this.group[other] ?? -1);
    return first && second ? first.map((each, at) => each + (second[at] ?? 0)) : undefined;
  }

  private put(driver: number, group: number): void {
    this.group[driver] = group;
    this.free[group] = (this.free[group] ?? 0) - (this.problem.loads[driver] ?? 0);
  }

  private take(driver: number): void {
    const group = this.group[driver] ?? -1;
    this.group[driver] = -1;
    this.free[group] = (this.free[group] ?? 0) + (this.problem.loads[driver] ?? 0);
  }

  private bestGroup(driver: number, room?: "whatever the room"): number | undefined {
    let best: { group: number; cost: readonly number[] } | undefined;
    for (const group of this.problem.groups.keys()) {
      if (!room && (this.free[group] ?? 0) < (this.problem.loads[driver] ?? 0)) continue;
      const cost = this.costAt(driver, group);
      if (cost && (!best || compare(cost, best.cost) < 0)) best = { group, cost };
    }
    return best?.group;
  }

  /** What this driver adds to each stage at a group, counting neighbours that are placed; undefined over a budget. */
  private costAt(driver: number, group: number): readonly number[] | undefined {
    let [latency, crossNode] = [0, 0];
    for (const { route, other, outgoing, costNs } of this.neighbours[driver] ?? []) {
      const there = this.group[other] ?? -1;
      const declared = this.problem.wanted[route]?.route;
      if (there < 0 || !declared) continue;
      const way = outgoing ? hopNs(this.problem, group, there) : hopNs(this.problem, there, group);
      if (declared.budgetNs !== null && costNs + way > declared.budgetNs) return undefined;
      latency += weightMilli(declared) * way;
      if (this.problem.groups[group]?.node !== this.problem.groups[there]?.node) crossNode++;
    }
    return [latency, crossNode, driverChurn(this.problem, driver, group)];
  }
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (const [at, value] of one.entries()) {
    const difference = value - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
