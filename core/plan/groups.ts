/**
 * A topology as groups with capacity: the cpus that share one last-level cache. Drivers are placed into groups by the
 * solver, and on cpus inside a group by `cores.ts`: a model over pairs of cpus would be slower by orders of magnitude.
 */
import { type Issue, issue } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Cpu, Topology } from "../model/topology.ts";

/** Thousandths of a core that one cpu can give. */
export const CPU_PERMILLE = 1_000;

export interface Group {
  readonly node: number;
  readonly cache: number;
  /** Ascending by number. */
  readonly cpus: readonly Cpu[];
  readonly capacityPermille: number;
}

/** Sorted by node, then by their lowest cpu. */
export function groupsOf(topology: Topology): readonly Group[] {
  const byKey = new Map<string, Cpu[]>();
  for (const cpu of [...topology.cpus].sort((one, other) => one.id - other.id)) {
    const key = `${cpu.node}:${cpu.cache}`;
    byKey.set(key, [...byKey.get(key) ?? [], cpu]);
  }
  const groups = [...byKey.values()].map((cpus): Group => ({
    node: cpus[0]?.node ?? 0,
    cache: cpus[0]?.cache ?? 0,
    cpus,
    capacityPermille: cpus.length * CPU_PERMILLE,
  }));
  return groups.sort((one, other) => one.node - other.node || (one.cpus[0]?.id ?? 0) - (other.cpus[0]?.id ?? 0));
}

/** `cpus 0-3 of node 0`. */
export function groupWords({ cpus, node }: Group): string {
  return `${cpus.length === 1 ? "cpu" : "cpus"} ${cpuList(cpus.map((each) => each.id))} of node ${node}`;
}

/** `0-3,8`. */
export function cpuList(cpus: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const cpu of cpus) {
    const last = runs[runs.length - 1];
    if (last && last[1] === cpu - 1) last[1] = cpu;
    else runs.push([cpu, cpu]);
  }
  return runs.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`).join(",");
}

/** Distance between two nodes as the firmware tells it; 10 is the node itself. */
export type Distances = (one: number, other: number) => number;

export function distancesOf(topology: Topology): Distances {
  const indexOf = new Map(topology.nodes.map((node, at) => [node, at]));
  return (one, other) => topology.distance[indexOf.get(one) ?? 0]?.[indexOf.get(other) ?? 0] ?? 0;
}

/** Facts come from a host or from an exported file: they are checked before anything is planned on them. */
export function topologyIssue(topology: Topology): Issue | undefined {
  const wrong = topologyFault(topology);
  if (wrong === undefined) return undefined;
  return issue("facts.topology", `cannot plan because ${wrong}`, "run `rtt scan` on the host again");
}

function topologyFault({ cpus, nodes, distance }: Topology): string | undefined {
  if (cpus.length === 0) return "the facts name no cpu";
  if (cpus.length > LIMITS.plan.cpus) return `the facts name more than ${LIMITS.plan.cpus} cpus`;
  if (nodes.length > LIMITS.plan.nodes) return `the facts name more than ${LIMITS.plan.nodes} nodes`;
  if (new Set(cpus.map((each) => each.id)).size !== cpus.length) return "the facts name a cpu twice";
  if (new Set(nodes).size !== nodes.length) return "the facts name a node twice";
  const stray = cpus.find((each) => !nodes.includes(each.node));
  if (stray) return `cpu ${stray.id} is on node ${stray.node}, which the facts do not list`;
  if (distance.length !== nodes.length || distance.some((row) => row.length !== nodes.length)) {
    return "the table of node distances is not square";
  }
  if (distance.some((row) => row.some((each) => !Number.isSafeInteger(each) || each < 10 || each > 255))) {
    return "a node distance is not a whole number from 10 to 255";
  }
  return undefined;
}
