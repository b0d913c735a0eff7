/**
 * What is to be decided, as indices: one pair for each route, one group for each driver that is used. `judge` says what a
 * decision is worth and which requirements it breaks, from their meaning and not from any model: every answer of a solver
 * goes through it before it is used.
 */
import { assert } from "../errors.ts";
import type { Config } from "../model/config.ts";
import type { Graph } from "../model/graph.ts";
import type { DriverName, Hash, RouteName } from "../model/names.ts";
import { type Pair, sharedEnds, type Wanted, words } from "./candidates.ts";
import { wireOf } from "./check.ts";
import { COST, crossNodeNs, weightMilli } from "./cost.ts";
import { type Cycle, forbiddenCycle } from "./cycles.ts";
import type { Distances, Group } from "./groups.ts";
import { variantsOf } from "./rules.ts";

/** Ends of routes that one driver must meet together. */
export interface Shared {
  readonly as: string;
  readonly ends: readonly { readonly route: number; readonly side: "from" | "to" }[];
}

export interface Problem {
  readonly config: Config;
  readonly groups: readonly Group[];
  readonly distances: Distances;
  /** Sorted by name; each has at least one pair. */
  readonly wanted: readonly Wanted[];
  /** Every driver of some pair, sorted. */
  readonly drivers: readonly DriverName[];
  readonly loads: readonly number[];
  /** Sorted by `as`. */
  readonly shared: readonly Shared[];
  /** Indices of routes that are active together: as planned first, then after each fallback. */
  readonly variants: readonly (readonly number[])[];
  readonly base: BaseFacts;
}

/** What churn is counted against. */
export interface BaseFacts {
  /** By driver: null when it does not run in the base. `group` −1: it runs where it can't stay, or its bytes change. */
  readonly placed: readonly ({ readonly group: number } | null)[];
  /** By route: the ends that it has in the base. */
  readonly linked: readonly ({ readonly from: string; readonly to: string } | null)[];
}

/** By route the index of its pair; by driver the index of its group, −1 when it is not used. */
export interface Decision {
  readonly pair: readonly number[];
  readonly group: readonly number[];
}

/** Compared in this order, each a whole number and less is better. */
export interface Objective {
  /** Thousandths of weight × nanoseconds of static cost, over all routes, standby ones too. */
  readonly latencyMilli: number;
  readonly crossNode: number;
  /** Drivers started, stopped or moved (twice), and routes of the base with other ends (twice). */
  readonly churn: number;
}

export function problemOf(
  config: Config,
  wanted: readonly Wanted[],
  groups: readonly Group[],
  distances: Distances,
  base: { readonly graph: Graph; readonly same: (driver: DriverName, manifest: Hash, closure: Hash) => boolean },
): Problem {
  const drivers = [
    ...new Set(wanted.flatMap((each) => each.pairs.flatMap((pair) => [pair.from.driver, pair.to.driver]))),
  ]
    .sort();
  const routeIndex = new Map(wanted.map((each, at): [RouteName, number] => [each.route.name, at]));
  return {
    config,
    groups,
    distances,
    wanted,
    drivers,
    loads: drivers.map((name) => config.drivers.get(name)?.loadPermille ?? 0),
    shared: sharedOf(wanted),
    variants: variantsOf(config).map(({ active }) => active.flatMap((name) => routeIndex.get(name) ?? [])),
    base: baseFacts(drivers, wanted, groups, base),
  };
}

function sharedOf(wanted: readonly Wanted[]): readonly Shared[] {
  const byAs = new Map<string, { route: number; side: "from" | "to" }[]>();
  wanted.forEach((each, route) => {
    for (const { as, side } of sharedEnds(each.route)) byAs.set(as, [...byAs.get(as) ?? [], { route, side }]);
  });
  return [...byAs].sort(([one], [other]) => one < other ? -1 : 1).map(([as, ends]) => ({ as, ends }));
}

function baseFacts(
  drivers: readonly DriverName[],
  wanted: readonly Wanted[],
  groups: readonly Group[],
  base: { readonly graph: Graph; readonly same: (driver: DriverName, manifest: Hash, closure: Hash) => boolean },
): BaseFacts {
  const placed = new Map(base.graph.drivers.map((each) => [each.driver, each]));
  const linked = new Map(base.graph.links.map((each) => [each.route, each]));
  return {
    placed: drivers.map((name) => {
      const before = placed.get(name);
      if (!before) return null;
      const same = base.same(name, before.manifest, before.closure);
      const at = groups.findIndex((group) => before.cpus.every((cpu) => group.cpus.some((each) => each.id === cpu)));
      return { group: same ? at : -1 };
    }),
    linked: wanted.map(({ route }) => {
      const before = linked.get(route.name);
      return before && !route.standby ? { from: words(before.from), to: words(before.to) } : null;
    }),
  };
}

export function pairOf(problem: Problem, decision: Decision, route: number): Pair {
  const pair = problem.wanted[route]?.pairs[decision.pair[route] ?? -1];
  assert(pair !== undefined, "a decision has one of the pairs of each route");
  return pair;
}

/** The way between two groups, in nanoseconds. */
export function hopNs(problem: Problem, from: number, to: number): number {
  if (from === to) return COST.sameCache;
  const [one, other] = [problem.groups[from], problem.groups[to]];
  assert(one !== undefined && other !== undefined, "a group of a decision exists");
  return one.node === other.node ? COST.sameNode : crossNodeNs(problem.distances(one.node, other.node));
}

export function objectiveOf(problem: Problem, decision: Decision): Objective {
  const groupOf = groupLookup(problem, decision);
  let [latencyMilli, crossNode] = [0, 0];
  problem.wanted.forEach(({ route }, at) => {
    const pair = pairOf(problem, decision, at);
    const [from, to] = [groupOf(pair.from.driver), groupOf(pair.to.driver)];
    latencyMilli += weightMilli(route) * (pair.costNs + hopNs(problem, from, to));
    if (problem.groups[from]?.node !== problem.groups[to]?.node) crossNode++;
  });
  return { latencyMilli, crossNode, churn: churnOf(problem, decision) };
}

/** What one driver adds to churn, by where it is put (−1: not used). */
export function driverChurn(problem: Problem, driver: number, group: number): number {
  const before = problem.base.placed[driver];
  if (!before) return group < 0 ? 0 : 1;
  if (group < 0) return 1;
  return before.group === group ? 0 : 2;
}

/** What one route adds to churn by the pair that is chosen for it. */
export function routeChurn(problem: Problem, route: number, pair: Pair): number {
  const before = problem.base.linked[route];
  return !before || (before.from === words(pair.from) && before.to === words(pair.to)) ? 0 : 2;
}

function churnOf(problem: Problem, decision: Decision): number {
  let churn = 0;
  problem.drivers.forEach((_, at) => churn += driverChurn(problem, at, decision.group[at] ?? -1));
  problem.wanted.forEach((_, at) => churn += routeChurn(problem, at, pairOf(problem, decision, at)));
  return churn;
}

function groupLookup(problem: Problem, decision: Decision): (driver: DriverName) => number {
  const groups = new Map(problem.drivers.map((name, at) => [name, decision.group[at] ?? -1]));
  return (driver) => {
    const group = groups.get(driver) ?? -1;
    assert(group >= 0 && group < problem.groups.length, `driver ${driver} of a chosen pair has a group`);
    return group;
  };
}

/** What a decision breaks. */
export type Fault =
  | { readonly kind: "shape" }
  | { readonly kind: "unplaced"; readonly driver: DriverName }
  | { readonly kind: "unused"; readonly driver: DriverName }
  | { readonly kind: "capacity"; readonly group: number }
  | { readonly kind: "budget"; readonly route: number }
  | { readonly kind: "shared"; readonly as: string }
  | { readonly kind: "from"; readonly from: string; readonly routes: readonly number[] }
  | { readonly kind: "cycle"; readonly cycle: Cycle };

export function faultsOf(problem: Problem, decision: Decision): readonly Fault[] {
  if (!wellShaped(problem, decision)) return [{ kind: "shape" }];
  const used = new Set(problem.wanted.flatMap((_, at) => {
    const pair = pairOf(problem, decision, at);
    return [pair.from.driver, pair.to.driver];
  }));
  const stray = problem.drivers.flatMap((driver, at): Fault[] => {
    const isPlaced = (decision.group[at] ?? -1) >= 0;
    if (isPlaced === used.has(driver)) return [];
    return [isPlaced ? { kind: "unused", driver } : { kind: "unplaced", driver }];
  });
  if (stray.length > 0) return stray;
  return [
    ...capacityFaults(problem, decision),
    ...budgetFaults(problem, decision),
    ...sharedFaults(problem, decision),
    ...variantFaults(problem, decision),
  ];
}

function wellShaped({ wanted, drivers, groups }: Problem, decision: Decision): boolean {
  return decision.pair.length === wanted.length && decision.group.length === drivers.length &&
    decision.pair.every((each, at) => wanted[at]?.pairs[each] !== undefined) &&
    decision.group.every((each) => each === -1 || groups[each] !== undefined);
}

function capacityFaults(problem: Problem, decision: Decision): Fault[] {
  const load = problem.groups.map(() => 0);
  decision.group.forEach((group, driver) => {
    if (group >= 0) load[group] = (load[group] ?? 0) + (problem.loads[driver] ?? 0);
  });
  return problem.groups.flatMap((each, group) =>
    (load[group] ?? 0) > each.capacityPermille ? [{ kind: "capacity" as const, group }] : []
  );
}

function budgetFaults(problem: Problem, decision: Decision): Fault[] {
  const groupOf = groupLookup(problem, decision);
  return problem.wanted.flatMap(({ route: { budgetNs } }, route): Fault[] => {
    const pair = pairOf(problem, decision, route);
    const way = hopNs(problem, groupOf(pair.from.driver), groupOf(pair.to.driver));
    return budgetNs !== null && pair.costNs + way > budgetNs ? [{ kind: "budget", route }] : [];
  });
}

function sharedFaults(problem: Problem, decision: Decision): Fault[] {
  return problem.shared.flatMap(({ as, ends }): Fault[] => {
    const drivers = new Set(ends.map(({ route, side }) => pairOf(problem, decision, route)[side].driver));
    return drivers.size > 1 ? [{ kind: "shared", as }] : [];
  });
}

function variantFaults(problem: Problem, decision: Decision): Fault[] {
  const faults: Fault[] = [];
  for (const active of problem.variants) {
    const byFrom = new Map<string, number[]>();
    for (const route of active) {
      const from = words(pairOf(problem, decision, route).from);
      byFrom.set(from, [...byFrom.get(from) ?? [], route]);
    }
    for (const [from, routes] of byFrom) if (routes.length > 1) faults.push({ kind: "from", from, routes });
    const cycle = cycleOf(problem, decision, active);
    if (cycle) faults.push({ kind: "cycle", cycle });
  }
  return faults;
}

function cycleOf(problem: Problem, decision: Decision, active: readonly number[]): Cycle | undefined {
  const wires = active.flatMap((route) => {
    const wanted = problem.wanted[route];
    return wanted ? [wireOf(wanted, pairOf(problem, decision, route))] : [];
  });
  return forbiddenCycle(wires, problem.config);
}
