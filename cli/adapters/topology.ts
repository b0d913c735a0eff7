/** This host's topology from sysfs, below a root directory, so that other machines' trees can be read as well. */
import type { Cpu, Topology } from "../../core/model/topology.ts";

/**
 * Cpus that are there and that this system may use, sorted. A host without the files of memory nodes is one node; caches are
 * numbered in the order of their first cpus.
 */
export function readTopology(root: string): Topology {
  const system = `${root}/sys/devices/system`;
  const allowed = allowedCpus(root);
  const online = parseList(read(`${system}/cpu/online`) ?? "0").filter((cpu) => allowed?.has(cpu) ?? true);
  const nodes = readNodes(`${system}/node`);
  const nodeOf = new Map(nodes.flatMap(({ id, cpus }) => cpus.map((cpu): [number, number] => [cpu, id])));
  const caches = new Map<number, number>();
  const cpus: Cpu[] = online.map((id) => {
    const folder = `${system}/cpu/cpu${id}`;
    const cache = lastLevelCache(folder, id);
    if (!caches.has(cache)) caches.set(cache, caches.size);
    const siblings = parseList(read(`${folder}/topology/thread_siblings_list`) ?? `${id}`);
    return {
      id,
      node: nodeOf.get(id) ?? nodes[0]?.id ?? 0,
      cache: caches.get(cache) ?? 0,
      core: siblings[0] ?? id,
    };
  });
  return {
    cpus,
    nodes: nodes.map((each) => each.id),
    distance: nodes.map((each) => nodes.map((_, at) => each.distance[at] ?? 10)),
  };
}

/** A container has fewer cpus than its host: those of its first process, whatever this one was given. */
function allowedCpus(root: string): ReadonlySet<number> | undefined {
  const line = /^Cpus_allowed_list:\s*(.*)$/m.exec(read(`${root}/proc/1/status`) ?? "");
  return line?.[1] === undefined ? undefined : new Set(parseList(line[1]));
}

/** The lowest cpu that shares the last cache stands for the cache. */
function lastLevelCache(folder: string, cpu: number): number {
  let best: { level: number; first: number } = { level: 0, first: cpu };
  for (const name of names(`${folder}/cache`)) {
    const level = Number(read(`${folder}/cache/${name}/level`) ?? "0");
    const shared = parseList(read(`${folder}/cache/${name}/shared_cpu_list`) ?? "");
    if (level > best.level && shared[0] !== undefined) best = { level, first: shared[0] };
  }
  return best.first;
}

interface Node {
  readonly id: number;
  readonly cpus: readonly number[];
  readonly distance: readonly number[];
}

function readNodes(folder: string): readonly Node[] {
  const ids = names(folder).map((name) => /^node(\d+)$/.exec(name)?.[1]).filter((id) => id !== undefined).map(Number);
  const nodes = ids.sort((a, b) => a - b).map((id): Node => ({
    id,
    cpus: parseList(read(`${folder}/node${id}/cpulist`) ?? ""),
    distance: (read(`${folder}/node${id}/distance`) ?? "").split(/\s+/).filter((word) => word !== "").map(Number),
  }));
  return nodes.length > 0 ? nodes : [{ id: 0, cpus: [], distance: [10] }];
}

/** The kernel's list format: `0-3,8,10-11`. */
export function parseList(text: string): number[] {
  const cpus: number[] = [];
  for (const part of text.trim().split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match) continue;
    const first = Number(match[1]);
    for (let cpu = first; cpu <= Number(match[2] ?? first); cpu++) cpus.push(cpu);
  }
  return cpus;
}

function names(folder: string): readonly string[] {
  return orNone(() => [...Deno.readDirSync(folder)].map((each) => each.name)) ?? [];
}

function read(path: string): string | undefined {
  return orNone(() => Deno.readTextFileSync(path).trim());
}

/** Not every host has everything. What the run-time forbids is another thing: it would make this a host of one cpu. */
function orNone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    return undefined;
  }
}
