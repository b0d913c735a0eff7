/** Small random projects to plan, and what is best for them by trying everything. */
import fc from "fast-check";
import type { Config, Driver, Route } from "../../core/model/config.ts";
import type { Topology } from "../../core/model/topology.ts";
import { type Decision, faultsOf, type Objective, objectiveOf, type Problem } from "../../core/plan/problem.ts";
import { config, driver, route, rule, topology } from "../../core/plan/testing.ts";

export interface Case {
  readonly config: Config;
  readonly topology: Topology;
}

interface Provider {
  readonly version: string;
  readonly stdio: boolean;
  readonly load: number;
  readonly denied: boolean;
  readonly depends: boolean;
}

const load = fc.constantFrom(100, 300, 500, 700, 900);
const provider: fc.Arbitrary<Provider> = fc.record({
  version: fc.constantFrom("1.0.0", "1.0.0", "1.4.0", "2.0.0"),
  stdio: fc.boolean(),
  load,
  denied: fc.integer({ min: 0, max: 3 }).map((each) => each === 0),
  depends: fc.boolean(),
});

/** A plant in a loop with one of up to three providers, and beside it, perhaps, a bystander that one of them feeds. */
export const cases: fc.Arbitrary<Case> = fc.record({
  providers: fc.array(provider, { minLength: 1, maxLength: 3 }),
  plantLoad: load,
  plantDepends: fc.integer({ min: 0, max: 4 }).map((each) => each === 0),
  side: fc.option(fc.record({ load, weight: fc.constantFrom(0, 0.5, 1, 3), count: fc.constantFrom(1, 2) })),
  routeClass: fc.constantFrom("api" as const, "hook" as const),
  loopWeight: fc.constantFrom(1, 2),
  budgetNs: fc.constantFrom(null, null, 2_500, 13_000),
  nodes: fc.constantFrom(1, 2),
  caches: fc.constantFrom(1, 2),
}).map(({ providers, plantLoad, plantDepends, side, routeClass, loopWeight, budgetNs, nodes, caches }) => {
  const plant = driver("plant", {
    in: { force: "cart.force@^1.0" },
    out: { state: { is: "cart.state@1.2.0", dependsOn: plantDepends ? ["force"] : [] } },
    over: { cpu: "pinned", loadPermille: plantLoad },
  });
  const drivers: Driver[] = [plant, ...providers.map(providerDriver)];
  const over = { class: routeClass, weight: loopWeight, budgetNs };
  const routes: Route[] = [
    route("state", "plant/state", "any cart.state@^1.0 as ctl", over),
    route("force", "any cart.force@* as ctl", "plant/force", over),
  ];
  // Trying everything takes its time: two bystanders only where there are two groups at most.
  const bystanders = !side || (providers.length === 3 && caches * nodes > 2) ? 0 : caches * nodes > 2 ? 1 : side.count;
  for (let at = 0; at < bystanders; at++) {
    drivers.push(driver(`view${at}`, { in: { log: "log@*" }, over: { loadPermille: side?.load ?? 0 } }));
    // Each takes its log from a driver of its choice, and one `out` can't serve both.
    routes.push(route(`log${at}`, `any log@* as teller${at}`, `view${at}/log`, { weight: side?.weight ?? 1 }));
  }
  const deny = providers.flatMap((each, at) => each.denied ? [rule(`p${at}/force`, "*/*")] : []);
  return { config: config({ drivers, routes, policy: { deny } }), topology: topology(nodes, caches, 1) };
});

function providerDriver({ version, stdio, load, depends }: Provider, at: number): Driver {
  return driver(`p${at}`, {
    in: { state: "cart.state@^1.0" },
    out: { force: { is: `cart.force@${version}`, dependsOn: depends ? ["state"] : [] }, log: "log@1.0.0" },
    over: { cpu: "pinned", loadPermille: load, speaks: stdio ? "stdio" : "kit" },
  });
}

export interface Best {
  readonly decision: Decision;
  readonly objective: Objective;
}

/** Every choice of pairs in every placement; of equals the first in stable order. Undefined when nothing holds. */
export function bestByTryingAll(problem: Problem): Best | undefined {
  let best: Best | undefined;
  for (const pair of product(problem.wanted.map((each) => each.pairs.length))) {
    const used = new Set(problem.wanted.flatMap((each, at) => {
      const chosen = each.pairs[pair[at] ?? 0];
      return chosen ? [chosen.from.driver, chosen.to.driver] : [];
    }));
    for (const group of product(problem.drivers.map((name) => used.has(name) ? problem.groups.length : 1))) {
      const decision = { pair, group: group.map((each, at) => used.has(problem.drivers[at] ?? plantName) ? each : -1) };
      if (faultsOf(problem, decision).length > 0) continue;
      const objective = objectiveOf(problem, decision);
      // Decisions come in stable order, so that only a better one takes the place of the first.
      if (!best || isBetter(objective, best.objective)) best = { decision, objective };
    }
  }
  return best;
}

const plantName = driver("plant").name;

function isBetter(one: Objective, other: Objective): boolean {
  return (one.latencyMilli - other.latencyMilli || one.crossNode - other.crossNode || one.churn - other.churn) < 0;
}

/** All lists whose items are below the given counts, in lexicographic order. */
function* product(counts: readonly number[]): Generator<readonly number[]> {
  const [count, ...rest] = counts;
  if (count === undefined) return yield [];
  for (let first = 0; first < count; first++) for (const tail of product(rest)) yield [first, ...tail];
}

/** The same, written in another order: maps, sets, cpus and nodes. */
export function shuffled<T>(value: T, random: () => number): T {
  if (value instanceof Map) {
    const entries = [...value].map(([key, each]) => [key, shuffled(each, random)] as const);
    return new Map(shuffledList(entries, random)) as T;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const members = Object.entries(value).map(([key, each]) =>
      [key, isSet(key) && Array.isArray(each) ? shuffledList(each, random) : shuffled(each, random)] as const
    );
    return Object.fromEntries(shuffledList(members, random)) as T;
  }
  return value;
}

const SETS: readonly string[] = ["allow", "deny", "capabilities", "dependsOn", "cpus"];
const isSet = (key: string) => SETS.includes(key);

function shuffledList<T>(items: readonly T[], random: () => number): T[] {
  const list = [...items];
  for (let at = list.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const [one, two] = [list[at], list[other]];
    if (one !== undefined && two !== undefined) [list[at], list[other]] = [two, one];
  }
  return list;
}
