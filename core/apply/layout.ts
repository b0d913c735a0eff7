/**
 * Where lanes lie. A transition makes one region for each (writer, reader) pair of the lanes that it adds; it holds the rings
 * that the writer produces for the reader, and then the consumer pages of the rings that it consumes from it:
 *
 *     header · { producer page · ring }… · { consumer page }…
 *
 * The same sizes stand in `ffi/lane/src/layout.rs`. Ids are made from the transition's epoch number, which is never used
 * twice, so that neither are they.
 */
import { assert } from "../errors.ts";
import type { LaneSpec, Region, Side } from "../keeper.ts";
import { LIMITS } from "../limits.ts";
import type { Link } from "../model/graph.ts";
import type { EndpointName, Instance, RouteName } from "../model/names.ts";

export const REGION_HEADER = 4_096;
export const PRODUCER_PAGE = 4_096;
export const CONSUMER_PAGE = 4_096;
const FRAME_HEADER = 32;
/** Ids of one transition. */
const IDS = 65_536;

assert(2 * LIMITS.routes < IDS, "the regions and lanes of one transition have their own numbers");

/** A lane seen from above: both of its ends. `laneSide` gives what one of them is told. */
export interface Lane {
  readonly lane: number;
  readonly route: RouteName;
  readonly producer: Instance;
  readonly consumer: Instance;
  readonly output: EndpointName;
  readonly input: EndpointName;
  readonly ringRegion: number;
  readonly producerPage: number;
  readonly ring: number;
  readonly creditRegion: number;
  readonly consumerPage: number;
  readonly link: Link;
}

/** A link whose two drivers have instances, and that has no lane yet. */
export interface Wire {
  readonly link: Link;
  readonly producer: Instance;
  readonly consumer: Instance;
}

export interface Layout {
  readonly regions: readonly Region[];
  readonly lanes: readonly Lane[];
}

/** Lays out new lanes for the transition to epoch `forward`: the same wires give the same layout, in whatever order. */
export function layOut(wires: readonly Wire[], forward: number): Layout {
  const ordered = [...wires].sort((one, other) => compare(one.link.route, other.link.route));
  const regions = regionsOf(ordered, forward);
  const cursors = new Map<string, number>([...regions.keys()].map((pair) => [pair, REGION_HEADER]));
  const take = (pair: string, bytes: number): number => {
    const at = cursors.get(pair) ?? REGION_HEADER;
    cursors.set(pair, at + bytes);
    return at;
  };
  // Rings first, in all regions, and consumer pages behind them.
  const rings = ordered.map(({ link, producer, consumer }) => {
    assert(ringFits(link), `the ring of route ${link.route} was checked before`);
    return take(pairOf(producer, consumer), PRODUCER_PAGE + link.ringBytes);
  });
  const pages = ordered.map(({ producer, consumer }) => take(pairOf(consumer, producer), CONSUMER_PAGE));
  const lanes = ordered.map((wire, at): Lane => {
    const producerPage = rings[at] ?? 0;
    return {
      lane: forward * IDS + at + 1,
      route: wire.link.route,
      producer: wire.producer,
      consumer: wire.consumer,
      output: wire.link.from.endpoint,
      input: wire.link.to.endpoint,
      ringRegion: regions.get(pairOf(wire.producer, wire.consumer)) ?? 0,
      producerPage,
      ring: producerPage + PRODUCER_PAGE,
      creditRegion: regions.get(pairOf(wire.consumer, wire.producer)) ?? 0,
      consumerPage: pages[at] ?? 0,
      link: wire.link,
    };
  });
  return { lanes, regions: describeRegions(regions, cursors) };
}

/** A ring is a power of two that its pages can be laid beside, and that holds four of its largest frames. */
export function ringFits({ ringBytes, maxFrameBytes }: Link): boolean {
  const inRange = ringBytes >= LIMITS.ringBytesMin && ringBytes <= LIMITS.ringBytesMax;
  return inRange && Number.isInteger(Math.log2(ringBytes)) && FRAME_HEADER + maxFrameBytes <= ringBytes / 4;
}

/** Region ids by "writer reader", in the order of those words. */
function regionsOf(wires: readonly Wire[], forward: number): Map<string, number> {
  const pairs = new Set<string>();
  for (const { producer, consumer } of wires) {
    pairs.add(pairOf(producer, consumer));
    pairs.add(pairOf(consumer, producer));
  }
  return new Map([...pairs].sort().map((pair, at) => [pair, forward * IDS + at + 1]));
}

function describeRegions(regions: ReadonlyMap<string, number>, cursors: ReadonlyMap<string, number>): Region[] {
  return [...regions].map(([pair, region]) => {
    const [writer, reader] = pair.split(" ") as [Instance, Instance];
    return { region, writer, reader, bytes: cursors.get(pair) ?? REGION_HEADER };
  });
}

function pairOf(writer: Instance, reader: Instance): string {
  return `${writer} ${reader}`;
}

/** What one end of a lane is told. */
export function laneSide(lane: Lane, side: Side): LaneSpec {
  const { link } = lane;
  const isProducer = side === "producer";
  return {
    lane: lane.lane,
    route: lane.route,
    routeId: link.routeId,
    side,
    endpoint: isProducer ? lane.output : lane.input,
    peer: isProducer ? lane.consumer : lane.producer,
    ringRegion: lane.ringRegion,
    producerPage: lane.producerPage,
    ring: lane.ring,
    ringBytes: link.ringBytes,
    creditRegion: lane.creditRegion,
    consumerPage: lane.consumerPage,
    maxFrameBytes: link.maxFrameBytes,
    backpressure: link.backpressure,
    blockNs: link.blockNs,
    wait: link.wait,
    spinNs: link.spinNs,
    drainWithinNs: link.drainWithinNs,
    budgetNs: link.budgetNs ?? 0,
    rateHz: link.rateHz ?? 0,
  };
}

/** The lane of `link` between these instances, if `spec` (the producer's side, a fact) is exactly that lane. */
export function sameLane(spec: LaneSpec, { link, producer, consumer }: Wire): Lane | undefined {
  if (spec.side !== "producer" || spec.peer !== consumer || spec.endpoint !== link.from.endpoint) return undefined;
  const lane: Lane = {
    lane: spec.lane,
    route: link.route,
    producer,
    consumer,
    output: link.from.endpoint,
    input: link.to.endpoint,
    ringRegion: spec.ringRegion,
    producerPage: spec.producerPage,
    ring: spec.ring,
    creditRegion: spec.creditRegion,
    consumerPage: spec.consumerPage,
    link,
  };
  return sameSpec(spec, laneSide(lane, "producer")) ? lane : undefined;
}

export function sameSpec(one: LaneSpec, other: LaneSpec): boolean {
  const keys = Object.keys(one) as (keyof LaneSpec)[];
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
