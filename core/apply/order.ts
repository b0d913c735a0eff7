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
  const left = [...placed.keys()].sort();
  const ordered: PlacedDriver[] = [];
  while (left.length > 0) {
    const free = left.findIndex((each) => (waits.get(each)?.size ?? 0) === 0);
    const [next] = left.splice(Math.max(free, 0), 1);
    const driver = next === undefined ? undefined : placed.get(next);
    if (!driver) break;
    ordered.push(driver);
    for (const sink of sinks.get(driver.driver) ?? []) waits.get(sink)?.delete(driver.driver);
  }
  return ordered;
}

function into(map: Map<DriverName, Set<DriverName>>, key: DriverName): Set<DriverName> {
  const known = map.get(key);
  if (known) return known;
  const made = new Set<DriverName>();
  map.set(key, made);
  return made;
}
