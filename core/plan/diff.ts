/** What turns one graph into another: the least, and the same for the same two graphs. */
import type { Graph, Link, PlacedDriver } from "../model/graph.ts";
import type { Change } from "../model/plan.ts";
import { canonicalText } from "../trust/canonical.ts";

export interface Difference {
  readonly starts: readonly PlacedDriver[];
  readonly unlinks: readonly Link[];
  readonly links: readonly Link[];
  readonly stops: readonly PlacedDriver[];
}

/**
 * A driver whose bytes, manifest or cpus differ is a start and a stop. A link that joins such a driver is unlinked and
 * linked again even when nothing about it differs, since its lanes are new; every other equal link keeps its lanes.
 */
export function difference(from: Graph, to: Graph): Difference {
  const [oldDrivers, newDrivers] = [byKey(from.drivers, driverKey), byKey(to.drivers, driverKey)];
  const starts = to.drivers.filter((each) => !equal(each, oldDrivers.get(each.driver)));
  const stops = from.drivers.filter((each) => !equal(each, newDrivers.get(each.driver)));
  const renewed = new Set([...starts, ...stops].map((each) => each.driver));
  const touched = (link: Link) => renewed.has(link.from.driver) || renewed.has(link.to.driver);
  const [oldLinks, newLinks] = [byKey(from.links, linkKey), byKey(to.links, linkKey)];
  return {
    starts,
    unlinks: from.links.filter((each) => touched(each) || !equal(each, newLinks.get(each.route))),
    links: to.links.filter((each) => touched(each) || !equal(each, oldLinks.get(each.route))),
    stops,
  };
}

export function isEmpty({ starts, unlinks, links, stops }: Difference): boolean {
  return starts.length + unlinks.length + links.length + stops.length === 0;
}

/** The graph after a sequence of batches. */
export function applyBatches(graph: Graph, batches: readonly (readonly Change[])[]): Graph {
  const drivers = new Map(graph.drivers.map((each) => [driverText(each), each]));
  const links = byKey(graph.links, linkKey);
  for (const change of batches.flat()) {
    switch (change.kind) {
      case "start":
        drivers.set(driverText(change.driver), change.driver);
        break;
      case "stop":
        drivers.delete(driverText(change.driver));
        break;
      case "link":
        links.set(change.link.route, change.link);
        break;
      case "unlink":
        links.delete(change.link.route);
        break;
    }
  }
  return { drivers: sorted([...drivers.values()], driverKey), links: sorted([...links.values()], linkKey) };
}

const driverKey = (each: PlacedDriver): string => each.driver;
const linkKey = (each: Link): string => each.route;
/** The old and the new run of a replaced driver exist side by side until the old one is stopped. */
const driverText = (each: PlacedDriver): string => canonicalText(each);

function byKey<T>(items: readonly T[], key: (item: T) => string): Map<string, T> {
  return new Map(items.map((each) => [key(each), each]));
}

function sorted<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  return [...items].sort((one, other) => key(one) < key(other) ? -1 : 1);
}

function equal<T>(one: T, other: T | undefined): boolean {
  return other !== undefined && canonicalText(one) === canonicalText(other);
}
