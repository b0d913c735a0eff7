/**
 * The order of a change: starts, unlinks, links, stops. Starts and links go from what others depend on to what depends on
 * it, unlinks and stops the other way; what is on one level is one batch, by stable key. At no point is a link without
 * both its drivers, and at no point does an `out` have two links.
 */
import type { Config } from "../model/config.ts";
import type { Graph, Link, LinkEnd } from "../model/graph.ts";
import { type DriverName, saddr } from "../model/names.ts";
import type { Change } from "../model/plan.ts";
import { componentsOf } from "./cycles.ts";
import { difference } from "./diff.ts";

export type Batches = readonly (readonly Change[])[];

/** `declared`: where outs say which inputs they depend on. A driver that it doesn't know depends on nothing. */
export function orderedBatches(from: Graph, to: Graph, declared: Config): Batches {
  const change = difference(from, to);
  const [before, after] = [levelsOf(from, declared), levelsOf(to, declared)];
  const batches = [
    ...leveled(change.starts, (each) => after.driver(each.driver), (driver): Change => ({ kind: "start", driver })),
    ...leveled(change.unlinks, (each) => -before.link(each), (link): Change => ({ kind: "unlink", link })),
    ...leveled(change.links, (each) => after.link(each), (link): Change => ({ kind: "link", link })),
    ...leveled(change.stops, (each) => -before.driver(each.driver), (driver): Change => ({ kind: "stop", driver })),
  ];
  return batches;
}

/** Ascending levels; items keep their order, which is by stable key. */
function leveled<T>(items: readonly T[], level: (item: T) => number, change: (item: T) => Change): Batches {
  const byLevel = new Map<number, Change[]>();
  for (const item of items) {
    const at = level(item);
    byLevel.set(at, [...byLevel.get(at) ?? [], change(item)]);
  }
  return [...byLevel].sort(([one], [other]) => one - other).map(([, changes]) => changes);
}

interface Levels {
  /** Of the first of its endpoints. */
  driver(name: DriverName): number;
  /** Of the endpoint that it comes from. */
  link(link: Link): number;
}

/** Longest way to each endpoint from one that depends on nothing; endpoints on one bus cycle are on one level. */
function levelsOf(graph: Graph, declared: Config): Levels {
  const indices = new Map<string, number>();
  const edges: { to: number }[][] = [];
  const indexOf = (end: LinkEnd): number => {
    const key = saddr(end.driver, end.endpoint);
    const at = indices.get(key) ?? edges.length;
    if (at === edges.length) edges.push([]);
    indices.set(key, at);
    return at;
  };
  const ends = graph.links.flatMap(({ from, to }) => [from, to]);
  for (const { from, to } of graph.links) edges[indexOf(from)]?.push({ to: indexOf(to) });
  for (const end of ends) {
    for (const input of declared.drivers.get(end.driver)?.endpoints.get(end.endpoint)?.dependsOn ?? []) {
      const at = indices.get(saddr(end.driver, input));
      if (at !== undefined) edges[at]?.push({ to: indexOf(end) });
    }
  }
  const levels = longestWays(edges);
  const ofDriver = new Map<DriverName, number>();
  for (const end of ends) {
    const level = levels[indexOf(end)] ?? 0;
    ofDriver.set(end.driver, Math.min(ofDriver.get(end.driver) ?? level, level));
  }
  return { driver: (name) => ofDriver.get(name) ?? 0, link: ({ from }) => levels[indexOf(from)] ?? 0 };
}

/** Components are numbered from the last to the first in topological order, so that one pass downwards is enough. */
function longestWays(edges: readonly (readonly { readonly to: number }[])[]): readonly number[] {
  const component = componentsOf(edges);
  const order = edges.map((_, at) => at).sort((one, other) => (component[other] ?? 0) - (component[one] ?? 0));
  const level = new Map<number, number>();
  for (const at of order) {
    const mine = component[at] ?? 0;
    for (const { to } of edges[at] ?? []) {
      const theirs = component[to] ?? 0;
      if (theirs !== mine) level.set(theirs, Math.max(level.get(theirs) ?? 0, (level.get(mine) ?? 0) + 1));
    }
  }
  return component.map((each) => level.get(each) ?? 0);
}
