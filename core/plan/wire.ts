/** From a decision to the graph: placed drivers, links, and what a fallback would link. */
import { assert, type Issue, issue } from "../errors.ts";
import type { Graph, Link, PlacedDriver } from "../model/graph.ts";
import type { RouteName } from "../model/names.ts";
import type { Move } from "../model/plan.ts";
import type { Scenario } from "../model/scenario.ts";
import type { Hasher } from "../ports.ts";
import { sortedRoutes } from "./candidates.ts";
import { assignCpus } from "./cores.ts";
import { type Decision, pairOf, type Problem } from "./problem.ts";

export interface Wired {
  readonly graph: Graph;
  /** Links of standby routes: their drivers run, and nothing flows until a fallback names them. */
  readonly standby: ReadonlyMap<RouteName, Link>;
}

export function wire(scenario: Scenario, problem: Problem, decision: Decision, hasher: Hasher): Wired {
  const links = problem.wanted.map((_, at) => linkOf(problem, decision, at, hasher));
  const isStandby = (link: Link) => scenario.config.routes.get(link.route)?.standby ?? false;
  return {
    graph: { drivers: placedDrivers(scenario, problem, decision), links: links.filter((each) => !isStandby(each)) },
    standby: new Map(links.filter(isStandby).map((each) => [each.route, each])),
  };
}

function placedDrivers(scenario: Scenario, problem: Problem, decision: Decision): readonly PlacedDriver[] {
  const before = new Map(scenario.base.graph.drivers.map((each) => [each.driver, each]));
  const cpus = assignCpus(problem, decision, before);
  return problem.drivers.flatMap((driver, at): PlacedDriver[] => {
    const group = problem.groups[decision.group[at] ?? -1];
    if (!group) return [];
    const manifest = scenario.manifests.get(driver);
    const closure = scenario.closures.get(driver)?.hash;
    assert(manifest !== undefined && closure !== undefined, `driver ${driver} is known before it is placed`);
    return [{ driver, manifest, closure, cpus: cpus.get(driver) ?? [], node: group.node }];
  });
}

function linkOf(problem: Problem, decision: Decision, at: number, hasher: Hasher): Link {
  const wanted = problem.wanted[at];
  assert(wanted !== undefined, "a route of the problem exists");
  const { route } = wanted;
  const pair = pairOf(problem, decision, at);
  return {
    route: route.name,
    routeId: routeId(route.name, hasher),
    class: route.class,
    from: pair.from,
    to: pair.to,
    contract: pair.contract,
    version: pair.version,
    critical: route.critical,
    budgetNs: route.budgetNs,
    stallNs: route.stallNs,
    rateHz: route.rateHz,
    onTrip: route.onTrip,
    backpressure: route.backpressure,
    blockNs: route.blockNs,
    wait: route.wait,
    spinNs: route.spinNs,
    ringBytes: route.ringBytes,
    maxFrameBytes: route.maxFrameBytes,
    drainWithinNs: route.drainWithinNs,
    ttl: route.class === "bus" ? route.ttl : null,
    dedupe: route.class === "bus" ? route.dedupe : null,
  };
}

/** First four bytes of SHA-256 of the name, little endian. */
export function routeId(name: RouteName, hasher: Hasher): number {
  const hash = hasher.sha256(new TextEncoder().encode(name));
  const bytes = [0, 2, 4, 6].map((at) => parseInt(hash.slice(at, at + 2), 16));
  return bytes.reduceRight((number, byte) => number * 256 + byte, 0);
}

/** Frames carry numbers, not names, and a number must mean one route. */
export function idClashes(scenario: Scenario, hasher: Hasher): Issue[] {
  const names = new Map<number, RouteName>();
  return sortedRoutes(scenario.config).flatMap(({ name, place }): Issue[] => {
    const id = routeId(name, hasher);
    const other = names.get(id);
    names.set(id, name);
    if (other === undefined) return [];
    const message = `cannot wire route \`${name}\` because its number in frames, ${id}, is that of route \`${other}\``;
    return [issue("route.idClash", message, "rename one of the two", place)];
  });
}

/** What may change without a new plan: restarts by driver, then fallbacks by route. */
export function movesOf(scenario: Scenario, { graph, standby }: Wired): readonly Move[] {
  const { config } = scenario;
  const restarts = graph.drivers.flatMap(({ driver }): Move[] => {
    const restart = config.drivers.get(driver)?.restart;
    if (!restart || restart.budget === 0) return [];
    return [{ kind: "restart", driver, budget: restart.budget, withinNs: restart.withinNs }];
  });
  const fallbacks = sortedRoutes(config).flatMap((route): Move[] => {
    if (route.standby || route.onTrip !== "fallback") return [];
    const link = [...route.fallback.values()].sort().flatMap((each) => standby.get(each) ?? []);
    return [{ kind: "fallback", trip: route.name, unlink: [...route.fallback.keys()].sort(), link }];
  });
  return [...restarts, ...fallbacks];
}
