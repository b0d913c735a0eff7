/**
 * From packets of the keeper to values (`core/keeper.ts`). Each name is checked against the grammar and each number must be
 * exact; what does not fit is a `DecodeError`, and the link is then given up.
 */
import { Message } from "capnp-es";
import type {
  InstanceFact,
  Inventory,
  KeeperEvent,
  LaneSpec,
  Region,
  RegionFact,
  StagedBinding,
  Transition,
} from "../../../core/keeper.ts";
import {
  type Instance,
  parseEndpointName,
  parseRouteName,
  type RouteName,
  type Saddr,
  splitInstance,
  splitSaddr,
} from "../../../core/model/names.ts";
import * as wire from "../../../ffi/control/generated/control.ts";

export class DecodeError extends Error {}

/** A packet is 64 KiB; what the keeper writes has fewer segments and larger elements. */
const SEGMENTS_MOST = 64;
const ELEMENTS_MOST = 8_192;

export type FromKeeper =
  | {
    readonly kind: "done";
    readonly id: number;
    readonly epoch: number;
    readonly inventory: Inventory | null;
    readonly more: boolean;
  }
  | { readonly kind: "refused"; readonly id: number; readonly code: string; readonly message: string }
  | {
    readonly kind: "attached";
    readonly id: number;
    readonly protocol: number;
    readonly generation: number;
    readonly version: string;
  }
  | { readonly kind: "event"; readonly event: KeeperEvent };

export function decodePacket(packet: Uint8Array<ArrayBuffer>): FromKeeper {
  try {
    checkFraming(packet);
    budget = ELEMENTS_MOST;
    const root = new Message(packet, false).getRoot(wire.KeeperToPanel);
    return root._isEvent ? { kind: "event", event: decodeEvent(root.event) } : decodeReply(root.reply);
  } catch (thrown) {
    if (thrown instanceof DecodeError) throw thrown;
    throw new DecodeError(
      `a message of the keeper can't be read: ${thrown instanceof Error ? thrown.message : thrown}`,
    );
  }
}

/** The library makes as many segments as the packet says before it looks whether they are there. */
function checkFraming(packet: Uint8Array<ArrayBuffer>): void {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const segments = view.getUint32(0, true) + 1;
  if (segments > SEGMENTS_MOST) throw new DecodeError(`a message of the keeper has ${segments} segments`);
  let bytes = Math.ceil((1 + segments) / 2) * 8;
  for (let segment = 1; segment <= segments; segment++) bytes += view.getUint32(4 * segment, true) * 8;
  if (bytes !== packet.byteLength) throw new DecodeError("a message of the keeper has another size than it says");
}

function decodeReply(reply: wire.Reply): FromKeeper {
  const id = exact(reply.id);
  switch (reply.which()) {
    case wire.Reply.DONE: {
      const { epoch, hasInventory, more } = reply.done;
      const inventory = hasInventory ? decodeInventory(reply.done.inventory) : null;
      return { kind: "done", id, epoch: exact(epoch), inventory, more };
    }
    case wire.Reply.REFUSED:
      return { kind: "refused", id, code: reply.refused.code, message: reply.refused.message };
    case wire.Reply.ATTACHED: {
      const { protocol, generation, keeperVersion } = reply.attached;
      return { kind: "attached", id, protocol, generation: exact(generation), version: keeperVersion };
    }
    default:
      throw new DecodeError(`a reply of the keeper is of an unknown kind, ${reply.which()}`);
  }
}

function decodeEvent(event: wire.Event): KeeperEvent {
  const seq = exact(event.seq);
  const instance = instanceOf(event.instance);
  switch (event.which()) {
    case wire.Event.HELLO:
      return { kind: "hello", seq, instance, protocol: event.hello.protocol, kit: event.hello.kit };
    case wire.Event.OPEN: {
      const { request, saddr, verb, token } = event.open;
      const side = verb === wire.Verb.SEND ? "send" : "receive";
      return { kind: "open", seq, instance, request: exact(request), saddr: saddrOf(saddr), verb: side, token };
    }
    case wire.Event.PARKED:
      return { kind: "parked", seq, instance };
    case wire.Event.MAPPED:
      return { kind: "mapped", seq, instance, transition: exact(event.mapped) };
    case wire.Event.READY:
      return { kind: "ready", seq, instance, transition: exact(event.ready) };
    case wire.Event.ACKNOWLEDGED:
      return { kind: "acknowledged", seq, instance, epoch: exact(event.acknowledged) };
    case wire.Event.FAILED:
      return { kind: "failed", seq, instance, code: event.failed.code, message: event.failed.message };
    case wire.Event.EXITED:
      return { kind: "exited", seq, instance, exit: event.exited };
    default:
      throw new DecodeError(`an event of the keeper is of an unknown kind, ${event.which()}`);
  }
}

function decodeInventory(inventory: wire.Inventory): Inventory {
  return {
    epoch: exact(inventory.epoch),
    lastEpoch: exact(inventory.lastEpoch),
    instances: each(inventory.instances, decodeInstance),
    regions: each(inventory.regions, decodeRegionFact),
    transitions: each(inventory.transitions, decodeTransition),
  };
}

const STATES = ["starting", "parked", "running", "exited"] as const;

function decodeInstance(fact: wire.InstanceFact): InstanceFact {
  const state = STATES[fact.state];
  if (state === undefined) throw new DecodeError(`a state of an instance is unknown, ${fact.state}`);
  return {
    instance: instanceOf(fact.instance),
    tag: { plan: fact.tag.plan, move: fact.tag.move },
    pid: fact.pid,
    state,
    exit: fact.exited ? fact.exit : null,
    acknowledged: exact(fact.acknowledged),
    opened: each(fact.opened, (name) => name),
    lanes: each(fact.lanes, decodeLane),
    sandbox: Object.fromEntries(each(fact.sandbox, (line) => {
      const equals = line.indexOf("=");
      return [line.slice(0, equals), line.slice(equals + 1)];
    })),
  };
}

function decodeRegionFact(fact: wire.RegionFact): RegionFact {
  return {
    region: exact(fact.region),
    writer: instanceOf(fact.writer),
    reader: instanceOf(fact.reader),
    bytes: exact(fact.bytes),
    inode: exact(fact.inode),
    seals: each(fact.seals, (name) => name),
  };
}

function decodeRegion(region: wire.Region): Region {
  return {
    region: exact(region.region),
    writer: instanceOf(region.writer),
    reader: instanceOf(region.reader),
    bytes: exact(region.bytes),
  };
}

function decodeTransition(transition: wire.Transition): Transition {
  return {
    id: exact(transition.id),
    from: exact(transition.from),
    forward: exact(transition.forward),
    inverse: exact(transition.inverse),
    regions: each(transition.regions, decodeRegion),
    bindings: each(transition.bindings, decodeBinding),
  };
}

function decodeBinding(binding: wire.StagedBinding): StagedBinding {
  return {
    instance: instanceOf(binding.instance),
    forward: each(binding.forward, decodeLane),
    inverse: each(binding.inverse, decodeLane),
    mustAcknowledge: binding.mustAcknowledge,
  };
}

const BACKPRESSURE = ["block", "dropNewest", "fail"] as const;
const WAIT = ["sleep", "spinThenSleep"] as const;

function decodeLane(lane: wire.Lane): LaneSpec {
  const [backpressure, wait] = [BACKPRESSURE[lane.backpressure], WAIT[lane.wait]];
  if (backpressure === undefined || wait === undefined) throw new DecodeError("a lane's policy is unknown");
  return {
    lane: exact(lane.lane),
    route: routeOf(lane.route),
    routeId: lane.routeId,
    side: lane.side === wire.Side.PRODUCER ? "producer" : "consumer",
    endpoint: endpointOf(lane.endpoint),
    peer: instanceOf(lane.peer),
    ringRegion: exact(lane.ringRegion),
    producerPage: exact(lane.producerPage),
    ring: exact(lane.ring),
    ringBytes: exact(lane.ringBytes),
    creditRegion: exact(lane.creditRegion),
    consumerPage: exact(lane.consumerPage),
    maxFrameBytes: lane.maxFrameBytes,
    backpressure,
    blockNs: exact(lane.blockNs),
    wait,
    spinNs: exact(lane.spinNs),
    drainWithinNs: exact(lane.drainWithinNs),
    budgetNs: exact(lane.budgetNs),
    rateHz: lane.rateHz,
  };
}

interface Listed<T> {
  readonly length: number;
  get(at: number): T;
}

/** Lists may overlap, and elements may be of no size: what is left of the elements of one packet, which is read at once. */
let budget = 0;

function each<From, To>(list: Listed<From>, decode: (from: From) => To): To[] {
  budget -= list.length;
  if (budget < 0) throw new DecodeError(`a message of the keeper has more than ${ELEMENTS_MOST} elements`);
  return Array.from({ length: list.length }, (_, at) => decode(list.get(at)));
}

function exact(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new DecodeError(`a number of the keeper is beyond 2^53: ${value}`);
  return Number(value);
}

function instanceOf(text: string): Instance {
  if (!splitInstance(text)) throw new DecodeError(`\`${text}\` is no instance`);
  return text as Instance;
}

function routeOf(text: string): RouteName {
  const route = parseRouteName(text);
  if (!route) throw new DecodeError(`\`${text}\` is no route`);
  return route;
}

function endpointOf(text: string): string {
  if (!parseEndpointName(text)) throw new DecodeError(`\`${text}\` is no endpoint`);
  return text;
}

/** In the run-time form, `imu.3/sample`. */
function saddrOf(text: string): Saddr {
  const slash = text.indexOf("/");
  const [instance, endpoint] = [text.slice(0, slash), text.slice(slash + 1)];
  if (!splitSaddr(text) && !(splitInstance(instance) && parseEndpointName(endpoint))) {
    throw new DecodeError(`\`${text}\` is no address`);
  }
  return text as Saddr;
}
