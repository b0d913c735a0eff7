/** A route as declared. */
import { LIMITS } from "../limits.ts";
import type { End, Endpoint, Route } from "./config.ts";
import { formatSize, parseRate, parseSize } from "./duration.ts";
import { parseEndpointName, parseRouteName, type RouteName, splitSaddr } from "./names.ts";
import { readDuration } from "./parse_contract.ts";
import { type Contracts, parseAccepted } from "./parse_driver.ts";
import { NAME_RULE } from "./parse_fields.ts";
import type { Node } from "./parse_node.ts";
import { recordBytes } from "./record.ts";
import { newestIn, revisionOf } from "./revision.ts";

/** Bytes of a frame's header, and how many of the largest frames fit in a ring. */
const HEADER_BYTES = 32;
const FRAMES_IN_A_RING = 4;
/** Bound on draining a lane at a flip where neither `drain` nor a budget says one. */
const DRAIN_NS = 500_000_000;

export type EndpointOf = (end: End, side: "from" | "to") => Endpoint | undefined;

/** Undefined when there is no route to speak of. What is wrong with one was said; `node.sound()` tells. */
export function readRoute(text: string, node: Node, contracts: Contracts, endpointOf: EndpointOf): Route | undefined {
  const name = parseRouteName(text);
  if (!name) {
    node.refuse("config.name", `\`${text}\` is no route's name`, `write ${NAME_RULE}`);
    return undefined;
  }
  const from = readEnd(node.get("from"), `${name}.from`);
  const to = readEnd(node.get("to"), `${name}.to`);
  const budgetNs = optional(node.get("p99"), (each) => readDuration(each, 1));
  const ringBytes = readRing(node.get("ring"));
  const drain = node.get("drain").get("within");
  const record = recordOf(from, to, contracts, endpointOf);
  return from && to && {
    name,
    from,
    to,
    class: node.get("class").oneOf("hook", "api", "bus"),
    budgetNs,
    rateHz: optional(node.get("rate"), readRate),
    stallNs: optional(node.get("stall"), readStall),
    critical: node.get("critical").flag(),
    standby: node.get("standby").flag(),
    onTrip: node.get("onTrip").oneOf("alarm", "fallback", "cut", "rollback"),
    fallback: readFallback(node.get("fallback")),
    backpressure: node.get("backpressure").oneOf("block", "dropNewest", "fail"),
    blockNs: readDuration(node.get("block")),
    wait: node.get("wait").oneOf("sleep", "spinThenSleep"),
    spinNs: readDuration(node.get("spin")),
    ringBytes,
    drainWithinNs: drain.there() ? readDuration(drain) : budgetNs ?? DRAIN_NS,
    maxFrameBytes: readMaxFrame(node.get("maxFrame"), ringBytes, record),
    ttl: node.get("ttl").whole(1, 255),
    dedupe: node.get("dedupe").flag(),
    weight: node.get("weight").whole(1, 1_000),
    place: node.place,
  };
}

function optional<T>(node: Node, read: (node: Node) => T): T | null {
  return node.there() ? read(node) : null;
}

function readEnd(node: Node, alone: string): End | undefined {
  if (typeof node.value === "string") {
    const split = node.parsed(splitSaddr, 'an address "driver/endpoint" such as "imu/sample"');
    return split && { kind: "saddr", ...split };
  }
  const any = node.get("any").parsed(parseAccepted, 'a contract and a range such as "pole.state@^1.0"');
  const as = node.get("as");
  // Without a name the end is chosen by itself; a name with a dot is nobody's.
  const group = as.there() ? as.parsed(parseEndpointName, NAME_RULE) : alone;
  return any && group !== undefined
    ? { kind: "any", contract: any.contract, range: any.accepts, as: group }
    : undefined;
}

function readRate(node: Node): number {
  const rate = node.parsed(parseRate, 'a rate such as "200Hz"') ?? 1;
  if (rate > LIMITS.rateHz) {
    node.refuse("config.limit", `no lane carries more than ${LIMITS.rateHz} frames a second`, "declare what is sent");
  }
  return rate;
}

function readStall(node: Node): number {
  const stall = readDuration(node);
  if (node.sound() && stall < LIMITS.stallNsMin) {
    const least = LIMITS.stallNsMin / 1_000_000;
    node.refuse(
      "route.stall",
      `${node.text()} is shorter than ${least} ms, and the panel looks every quarter of it`,
      `write at least "${least}ms"`,
    );
  }
  return stall;
}

function readFallback(node: Node): ReadonlyMap<RouteName, RouteName> {
  return new Map(
    node.entries(LIMITS.fallbackRoutes, "let another route's trip end some of them").flatMap(
      ([text, each]): [RouteName, RouteName][] => {
        const ends = parseRouteName(text);
        if (!ends) each.refuse("config.name", `\`${text}\` is no route's name`, `write ${NAME_RULE}`);
        const begins = each.parsed(parseRouteName, NAME_RULE);
        return ends && begins ? [[ends, begins]] : [];
      },
    ),
  );
}

function readRing(node: Node): number {
  const bytes = node.parsed(parseSize, 'a size such as "64KiB"') ?? LIMITS.ringBytesMin;
  const [least, most] = [LIMITS.ringBytesMin, LIMITS.ringBytesMax];
  if (bytes < least || bytes > most) {
    const range = `${formatSize(least)} to ${formatSize(most)}`;
    node.refuse("route.ring", `${node.text()} is not from ${range}`, `write a power of two from ${range}`);
  } else if (!Number.isInteger(Math.log2(bytes))) {
    const [below, above] = [2 ** Math.floor(Math.log2(bytes)), 2 ** Math.ceil(Math.log2(bytes))];
    node.refuse(
      "route.ring",
      `${node.text()} is no power of two, and the ring wraps by a mask`,
      `write "${formatSize(below)}" or "${formatSize(above)}"`,
    );
  }
  return bytes;
}

function readMaxFrame(node: Node, ringBytes: number, record: Recorded | undefined): number {
  const most = Math.floor(ringBytes / FRAMES_IN_A_RING) - HEADER_BYTES;
  const bytes = node.there() ? node.parsed(parseSize, 'a size such as "4KiB"') : record?.bytes ?? most;
  if (bytes === undefined) return most;
  if (bytes > most) {
    const ring = 2 ** Math.ceil(Math.log2((bytes + HEADER_BYTES) * FRAMES_IN_A_RING));
    const largest = LIMITS.ringBytesMax / FRAMES_IN_A_RING - HEADER_BYTES;
    const what = node.there() ? node.text() : `the record of \`${record?.contract}\`, ${bytes} bytes,`;
    node.refuse(
      "route.frame",
      `${what} and its header of ${HEADER_BYTES} bytes do not fit ${FRAMES_IN_A_RING} times in a ring of ${
        formatSize(ringBytes)
      }`,
      ring <= LIMITS.ringBytesMax
        ? `write \`ring: "${formatSize(ring)}"\`, or send at most ${most} bytes`
        : `send at most ${largest} bytes, which a ring of ${formatSize(LIMITS.ringBytesMax)} takes; it is the largest`,
    );
  } else if (record && bytes < record.bytes) {
    node.refuse(
      "route.frame",
      `${node.text()} is less than a record of \`${record.contract}\`, which has ${record.bytes} bytes`,
      `write "${record.bytes}B" or more, or leave it out`,
    );
  }
  return bytes;
}

interface Recorded {
  readonly contract: string;
  readonly bytes: number;
}

/** The largest record that the route may carry, where its contract has a layout. */
function recordOf(
  from: End | undefined,
  to: End | undefined,
  contracts: Contracts,
  endpointOf: EndpointOf,
): Recorded | undefined {
  const records = [[from, "from"] as const, [to, "to"] as const].flatMap(([end, side]): Recorded[] => {
    const endpoint = end?.kind === "any" ? undefined : end && endpointOf(end, side);
    const contract = contracts.get(end?.kind === "any" ? end.contract : endpoint?.contract ?? "" as never);
    if (!contract) return [];
    const revision = end?.kind === "any" ? newestIn(contract, end.range) : endpoint && revisionOf(endpoint, contract);
    return [{ contract: contract.name, bytes: recordBytes(revision?.fields ?? []) }];
  });
  const [one, other] = records;
  const largest = one && other && other.bytes > one.bytes ? other : one;
  return largest && largest.bytes > 0 ? largest : undefined;
}
