/** A panel that tests lead by the hand, and the two drivers with one lane that it plays with. */
import type { CellEndpoint, CellSpec, KeeperEvent, KeeperReply, KeeperRequest, Transition } from "../../core/keeper.ts";
import type { Keeper } from "../../core/ports.ts";
import {
  instance,
  parseContractName,
  parseDriverName,
  parseEndpointName,
  parseRouteName,
  splitSaddr,
} from "../../core/model/names.ts";
import type { Instance } from "../../core/model/names.ts";
import type { Link } from "../../core/model/graph.ts";
import { laneSide, layOut } from "../../core/apply/layout.ts";
import { makeTokens } from "../../core/trust/tokens.ts";
import { assert } from "../../core/errors.ts";
import { opaque } from "../fakes/endpoint.ts";

/** An event is awaited so long; nothing here takes a second. */
const WITHIN_MS = 10_000;

/** A panel that does what tests tell it, and nothing by itself but to answer `open`. */
export class Panel {
  readonly seen: KeeperEvent[] = [];
  #wake: (() => void) | undefined;

  constructor(readonly keeper: Keeper, readonly refusal = "", readonly acknowledges = true) {
    this.#listen();
  }

  async ask(request: KeeperRequest): Promise<KeeperReply> {
    return await this.keeper.request(request);
  }

  async done(request: KeeperRequest): Promise<void> {
    const reply = await this.ask(request);
    if (reply.kind !== "done") throw new Error(`${request.kind} was refused: ${reply.message} [${reply.code}]`);
  }

  /** The code that it is refused with. */
  async refused(request: KeeperRequest): Promise<string> {
    const reply = await this.ask(request);
    return reply.kind === "refused" ? reply.code : "(done)";
  }

  async inventory() {
    const reply = await this.ask({ kind: "inventory" });
    if (reply.kind !== "done" || !reply.inventory) throw new Error("there was no inventory");
    return reply.inventory;
  }

  async fact(driver: Instance) {
    return (await this.inventory()).instances.find((each) => each.instance === driver);
  }

  /** The first event that is so, of those that came or will come. */
  async heard(is: (event: KeeperEvent) => boolean): Promise<KeeperEvent> {
    const timer = AbortSignal.timeout(WITHIN_MS);
    for (let at = 0;; at++) {
      while (at >= this.seen.length) {
        if (timer.aborted) throw new Error(`not heard in time; heard was ${JSON.stringify(this.seen)}`);
        await new Promise<void>((wake) => {
          this.#wake = wake;
          timer.addEventListener("abort", () => wake(), { once: true });
        });
      }
      const event = this.seen[at];
      if (event && is(event)) return event;
    }
  }

  async heardOf(driver: Instance, kind: KeeperEvent["kind"]): Promise<KeeperEvent> {
    return await this.heard((event) => event.kind === kind && "instance" in event && event.instance === driver);
  }

  /** Started, opened and parked. */
  async start(...cells: readonly CellSpec[]): Promise<void> {
    for (const cell of cells) await this.done({ kind: "spawn", cell });
    for (const cell of cells) await this.heardOf(cell.instance, "parked");
  }

  /** Through both barriers, up to the moment before the flip. */
  async prepare(transition: Transition): Promise<void> {
    const { id, bindings } = transition;
    await this.done({ kind: "stage", transition });
    for (const each of bindings) await this.heardStep("mapped", each.instance, id);
    await this.done({ kind: "seal", transition: id });
    for (const each of bindings) await this.heardStep("ready", each.instance, id);
  }

  async flip(from: number, to: number, transition: Transition): Promise<void> {
    await this.done({ kind: "flip", from, to });
    for (const each of transition.bindings) {
      await this.heard((event) =>
        event.kind === "acknowledged" && event.instance === each.instance && event.epoch >= to
      );
    }
  }

  async heardStep(kind: "mapped" | "ready", driver: Instance, id: number): Promise<void> {
    await this.heard((event) => event.kind === kind && event.instance === driver && event.transition === id);
  }

  async #listen(): Promise<void> {
    for await (const event of this.keeper.events()) {
      this.seen.push(event);
      this.#wake?.();
      this.#wake = undefined;
      const late = () => {}; // The keeper may be gone by now: `lost` says so.
      if (event.kind === "open") {
        const { instance, request } = event;
        this.keeper.request({ kind: "answerOpen", instance, request, refusal: this.refusal }).catch(late);
      }
      if (this.acknowledges && event.kind !== "lost") {
        this.keeper.request({ kind: "acknowledge", seq: event.seq }).catch(late);
      }
    }
  }
}

const gen = (number: number) => instance(named("gen", parseDriverName), number);
const sink = (number: number) => instance(named("sink", parseDriverName), number);
export const GEN = gen(1);
export const SINK = sink(1);
const FRAMES = named("frames", parseEndpointName);

/** `gen`, which sends 1,000 frames a second. */
export function genCell(nowNs: number, number = 1): CellSpec {
  return cellOf(gen(number), ["rtt:gen", "--rate=1000", "--bytes=64"], [opaque(FRAMES, "out")], nowNs);
}

/** `sink`, which checks them. */
export function sinkCell(nowNs: number, number = 1): CellSpec {
  return cellOf(sink(number), ["rtt:sink"], [opaque(FRAMES, "in")], nowNs);
}

export function cellOf(
  of: Instance,
  run: readonly string[],
  endpoints: readonly CellEndpoint[],
  nowNs: number,
): CellSpec {
  return {
    instance: of,
    tag: { plan: "", move: "" },
    run,
    env: [],
    stdio: null,
    endpoints,
    closure: [],
    files: [],
    network: false,
    cpus: [],
    memoryBytes: 256 * 1024 * 1024,
    openFiles: 64,
    stopWithinNs: 500_000_000,
    startEarly: false,
    isolated: true,
    tokens: makeTokens(endpoints, nowNs + 60_000_000_000, {
      bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    }),
    stopOrder: endpoints.some((each) => each.direction === "out") ? 0 : 1,
  };
}

/** `gen → sink` by one new lane, and back to nothing. */
export function joining(from: number, forward: number): Transition {
  const { regions, lanes } = layOut([{ link: LINK, producer: GEN, consumer: SINK }], forward);
  const [lane] = lanes;
  assert(lane !== undefined, "one wire gives one lane");
  return {
    id: forward,
    from,
    forward,
    inverse: forward + 1,
    regions,
    bindings: [
      { instance: GEN, forward: [laneSide(lane, "producer")], inverse: [], mustAcknowledge: true },
      { instance: SINK, forward: [laneSide(lane, "consumer")], inverse: [], mustAcknowledge: true },
    ],
  };
}

/** What tests have in common of a link that is given as `driver/endpoint` twice. */
export function linkOf(route: string, routeId: number, from: string, to: string): Link {
  const [source, sink] = [splitSaddr(from), splitSaddr(to)];
  assert(source !== undefined && sink !== undefined, `${from} and ${to} are addresses`);
  return {
    route: named(route, parseRouteName),
    routeId,
    class: "api",
    from: source,
    to: sink,
    contract: named("test.frame", parseContractName),
    version: "1.0.0",
    critical: false,
    budgetNs: 500_000_000,
    stallNs: null,
    rateHz: null,
    onTrip: "alarm",
    backpressure: "block",
    blockNs: 50_000_000,
    wait: "sleep",
    spinNs: 0,
    ringBytes: 64 * 1024,
    maxFrameBytes: 256,
    drainWithinNs: 500_000_000,
    ttl: null,
    dedupe: null,
  };
}

const LINK = linkOf("load", 7, "gen/frames", "sink/frames");

function named<Name>(text: string, parse: (text: string) => Name | undefined): Name {
  const name = parse(text);
  assert(name !== undefined, `${text} is a name`);
  return name;
}
