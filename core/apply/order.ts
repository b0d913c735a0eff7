/** Drivers from sources to sinks: the order in which they are started, and in which they are ended. */
import type { Graph, PlacedDriver } from "../model/graph.ts";
import type { DriverName } from "../model/names.ts";

/**
 * Topological by links, then by name. On a cycle the driver with the smallest name comes first, so that the order is always
 * whole and always the same.
 */
export function stopOrder(graph: Graph): readonly PlacedDriver[] {
  const placed = new Map(graph.drivers.map((each) => [each.driver, each]));
  const sinks = new Map<DriverName, Set<DriverName>>();
  const waits = new Map<DriverName, Set<DriverName>>();
  for (const { from, to } of graph.links) {
    if (from.driver === to.driver || !placed.has(from.driver) || !placed.has(to.driver)) continue;
    into(sinks, from.driver).add(to.driver);
    into(waits, to.driver).add(from.driver);
  }
  const names = [...placed.keys()].sort();
  const free = names.filter((each) => (waits.get(each)?.size ?? 0) === 0);
  const ordered = new Set<DriverName>();
  let cycle = 0;
  while (ordered.size < names.length) {
    const next = free.shift() ?? names[cycle++];
    if (next === undefined || ordered.has(next)) continue;
    ordered.add(next);
    for (const sink of [...sinks.get(next) ?? []].sort()) {
      const left = waits.get(sink);
      if (left?.delete(next) && left.size === 0) insert(free, sink);
    }
  }
  return [...ordered].flatMap((each) => placed.get(each) ?? []);
}

/** How many drivers one after the other stand before each: those of one rank are ended at once. */
export function stopRanks(graph: Graph): ReadonlyMap<DriverName, number> {
  const ranks = new Map<DriverName, number>();
  const sources = new Map<DriverName, Set<DriverName>>();
  for (const { from, to } of graph.links) into(sources, to.driver).add(from.driver);
  for (const { driver } of stopOrder(graph)) {
    // On a cycle, one that comes later in the order is no reason to wait.
    const before = [...sources.get(driver) ?? []].flatMap((each) => ranks.get(each) ?? []);
    ranks.set(driver, before.reduce((most, each) => Math.max(most, each + 1), 0));
  }
  return ranks;
}

/** Keeps a list in order. */
function insert(sorted: DriverName[], name: DriverName): void {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? name) < name) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, name);
}

function into(map: Map<DriverName, Set<DriverName>>, key: DriverName): Set<DriverName> {
  const known = map.get(key);
  if (known) return known;
  const made = new Set<DriverName>();
  map.set(key, made);
  return made;
}
