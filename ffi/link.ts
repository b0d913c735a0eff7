/** The link to the keeper as messages: JSON in the shapes of `core/keeper.ts`, which the library writes and reads as packets. */
import { NativeError } from "./load.ts";
import type { Check } from "./mod.ts";
import { waited } from "./process.ts";
import type { Calls } from "./symbols.ts";

/** Room for the messages that mostly come; it grows with those that need more. */
const ROOM_BYTES = 64 * 1024;
/** Numbers that describe a lane, in the order of `LaneGeometry`. */
const LANE_WORDS = 8;
const WHY_BYTES = 4 * 1024;

export interface Message {
  readonly json: string;
  /** How many descriptors came with it: to be mapped before the next message is taken. */
  readonly descriptors: number;
}

/** Where a lane lies, for telemetry. */
export interface LaneGeometry {
  readonly lane: number;
  readonly ringRegion: number;
  readonly creditRegion: number;
  readonly producerPage: number;
  readonly ring: number;
  readonly ringBytes: number;
  readonly consumerPage: number;
  readonly maxFrameBytes: number;
}

export interface MessageLink {
  /** Never waits: what the keeper does not read yet is kept in order. Throws once the link is over. */
  send(json: string): void;
  /** False: no message will come any more. One call at a time. */
  wait(): Promise<boolean>;
  /** The next message that has arrived. */
  take(): Message | undefined;
  /** Maps the region behind a descriptor of the message that was taken last. */
  map(descriptor: number, region: number, bytes: number): void;
  /** Forgets all regions but these. */
  keep(regions: readonly number[]): void;
  /** The lanes that `figures` reads, in this order; all of their regions are mapped. */
  setLanes(lanes: readonly LaneGeometry[]): void;
  /** Reads all lanes, once, now: one row of `figureWords` numbers each, and how many rows. */
  figures(): { readonly rows: number; readonly numbers: Float64Array };
  /** Numbers of a row: lane, sent, received, depth, uncredited bytes, oldest ns, samples, over, the producer's samples and
   * over, throttled, acknowledged by producer and consumer, five drops, then the histogram. */
  readonly figureWords: number;
  /** The keeper's process id; 0 when it is not known. */
  peer(): number;
  /** Why it is over; empty while it is not. */
  why(): string;
  /** Ends the library's thread and a wait that is under way. */
  stop(): void;
  /** After `stop`, and after a wait has ended: the connection ends. */
  release(): void;
}

export function openLink(calls: Calls, check: Check, link: number): MessageLink {
  let room = new Uint8Array(ROOM_BYTES);
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
  const why = new Uint8Array(WHY_BYTES);
  const figureWords = calls.rtt_figure_words();
  let numbers = new Float64Array(0);
  return {
    figureWords,
    send(json) {
      const bytes = encoder.encode(json);
      check(calls.rtt_link_send(link, bytes, BigInt(bytes.length)));
    },
    wait: async () => waited(await calls.rtt_link_wait(link)),
    take() {
      let count = check(calls.rtt_link_take(link, room, BigInt(room.length)));
      if (count > room.length) {
        room = new Uint8Array(2 * count);
        count = check(calls.rtt_link_take(link, room, BigInt(room.length)));
      }
      if (count === 0) return undefined;
      const json = decoder.decode(room.subarray(0, count));
      return { json, descriptors: check(calls.rtt_link_descriptors(link)) };
    },
    map: (descriptor, region, bytes) => void check(calls.rtt_link_map(link, descriptor, BigInt(region), BigInt(bytes))),
    keep(regions) {
      const table = BigUint64Array.from(regions, BigInt);
      check(calls.rtt_link_keep(link, table, BigInt(table.length)));
    },
    setLanes(lanes) {
      const table = new BigUint64Array(lanes.length * LANE_WORDS);
      lanes.forEach((lane, at) => table.set(words(lane), at * LANE_WORDS));
      check(calls.rtt_link_lanes(link, table, BigInt(lanes.length)));
      numbers = new Float64Array(lanes.length * figureWords);
    },
    figures: () => ({ rows: check(calls.rtt_link_figures(link, numbers, BigInt(numbers.length))), numbers }),
    peer: () => check(calls.rtt_link_peer(link)),
    why() {
      const count = check(calls.rtt_link_why(link, why, BigInt(why.length)));
      return new TextDecoder().decode(why.slice(0, count));
    },
    stop: () => void check(calls.rtt_link_stop(link)),
    release: () => void check(calls.rtt_link_drop(link)),
  };
}

function words(lane: LaneGeometry): bigint[] {
  const { ringRegion, creditRegion, producerPage, ring, ringBytes, consumerPage, maxFrameBytes } = lane;
  const all = [lane.lane, ringRegion, creditRegion, producerPage, ring, ringBytes, consumerPage, maxFrameBytes];
  if (!all.every((each) => Number.isSafeInteger(each) && each >= 0)) {
    throw new NativeError("native.lane", `cannot read lane ${lane.lane} because its place is no whole number`);
  }
  return all.map(BigInt);
}
