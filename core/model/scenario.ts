/**
 * Everything that the solver sees, and nothing else: no clock, no place in a text, no user, no observed state. Its
 * fingerprint is independent of the order of maps and files; it is the key under which a solution may be kept (a cache sits
 * between `fingerprint` and `makePlan`, in the shell, and a hit equals a miss byte for byte).
 */
import { canonical, canonicalText } from "../trust/canonical.ts";
import { LIMITS } from "../limits.ts";
import type { Hasher } from "../ports.ts";
import type { Config } from "./config.ts";
import { EMPTY_GRAPH, type Graph } from "./graph.ts";
import type { DriverName, Hash, PlanId } from "./names.ts";
import type { Move, Plan } from "./plan.ts";
import type { Topology } from "./topology.ts";

/** Every file that a driver runs. */
export interface Closure {
  /** Of the sorted list of paths and contents: `closureHash`. */
  readonly hash: Hash;
  /** Sorted by path; paths are project-relative, or absolute for programs of the host. */
  readonly files: readonly ClosureFile[];
}

export interface ClosureFile {
  readonly path: string;
  readonly hash: Hash;
  readonly executable: boolean;
}

/** The committed graph and what its plan permits and is gated on; never what was observed. */
export interface Base {
  readonly plan: PlanId | null;
  readonly graph: Graph;
  readonly moves: readonly Move[];
  /** Null: not known, and then a change of gates alone is no change. */
  readonly gates: Plan["gates"] | null;
}

export interface Scenario {
  readonly config: Config;
  /** Hash of each driver's manifest, by `manifestOf`. */
  readonly manifests: ReadonlyMap<DriverName, Hash>;
  /** A driver whose files can't all be read has none. */
  readonly closures: ReadonlyMap<DriverName, Closure>;
  /** Of policy.json's bytes. */
  readonly policy: Hash;
  readonly topology: Topology;
  /** Tuned knobs of this machine: there are none yet, and so there are no predictions. */
  readonly profile: null;
  readonly base: Base;
  /** Name and version of the solver, as in `Solver.name`; known without loading it. */
  readonly solver: string;
  /** Name and version of the planner: `PLANNER` of `core/plan/plan.ts`. */
  readonly planner: string;
}

export const EMPTY_BASE: Base = { plan: null, graph: EMPTY_GRAPH, moves: [], gates: null };

/** The base from what the log says is committed. */
export function baseOf(
  committed: { readonly plan: PlanId | null; readonly document: Plan | null; readonly graph: Graph },
): Base {
  return {
    plan: committed.plan,
    graph: committed.graph,
    moves: committed.document?.moves ?? [],
    gates: committed.document?.gates ?? null,
  };
}

export function closureHash(files: readonly ClosureFile[], hasher: Hasher): Hash {
  const sorted = files.map(({ path, hash, executable }) => ({ path, hash, executable }));
  return hasher.sha256(canonical(sorted.sort((one, other) => one.path < other.path ? -1 : 1)));
}

/** Of the declared text's meaning: the same for every order and layout in which it can be written. */
export function configHash(config: Config, hasher: Hasher): Hash {
  return hasher.sha256(canonical(plain(config)));
}

/** Of the facts that planning may depend on: topology, profile, driver closures. */
export function factsHash(scenario: Scenario, hasher: Hasher): Hash {
  return hasher.sha256(canonical(facts(scenario)));
}

export function fingerprint(scenario: Scenario, hasher: Hasher): Hash {
  return inputHashes(scenario, hasher).fingerprint;
}

/** The three hashes that a plan carries of what it was made from. */
export function inputHashes(scenario: Scenario, hasher: Hasher): { config: Hash; facts: Hash; fingerprint: Hash } {
  const { base } = scenario;
  const [config, facts] = [configHash(scenario.config, hasher), factsHash(scenario, hasher)];
  const whole = canonical({
    config,
    facts,
    manifests: plain(scenario.manifests),
    policy: scenario.policy,
    base: { plan: base.plan, graph: base.graph, moves: base.moves, gates: base.gates },
    solver: scenario.solver,
    planner: scenario.planner,
    limits: LIMITS.plan,
  });
  return { config, facts, fingerprint: hasher.sha256(whole) };
}

function facts(scenario: Scenario): unknown {
  const closures = [...scenario.closures].map(([driver, closure]): [string, Hash] => [driver, closure.hash]);
  return {
    topology: canonicalTopology(scenario.topology),
    profile: scenario.profile,
    closures: Object.fromEntries(closures),
  };
}

/** Cpus by number, and nodes with their distances by number: a scan may list them in any order. */
export function canonicalTopology(topology: Topology): Topology {
  const order = topology.nodes.map((_, at) => at).sort((one, other) =>
    (topology.nodes[one] ?? 0) - (topology.nodes[other] ?? 0)
  );
  return {
    cpus: [...topology.cpus].map(({ id, node, cache, core }) => ({ id, node, cache, core }))
      .sort((one, other) => one.id - other.id),
    nodes: order.map((at) => topology.nodes[at] ?? 0),
    distance: order.map((row) => order.map((column) => topology.distance[row]?.[column] ?? 0)),
  };
}

/** Lists whose order means nothing. */
const SETS: ReadonlySet<string> = new Set([
  "allow",
  "deny",
  "network",
  "fanout",
  "waive",
  "capabilities",
  "dependsOn",
  "closure",
]);

/** Maps become objects, places are left out, and sets are sorted; the order of keys is the canonical form's business. */
function plain(value: unknown, name = ""): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, each]) => [String(key), plain(each)]));
  }
  if (Array.isArray(value)) {
    const items = value.map((each) => plain(each));
    return SETS.has(name) ? items.map(canonicalText).sort() : items;
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).filter(([key]) => key !== "place");
    return Object.fromEntries(members.map(([key, each]) => [key, plain(each, key)]));
  }
  return value;
}
