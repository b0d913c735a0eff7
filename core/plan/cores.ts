/**
 * Cpus inside a group: a driver that isn't pinned may use all of its group; a pinned one gets one cpu. What stays in its
 * group keeps its cpu, the two ends of a route go to siblings of one core, and the rest goes where least load is. "Pinned"
 * is affinity and no reservation: on a small host two pinned drivers may share a cpu.
 */
import type { PlacedDriver } from "../model/graph.ts";
import type { DriverName } from "../model/names.ts";
import type { Cpu } from "../model/topology.ts";
import type { Wanted } from "./candidates.ts";
import { CPU_PERMILLE, type Group } from "./groups.ts";
import { type Decision, pairOf, type Problem } from "./problem.ts";

/** Allowed cpus of every driver that is used, ascending. `before` is the base graph's, for those that can stay. */
export function assignCpus(
  problem: Problem,
  decision: Decision,
  before: ReadonlyMap<DriverName, PlacedDriver>,
): ReadonlyMap<DriverName, readonly number[]> {
  const cpus = new Map<DriverName, readonly number[]>();
  problem.groups.forEach((group, at) => {
    const here = problem.drivers.filter((_, driver) => decision.group[driver] === at);
    const pinned = here.filter((name) => problem.config.drivers.get(name)?.cpu === "pinned");
    for (const name of here) cpus.set(name, group.cpus.map((each) => each.id));
    for (const [name, cpu] of pin(problem, decision, group, pinned, before)) cpus.set(name, [cpu]);
  });
  return cpus;
}

function pin(
  problem: Problem,
  decision: Decision,
  group: Group,
  pinned: readonly DriverName[],
  before: ReadonlyMap<DriverName, PlacedDriver>,
): ReadonlyMap<DriverName, number> {
  const bench = new Bench(group, (name) => problem.config.drivers.get(name)?.loadPermille ?? 0);
  for (const name of pinned) {
    const [cpu, second] = before.get(name)?.cpus ?? [];
    if (cpu !== undefined && second === undefined && bench.has(cpu)) bench.put(name, cpu);
  }
  const isPinned = new Set(pinned);
  for (const at of byImportance(problem.wanted)) {
    const { from, to } = pairOf(problem, decision, at);
    if (isPinned.has(from.driver) && isPinned.has(to.driver)) bench.pair(from.driver, to.driver);
  }
  for (const name of pinned) bench.putAnywhere(name);
  return bench.taken;
}

/** Critical routes first, then the heavier, then by name: they get their siblings before others take them. */
function byImportance(wanted: readonly Wanted[]): readonly number[] {
  const routes = wanted.map(({ route }, at) => ({ route, at }));
  routes.sort((one, other) =>
    Number(other.route.critical) - Number(one.route.critical) || other.route.weight - one.route.weight ||
    one.at - other.at
  );
  return routes.map((each) => each.at);
}

class Bench {
  readonly taken = new Map<DriverName, number>();
  private readonly load: Map<number, number>;

  constructor(private readonly group: Group, private readonly loadOf: (name: DriverName) => number) {
    this.load = new Map(group.cpus.map((each) => [each.id, 0]));
  }

  has(cpu: number): boolean {
    return this.load.has(cpu);
  }

  put(name: DriverName, cpu: number): void {
    this.taken.set(name, cpu);
    this.load.set(cpu, (this.load.get(cpu) ?? 0) + this.loadOf(name));
  }

  putAnywhere(name: DriverName): void {
    if (this.taken.has(name)) return;
    const cpu = this.leastLoaded(this.group.cpus);
    if (cpu) this.put(name, cpu.id);
  }

  /** Both to one core with two threads, when there is one with room. */
  pair(one: DriverName, other: DriverName): void {
    for (const [first, second] of [[one, other], [other, one]] as const) {
      const at = this.taken.get(first);
      if (at !== undefined && !this.taken.has(second)) return this.putBeside(second, at);
    }
    if (this.taken.has(one)) return;
    const threads = this.leastLoadedCore(Math.max(this.loadOf(one), this.loadOf(other)));
    const [first, second] = threads ?? [];
    if (!first || !second) {
      this.putAnywhere(one);
      return this.putAnywhere(other);
    }
    this.put(one, first.id);
    this.put(other, second.id);
  }

  private putBeside(name: DriverName, cpu: number): void {
    const core = this.group.cpus.find((each) => each.id === cpu)?.core;
    const siblings = this.group.cpus.filter((each) => each.core === core && each.id !== cpu);
    const sibling = this.leastLoaded(siblings);
    if (sibling && this.hasRoom(sibling, this.loadOf(name))) this.put(name, sibling.id);
    else this.putAnywhere(name);
  }

  private hasRoom(cpu: Cpu, load: number): boolean {
    return (this.load.get(cpu.id) ?? 0) + load <= CPU_PERMILLE;
  }

  /** Of equals the lowest number. */
  private leastLoaded(cpus: readonly Cpu[]): Cpu | undefined {
    let best: Cpu | undefined;
    for (const cpu of cpus) {
      if (!best || (this.load.get(cpu.id) ?? 0) < (this.load.get(best.id) ?? 0)) best = cpu;
    }
    return best;
  }

  /** Two threads of the core that has least to do, each with room. */
  private leastLoadedCore(load: number): readonly Cpu[] | undefined {
    let best: { threads: readonly Cpu[]; load: number } | undefined;
    for (const core of new Set(this.group.cpus.map((each) => each.core))) {
      const threads = this.group.cpus.filter((each) => each.core === core);
      const [first, second] = threads;
      if (!first || !second || !this.hasRoom(first, load) || !this.hasRoom(second, load)) continue;
      const sum = threads.reduce((total, each) => total + (this.load.get(each.id) ?? 0), 0);
      if (!best || sum < best.load) best = { threads, load: sum };
    }
    return best?.threads;
  }
}
