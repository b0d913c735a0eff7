/** From what the panel says (`core/keeper.ts`) to packets of `control.capnp`. */
import { Message } from "capnp-es";
import type {
  CellEndpoint,
  CellSpec,
  KeeperRequest,
  LaneSpec,
  Region,
  StagedBinding,
  Transition,
} from "../../../core/keeper.ts";
import type { Stdio } from "../../../core/model/config.ts";
import * as wire from "../../../ffi/control/generated/control.ts";

/** Lanes in one part of a transition: far below a packet of 64 KiB, whatever their names. */
const LANES_OF_A_PART = 64;
const REGIONS_OF_A_PART = 200;

type Fill = (root: wire.PanelToKeeper) => void;

/** One packet. */
export function encodePacket(id: number, generation: number, fill: Fill): Uint8Array<ArrayBuffer> {
  const message = new Message();
  const root = message.initRoot(wire.PanelToKeeper);
  root.id = BigInt(id);
  root.generation = BigInt(generation);
  fill(root);
  return new Uint8Array(message.toArrayBuffer());
}

/** The packets of a request: one, or several for a transition that is larger than a packet. */
export function encodeRequest(
  request: KeeperRequest,
  id: number,
  generation: number,
): readonly Uint8Array<ArrayBuffer>[] {
  const one = (fill: Fill) => [encodePacket(id, generation, fill)];
  switch (request.kind) {
    case "inventory":
      return one((root) => root.inventory = true);
    case "spawn":
      return one((root) => fillCell(root._initSpawn(), request.cell));
    case "stage": {
      const parts = split(request.transition);
      return parts.map((part, at) =>
        encodePacket(id, generation, (root) => {
          const stage = root._initStage();
          fillTransition(stage._initTransition(), part);
          stage.last = at === parts.length - 1;
        })
      );
    }
    case "seal":
      return one((root) => root.seal = BigInt(request.transition));
    case "discard":
      return one((root) => root.discard = BigInt(request.transition));
    case "settle":
      return one((root) => root.settle = BigInt(request.transition));
    case "acknowledge":
      return one((root) => root.acknowledge = BigInt(request.seq));
    case "shutdown":
      return one((root) => root.shutdown = true);
    default:
      return one((root) => fillGroup(root, request));
  }
}

function fillGroup(
  root: wire.PanelToKeeper,
  request: Extract<KeeperRequest, { kind: "flip" | "stop" | "answerOpen" | "configure" }>,
): void {
  switch (request.kind) {
    case "flip": {
      const flip = root._initFlip();
      flip.from = BigInt(request.from);
      flip.to = BigInt(request.to);
      return;
    }
    case "stop": {
      const stop = root._initStop();
      stop.instance = request.instance;
      stop.withinNs = BigInt(request.withinNs);
      return;
    }
    case "answerOpen": {
      const answer = root._initAnswerOpen();
      answer.openInstance = request.instance;
      answer.request = BigInt(request.request);
      answer.refusal = request.refusal;
      return;
    }
    case "configure": {
      const configure = root._initConfigure();
      configure.noPanelForNs = BigInt(request.noPanelForNs);
      configure.logBytes = BigInt(request.logBytes);
      return;
    }
  }
}

/** Regions first, then bindings; a binding of many lanes comes in pieces that the keeper joins again by instance. */
function split(transition: Transition): readonly Transition[] {
  const parts: Transition[] = [];
  const part = (regions: readonly Region[], bindings: readonly StagedBinding[]) => {
    parts.push({ ...transition, regions, bindings });
  };
  for (let at = 0; at < transition.regions.length; at += REGIONS_OF_A_PART) {
    part(transition.regions.slice(at, at + REGIONS_OF_A_PART), []);
  }
  let bindings: StagedBinding[] = [];
  let lanes = 0;
  for (const piece of transition.bindings.flatMap(pieces)) {
    const size = piece.forward.length + piece.inverse.length + 1;
    // The keeper joins pieces of different parts; within one part each instance has one binding.
    const goesOn = bindings.at(-1)?.instance === piece.instance;
    if (goesOn || (lanes + size > LANES_OF_A_PART && bindings.length > 0)) {
      part([], bindings);
      [bindings, lanes] = [[], 0];
    }
    bindings.push(piece);
    lanes += size;
  }
  if (bindings.length > 0 || parts.length === 0) part([], bindings);
  return parts;
}

function pieces(binding: StagedBinding): readonly StagedBinding[] {
  const most = LANES_OF_A_PART / 2;
  const count = Math.max(1, Math.ceil(Math.max(binding.forward.length, binding.inverse.length) / most));
  return Array.from({ length: count }, (_, at) => ({
    ...binding,
    forward: binding.forward.slice(at * most, (at + 1) * most),
    inverse: binding.inverse.slice(at * most, (at + 1) * most),
  }));
}

function fillTransition(to: wire.Transition, transition: Transition): void {
  to.id = BigInt(transition.id);
  to.from = BigInt(transition.from);
  to.forward = BigInt(transition.forward);
  to.inverse = BigInt(transition.inverse);
  const regions = to._initRegions(transition.regions.length);
  for (const [at, region] of transition.regions.entries()) {
    const each = regions.get(at);
    each.region = BigInt(region.region);
    each.writer = region.writer;
    each.reader = region.reader;
    each.bytes = BigInt(region.bytes);
  }
  const bindings = to._initBindings(transition.bindings.length);
  for (const [at, binding] of transition.bindings.entries()) {
    const each = bindings.get(at);
    each.instance = binding.instance;
    each.mustAcknowledge = binding.mustAcknowledge;
    const forward = each._initForward(binding.forward.length);
    for (const [index, lane] of binding.forward.entries()) fillLane(forward.get(index), lane);
    const inverse = each._initInverse(binding.inverse.length);
    for (const [index, lane] of binding.inverse.entries()) fillLane(inverse.get(index), lane);
  }
}

const BACKPRESSURE = {
  block: wire.Backpressure.BLOCK,
  dropNewest: wire.Backpressure.DROP_NEWEST,
  fail: wire.Backpressure.FAIL,
} as const;

const WAIT = { sleep: wire.Wait.SLEEP, spinThenSleep: wire.Wait.SPIN_THEN_SLEEP } as const;

function fillLane(to: wire.Lane, lane: LaneSpec): void {
  to.lane = BigInt(lane.lane);
  to.route = lane.route;
  to.routeId = lane.routeId;
  to.side = lane.side === "producer" ? wire.Side.PRODUCER : wire.Side.CONSUMER;
  to.endpoint = lane.endpoint;
  to.peer = lane.peer;
  to.ringRegion = BigInt(lane.ringRegion);
  to.producerPage = BigInt(lane.producerPage);
  to.ring = BigInt(lane.ring);
  to.ringBytes = BigInt(lane.ringBytes);
  to.creditRegion = BigInt(lane.creditRegion);
  to.consumerPage = BigInt(lane.consumerPage);
  to.maxFrameBytes = lane.maxFrameBytes;
  to.backpressure = BACKPRESSURE[lane.backpressure];
  to.blockNs = BigInt(lane.blockNs);
  to.wait = WAIT[lane.wait];
  to.spinNs = BigInt(lane.spinNs);
  to.drainWithinNs = BigInt(lane.drainWithinNs);
  to.budgetNs = BigInt(lane.budgetNs);
  to.rateHz = lane.rateHz;
}

function fillCell(to: wire.Cell, cell: CellSpec): void {
  to.instance = cell.instance;
  const tag = to._initTag();
  tag.plan = cell.tag.plan;
  tag.move = cell.tag.move;
  fillTexts(to._initRun(cell.run.length), cell.run);
  fillTexts(to._initEnv(cell.env.length), cell.env.map(([name, value]) => `${name}=${value}`));
  if (cell.stdio) fillStdio(to._initStdio()._initSome(), cell.stdio);
  const endpoints = to._initEndpoints(cell.endpoints.length);
  for (const [at, endpoint] of cell.endpoints.entries()) fillEndpoint(endpoints.get(at), endpoint);
  const closure = to._initClosure(cell.closure.length);
  for (const [at, file] of cell.closure.entries()) {
    const each = closure.get(at);
    each.path = file.path;
    each.hash = file.hash;
    each.executable = file.executable;
  }
  const files = to._initFiles(cell.files.length);
  for (const [at, file] of cell.files.entries()) {
    const each = files.get(at);
    each.path = file.path;
    each.access = file.access === "r" ? wire.Access.READ : wire.Access.READ_WRITE;
  }
  fillLimits(to, cell);
}

function fillEndpoint(to: wire.Endpoint, endpoint: CellEndpoint): void {
  to.name = endpoint.name;
  to.direction = endpoint.direction === "in" ? wire.Direction.IN : wire.Direction.OUT;
  to.contract = endpoint.contract;
  to.version = endpoint.version;
  fillTexts(to._initCapabilities(endpoint.capabilities.length), endpoint.capabilities);
  const fields = to._initFields(endpoint.fields.length);
  for (const [at, field] of endpoint.fields.entries()) {
    const each = fields.get(at);
    each.name = field.name;
    each.type = field.type;
    each.count = field.count;
    each.offset = field.offset;
    each._initDefault(field.default.length).copyBuffer(field.default);
  }
  const layouts = to._initLayouts(endpoint.layouts.length);
  for (const [at, layout] of endpoint.layouts.entries()) {
    const each = layouts.get(at);
    each.since = layout.since;
    each.bytes = layout.bytes;
    each.hash = layout.hash;
  }
  fillTexts(to._initDependsOn(endpoint.dependsOn.length), endpoint.dependsOn);
}

function fillLimits(to: wire.Cell, cell: CellSpec): void {
  to.network = cell.network;
  const cpus = to._initCpus(cell.cpus.length);
  for (const [at, cpu] of cell.cpus.entries()) cpus.set(at, cpu);
  to.memoryBytes = BigInt(cell.memoryBytes);
  to.openFiles = cell.openFiles;
  to.stopWithinNs = BigInt(cell.stopWithinNs);
  to.startEarly = cell.startEarly;
  to.isolated = cell.isolated;
  const tokens = to._initTokens(cell.tokens.length);
  for (const [at, token] of cell.tokens.entries()) {
    const each = tokens.get(at);
    each.endpoint = token.endpoint;
    each.verb = token.verb === "send" ? wire.Verb.SEND : wire.Verb.RECEIVE;
    each.token = token.token;
    each.expiresNs = BigInt(token.expiresNs);
  }
  to.stopOrder = cell.stopOrder;
}

function fillStdio(to: wire.Stdio, stdio: Stdio): void {
  to.io = stdio.io === "pipe" ? wire.Io.PIPE : wire.Io.PTY;
  const frame = to._initFrame();
  switch (stdio.frame.kind) {
    case "lines":
      frame.lines = true;
      break;
    case "fixed":
      frame.fixed = stdio.frame.bytes;
      break;
    case "prefixed":
      frame.prefixed = true;
      break;
  }
  to.quietNs = BigInt(stdio.quietNs);
  to.answerWithinNs = BigInt(stdio.answerWithinNs);
}

function fillTexts(list: { set(at: number, text: string): void }, texts: readonly string[]): void {
  for (const [at, text] of texts.entries()) list.set(at, text);
}
