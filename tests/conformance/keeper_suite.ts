/**
 * What the panel relies on in any keeper. The suite is run on the fake of the simulator and on the real one, so that what the
 * simulator proves of the machine is worth something: give it a bench, and it registers its tests.
 */
import { assert, assertEquals } from "@std/assert";
import { type Lane, laneSide, type Layout, layOut } from "../../core/apply/layout.ts";
import { SEALS } from "../../core/apply/verify.ts";
import type {
  CellSpec,
  InstanceFact,
  Inventory,
  KeeperEvent,
  KeeperReply,
  KeeperRequest,
  LaneSpec,
  StagedBinding,
  Transition,
} from "../../core/keeper.ts";
import type { Link } from "../../core/model/graph.ts";
import type { Instance } from "../../core/model/names.ts";
import type { Keeper } from "../../core/ports.ts";
import { link as makeLink } from "../sim/project.ts";

/** A keeper with nothing in it, and what is needed to fill it. */
export interface Bench {
  readonly keeper: Keeper;
  /** A driver with one output that sends without end, and one with one input that takes everything. */
  source(number: number): Placed;
  sink(number: number): Placed;
  /** The driver's first process ends at once, as by SIGKILL. */
  kill(instance: Instance, pid: number): void;
  /** True where frames really move, so that figures can be asked for. */
  readonly flows: boolean;
  /** Ends the keeper and all that it has started. */
  close(): Promise<void>;
}

export interface Placed {
  readonly cell: CellSpec;
  readonly endpoint: string;
}

const PATIENCE_MS = 10_000;
type Kind = KeeperEvent["kind"];

export function keeperSuite(name: string, open: () => Promise<Bench>): void {
  for (const [what, test] of Object.entries(TESTS)) {
    Deno.test(`${name}: ${what}`, async () => {
      const bench = await open();
      const talk = new Talk(bench);
      try {
        await test(talk);
      } finally {
        await bench.close();
        await talk.ended;
      }
    });
  }
}

/** One conversation with the keeper: grants opens, keeps events, and waits for one of them. */
class Talk {
  readonly heard: KeeperEvent[] = [];
  readonly ended: Promise<void>;
  grants = true;
  #waiting: (() => void)[] = [];

  constructor(readonly bench: Bench) {
    this.ended = this.#listen();
  }

  async #listen(): Promise<void> {
    for await (const event of this.bench.keeper.events()) {
      this.heard.push(event);
      if (event.kind === "open") {
        const refusal = this.grants ? "" : "open.token";
        const answer = { kind: "answerOpen", instance: event.instance, request: event.request, refusal } as const;
        this.bench.keeper.request(answer).catch(() => {}); // The bench may be closing.
      }
      for (const wake of this.#waiting.splice(0)) wake();
      if (event.kind === "lost") return;
    }
  }

  async ask(request: KeeperRequest): Promise<KeeperReply> {
    return await this.bench.keeper.request(request);
  }

  async done(request: KeeperRequest): Promise<Extract<KeeperReply, { kind: "done" }>> {
    const reply = await this.ask(request);
    assert(reply.kind === "done", `${request.kind} was refused: ${reply.kind === "refused" ? reply.message : ""}`);
    return reply;
  }

  async refused(request: KeeperRequest): Promise<string> {
    const reply = await this.ask(request);
    assert(reply.kind === "refused", `${request.kind} was not refused`);
    return reply.code;
  }

  async inventory(): Promise<Inventory> {
    const { inventory } = await this.done({ kind: "inventory" });
    assert(inventory);
    return inventory;
  }

  async fact(instance: Instance): Promise<InstanceFact | undefined> {
    return (await this.inventory()).instances.find((each) => each.instance === instance);
  }

  /** The first event of this kind from this instance, perhaps heard already. */
  async event<K extends Kind>(
    kind: K,
    instance: Instance,
    fits: (event: Extract<KeeperEvent, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<KeeperEvent, { kind: K }>> {
    type Wanted = Extract<KeeperEvent, { kind: K }>;
    const isWanted = (each: KeeperEvent): each is Wanted =>
      each.kind === kind && "instance" in each && each.instance === instance && fits(each as Wanted);
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = this.heard.find(isWanted);
      if (found) return found;
      const left = until - performance.now();
      assert(left > 0, `no ${kind} of ${instance} came; heard ${this.heard.map((each) => each.kind).join(", ")}`);
      await this.#next(left);
    }
  }

  async #next(withinMs: number): Promise<void> {
    const woken = Promise.withResolvers<void>();
    const timer = setTimeout(woken.resolve, withinMs);
    this.#waiting.push(woken.resolve);
    await woken.promise;
    clearTimeout(timer);
  }

  async park({ cell }: Placed): Promise<Instance> {
    await this.done({ kind: "spawn", cell });
    await this.event("parked", cell.instance);
    return cell.instance;
  }

  /** Both barriers of a transition. */
  async prepare(transition: Transition): Promise<void> {
    await this.done({ kind: "stage", transition });
    for (const { instance } of transition.bindings) {
      await this.event("mapped", instance, (each) => each.transition === transition.id);
    }
    await this.done({ kind: "seal", transition: transition.id });
    for (const { instance } of transition.bindings) {
      await this.event("ready", instance, (each) => each.transition === transition.id);
    }
  }

  async flip({ bindings }: Transition, from: number, to: number): Promise<void> {
    await this.done({ kind: "flip", from, to });
    for (const { instance } of bindings) await this.event("acknowledged", instance, (each) => each.epoch === to);
  }
}

interface Pair {
  readonly source: Placed;
  readonly sink: Placed;
  readonly link: Link;
  readonly layout: Layout;
  readonly transition: Transition;
}

/** A source wired to a sink, as the first transition. */
function pair(bench: Bench, forward = 1): Pair {
  const source = bench.source(1);
  const sink = bench.sink(1);
  const link = makeLink("flow", 7, `source/${source.endpoint}`, `sink/${sink.endpoint}`, { ringBytes: 65_536 });
  const layout = layOut([{ link, producer: source.cell.instance, consumer: sink.cell.instance }], forward);
  const bindings = [bind(source, "producer", layout.lanes, []), bind(sink, "consumer", layout.lanes, [])];
  const transition = { id: forward, from: 0, forward, inverse: forward + 1, regions: layout.regions, bindings };
  return { source, sink, link, layout, transition };
}

function bind(
  { cell }: Placed,
  side: "producer" | "consumer",
  forward: readonly Lane[],
  inverse: readonly LaneSpec[],
): StagedBinding {
  const lanes = forward.map((each) => laneSide(each, side));
  return { instance: cell.instance, forward: lanes, inverse, mustAcknowledge: true };
}

async function running(talk: Talk): Promise<Pair> {
  const made = pair(talk.bench);
  await talk.park(made.source);
  await talk.park(made.sink);
  await talk.prepare(made.transition);
  await talk.flip(made.transition, 0, 1);
  return made;
}

const TESTS: Readonly<Record<string, (talk: Talk) => Promise<void>>> = {
  "a new one holds nothing, at epoch 0": async (talk) => {
    const { epoch, lastEpoch, instances, regions, transitions } = await talk.inventory();
    assertEquals({ epoch, lastEpoch, instances, regions, transitions }, {
      epoch: 0,
      lastEpoch: 0,
      instances: [],
      regions: [],
      transitions: [],
    });
  },
  "a driver says hello, opens with its tokens, and parks": async (talk) => {
    const source = talk.bench.source(1);
    const instance = await talk.park(source);
    const [token] = source.cell.tokens;
    const opened = await talk.event("open", instance);
    assertEquals([opened.token, opened.verb], [token?.token, "send"]);
    assertEquals(`${opened.saddr}`, `${instance}/${source.endpoint}`);
    assertEquals((await talk.event("hello", instance)).protocol, 1);
    const fact = await talk.fact(instance);
    assertEquals([fact?.state, fact?.lanes, fact?.tag, fact?.exit], ["parked", [], source.cell.tag, null]);
    assert(Object.keys(fact?.sandbox ?? {}).length > 0, "what was enforced is said");
  },
  "an open that is refused parks nobody": async (talk) => {
    talk.grants = false;
    const { cell } = talk.bench.source(1);
    await talk.done({ kind: "spawn", cell });
    await talk.event("exited", cell.instance);
    assert(!talk.heard.some((each) => each.kind === "parked"));
  },
  "an instance is started once": async (talk) => {
    const source = talk.bench.source(1);
    await talk.park(source);
    await talk.refused({ kind: "spawn", cell: source.cell });
  },
  "a flip makes exactly the staged lanes true, in sealed regions": async (talk) => {
    const { source, sink, layout, transition } = await running(talk);
    const facts = await talk.inventory();
    assertEquals([facts.epoch, facts.lastEpoch], [1, 2]);
    assertEquals(facts.transitions.map((each) => each.id), [1]);
    const lanes = layout.lanes.map((each) => [laneSide(each, "producer"), laneSide(each, "consumer")]);
    const [producer, consumer] = [source, sink].map(({ cell }) =>
      facts.instances.find((each) => each.instance === cell.instance)
    );
    assertEquals([producer?.lanes, consumer?.lanes], [[lanes[0]?.[0]], [lanes[0]?.[1]]] as never);
    assertEquals([producer?.state, consumer?.state], ["running", "running"]);
    assertEquals(facts.regions.map(({ region, writer, reader, bytes }) => ({ region, writer, reader, bytes })), [
      ...transition.regions,
    ]);
    for (const { seals } of facts.regions) assert(SEALS.every((each) => seals.includes(each)), seals.join());
    await talk.done({ kind: "settle", transition: 1 });
    const settled = await talk.inventory();
    assertEquals([settled.transitions, settled.regions.length], [[], 2]);
  },
  "frames move once the flip is made": async (talk) => {
    await running(talk);
    if (!talk.bench.flows) return;
    const until = performance.now() + PATIENCE_MS;
    const received = (): number => talk.bench.keeper.figures().find((each) => each.active)?.received ?? 0;
    while (received() < 10) {
      assert(performance.now() < until, "no frame came");
      await new Promise((wake) => setTimeout(wake, 5));
    }
  },
  "a flip from an epoch that is not in force is refused and changes nothing": async (talk) => {
    const made = pair(talk.bench);
    await talk.park(made.source);
    await talk.park(made.sink);
    await talk.prepare(made.transition);
    assertEquals(await talk.refused({ kind: "flip", from: 9, to: 1 }), "keeper.epoch");
    const facts = await talk.inventory();
    assertEquals([facts.epoch, facts.instances.flatMap((each) => each.lanes)], [0, []]);
  },
  "the inverse flip gives everybody back what it had": async (talk) => {
    const { transition, source, sink } = await running(talk);
    await talk.flip(transition, 1, 2);
    const facts = await talk.inventory();
    assertEquals([facts.epoch, facts.instances.flatMap((each) => each.lanes)], [2, []]);
    await talk.done({ kind: "settle", transition: 1 });
    assertEquals((await talk.inventory()).regions, []);
    for (const { cell } of [source, sink]) assertEquals((await talk.fact(cell.instance))?.state, "running");
  },
  "a discarded transition leaves no region, and its epochs stay used": async (talk) => {
    const made = pair(talk.bench);
    await talk.park(made.source);
    await talk.park(made.sink);
    await talk.prepare(made.transition);
    await talk.done({ kind: "discard", transition: 1 });
    const facts = await talk.inventory();
    assertEquals([facts.epoch, facts.lastEpoch, facts.regions, facts.transitions], [0, 2, [], []]);
    await talk.refused({ kind: "stage", transition: made.transition });
    await talk.refused({ kind: "flip", from: 0, to: 1 });
    const again = pair(talk.bench, 3);
    await talk.prepare(again.transition);
    await talk.flip(again.transition, 0, 3);
  },
  "what is in force can't be discarded": async (talk) => {
    await running(talk);
    assertEquals(await talk.refused({ kind: "discard", transition: 1 }), "keeper.inForce");
    assertEquals((await talk.inventory()).regions.length, 2);
  },
  "what nobody knows is discarded, settled and stopped without a word": async (talk) => {
    await talk.done({ kind: "discard", transition: 77 });
    await talk.done({ kind: "settle", transition: 77 });
    await talk.done({ kind: "stop", instance: "nobody.1" as Instance, withinNs: 0 });
  },
  "a driver that ends is told at once, and stays a fact until it is stopped": async (talk) => {
    const { source } = await running(talk);
    const { instance } = source.cell;
    const before = await talk.fact(instance);
    talk.bench.kill(instance, before?.pid ?? 0);
    assertEquals((await talk.event("exited", instance)).exit, -9);
    assertEquals([(await talk.fact(instance))?.state, (await talk.fact(instance))?.exit], ["exited", -9]);
    await talk.done({ kind: "stop", instance, withinNs: 0 });
    assertEquals(await talk.fact(instance), undefined);
  },
  "a driver that is stopped ends within its time and is then forgotten": async (talk) => {
    const { sink } = await running(talk);
    const { instance } = sink.cell;
    await talk.done({ kind: "stop", instance, withinNs: 2_000_000_000 });
    await talk.event("exited", instance);
    await talk.done({ kind: "stop", instance, withinNs: 0 });
    assertEquals(await talk.fact(instance), undefined);
  },
  "a consumer is replaced while its producer runs on": async (talk) => {
    const { source, sink, link, layout } = await running(talk);
    await talk.done({ kind: "settle", transition: 1 });
    talk.bench.kill(sink.cell.instance, (await talk.fact(sink.cell.instance))?.pid ?? 0);
    await talk.event("exited", sink.cell.instance);
    const next = talk.bench.sink(2);
    await talk.park(next);
    const replaced = layOut([{ link, producer: source.cell.instance, consumer: next.cell.instance }], 3);
    const inverse = layout.lanes.map((each) => laneSide(each, "producer"));
    const bindings = [bind(source, "producer", replaced.lanes, inverse), bind(next, "consumer", replaced.lanes, [])];
    const transition = { id: 3, from: 1, forward: 3, inverse: 4, regions: replaced.regions, bindings };
    await talk.prepare(transition);
    await talk.flip(transition, 1, 3);
    await talk.done({ kind: "stop", instance: sink.cell.instance, withinNs: 0 });
    await talk.done({ kind: "settle", transition: 3 });
    const facts = await talk.inventory();
    assertEquals(facts.regions.map((each) => each.region), replaced.regions.map((each) => each.region));
    assertEquals((await talk.fact(source.cell.instance))?.state, "running");
  },
  "a lane that a transition does not change keeps its region and place": async (talk) => {
    const { source, sink, layout } = await running(talk);
    await talk.done({ kind: "settle", transition: 1 });
    const idle = talk.bench.sink(2);
    await talk.park(idle);
    const bindings = [bind(idle, "consumer", [], [])];
    const transition = { id: 3, from: 1, forward: 3, inverse: 4, regions: [], bindings };
    await talk.prepare(transition);
    await talk.flip(transition, 1, 3);
    await talk.done({ kind: "settle", transition: 3 });
    const facts = await talk.inventory();
    assertEquals(facts.epoch, 3);
    const lanes = layout.lanes.map((each) => laneSide(each, "producer"));
    assertEquals((await talk.fact(source.cell.instance))?.lanes, lanes);
    assertEquals(facts.regions.map((each) => each.region), layout.regions.map((each) => each.region));
    assertEquals([(await talk.fact(sink.cell.instance))?.state, (await talk.fact(idle.cell.instance))?.state], [
      "running",
      "running",
    ]);
  },
};
