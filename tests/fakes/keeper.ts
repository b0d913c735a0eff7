/**
 * The keeper as a value: cells are entries, drivers are behaviours, and every message between keeper and driver takes its
 * time. It checks what it is asked as the real one does, and notes when it is asked what a correct panel never asks.
 */
import {
  type CellSpec,
  type InstanceFact,
  type Inventory,
  isOfALane,
  type KeeperEvent,
  type KeeperReply,
  type KeeperRequest,
  type RegionFact,
  type Transition,
} from "../../core/keeper.ts";
import type { Instance, Saddr } from "../../core/model/names.ts";

/** A moment at which a driver is expected to answer. */
export type Moment = "hello" | "open" | "park" | "map" | "ready" | "acknowledge" | "stop";

export interface FakeWorld {
  later(afterNs: number, act: () => void): void;
  /** How long a driver takes: Infinity is never, "exit" that it dies in it, "fail" that it says that it can't. */
  takes(instance: Instance, moment: Moment): number | "exit" | "fail";
}

type Told = KeeperEvent extends infer Each ? Each extends { seq: number } ? Omit<Each, "seq"> : never : never;

interface FakeCell {
  readonly cell: CellSpec;
  fact: InstanceFact;
  toOpen: number;
  readonly mapped: Set<number>;
  readonly ready: Set<number>;
}

function leadsTo({ forward, inverse }: Transition, epoch: number): boolean {
  return epoch === forward || epoch === inverse;
}

const ALL_SEALS = ["shrink", "grow", "futureWrite", "seal"];

export class FakeKeeper {
  epoch = 0;
  lastEpoch = 0;
  readonly #cells = new Map<Instance, FakeCell>();
  readonly #regions = new Map<number, RegionFact>();
  readonly #transitions = new Map<number, Transition>();
  readonly #sealed = new Set<number>();
  #inode = 1;
  #pid = 100;
  #seq = 0;
  #unacknowledged: KeeperEvent[] = [];
  #listener: ((event: KeeperEvent) => void) | undefined;
  /** What a correct panel never asks. */
  readonly protests: string[] = [];
  dead = false;

  constructor(readonly world: FakeWorld) {}

  /** A panel attaches: what no panel has acknowledged is told again. */
  attach(listener: (event: KeeperEvent) => void): Inventory {
    this.#listener = listener;
    for (const event of this.#unacknowledged) listener(event);
    return this.inventory();
  }

  detach(): void {
    this.#listener = undefined;
  }

  inventory(): Inventory {
    return {
      epoch: this.epoch,
      lastEpoch: this.lastEpoch,
      instances: [...this.#cells.values()].map((each) => each.fact),
      regions: [...this.#regions.values()],
      transitions: [...this.#transitions.values()],
    };
  }

  get alive(): readonly Instance[] {
    return [...this.#cells.values()].filter((each) => each.fact.state !== "exited").map((each) => each.fact.instance);
  }

  /** The keeper dies, and its drivers with it. */
  die(): void {
    this.dead = true;
    this.#listener = undefined;
    this.#cells.clear();
  }

  /** The driver's first process is gone. */
  exit(instance: Instance, code: number): void {
    const cell = this.#cells.get(instance);
    if (!cell || cell.fact.state === "exited") return;
    cell.fact = { ...cell.fact, state: "exited", exit: code };
    this.#tell({ kind: "exited", instance, exit: code });
  }

  /**
   * The driver tells that it can't do its work, or does what it must not: it is heard no more, and its process goes on. Of a
   * lane it only reports.
   */
  fail(instance: Instance, code: string, message: string): void {
    const cell = this.#cells.get(instance);
    if (cell && cell.fact.state !== "exited" && !isOfALane(code)) cell.fact = { ...cell.fact, connected: false };
    this.#tell({ kind: "failed", instance, code, message });
  }

  handle(request: KeeperRequest): KeeperReply {
    switch (request.kind) {
      case "inventory":
        return { kind: "done", epoch: this.epoch, inventory: this.inventory() };
      case "spawn":
        return this.#spawn(request.cell);
      case "stage":
        return this.#stage(request.transition);
      case "seal":
        return this.#seal(request.transition);
      case "flip":
        return this.#flip(request.from, request.to);
      case "discard":
        return this.#discard(request.transition);
      case "settle":
        return this.#settle(request.transition);
      case "stop":
        return this.#stop(request.instance, request.withinNs);
      case "answerOpen":
        return this.#answerOpen(request.instance, request.refusal);
      case "acknowledge":
        this.#unacknowledged = this.#unacknowledged.filter((each) => each.seq > request.seq);
        return this.#done();
      case "configure":
        return this.#done();
      case "shutdown":
        this.die();
        return this.#done();
    }
  }

  #done(): KeeperReply {
    return { kind: "done", epoch: this.epoch, inventory: null };
  }

  #refuse(code: string, message: string): KeeperReply {
    return { kind: "refused", code, message };
  }

  #tell(told: Told): void {
    const event = { ...told, seq: ++this.#seq } as KeeperEvent;
    this.#unacknowledged.push(event);
    this.#listener?.(event);
  }

  /** The driver does something in its own time, unless it dies in it. */
  #driver(instance: Instance, moment: Moment, act: (cell: FakeCell) => void): void {
    const takes = this.world.takes(instance, moment);
    if (takes === Infinity) return;
    const alive = (then: (cell: FakeCell) => void) => () => {
      const cell = this.#cells.get(instance);
      if (!this.dead && cell && cell.fact.state !== "exited") then(cell);
    };
    if (takes === "exit") this.world.later(1_000, alive(() => this.exit(instance, 1)));
    else if (takes === "fail") {
      this.world.later(1_000, alive(() => this.fail(instance, "driver.test", `cannot ${moment}`)));
    } else this.world.later(takes, alive(act));
  }

  #spawn(cell: CellSpec): KeeperReply {
    const { instance, tag } = cell;
    if (this.#cells.has(instance)) return this.#refuse("keeper.exists", `${instance} is there already`);
    const fact: InstanceFact = {
      instance,
      tag,
      pid: this.#pid++,
      state: "starting",
      exit: null,
      acknowledged: 0,
      opened: [],
      lanes: [],
      sandbox: cell.isolated ? { seccomp: "filter" } : { isolation: "waived" },
      connected: true,
    };
    this.#cells.set(instance, { cell, fact, toOpen: cell.endpoints.length, mapped: new Set(), ready: new Set() });
    this.#driver(instance, "hello", () => {
      this.#tell({ kind: "hello", instance, protocol: 1, kit: "fake" });
      if (cell.endpoints.length === 0) this.#driver(instance, "park", (each) => this.#park(each));
      for (const [request, token] of cell.tokens.entries()) {
        const saddr = `${instance}/${token.endpoint}` as Saddr;
        const { verb } = token;
        this.#driver(
          instance,
          "open",
          () => this.#tell({ kind: "open", instance, request, saddr, verb, token: token.token }),
        );
      }
    });
    return this.#done();
  }

  #park(cell: FakeCell): void {
    cell.fact = { ...cell.fact, state: "parked" };
    this.#tell({ kind: "parked", instance: cell.fact.instance });
  }

  #answerOpen(instance: Instance, refusal: string): KeeperReply {
    const cell = this.#cells.get(instance);
    if (!cell || cell.fact.state === "exited") return this.#done();
    if (refusal !== "") {
      this.exit(instance, 1);
      return this.#done();
    }
    if (--cell.toOpen === 0) this.#driver(instance, "park", (each) => this.#park(each));
    return this.#done();
  }

  #stage(transition: Transition): KeeperReply {
    const { forward, inverse, bindings, regions, from, id } = transition;
    if (forward <= this.lastEpoch || inverse !== forward + 1) {
      return this.#refuse("keeper.epochUsed", `epoch ${forward} was used`);
    }
    if (from !== this.epoch) return this.#refuse("keeper.epoch", `the epoch is ${this.epoch}`);
    if (this.#transitions.size > 0) this.protests.push(`staged ${id} while another transition is staged`);
    this.lastEpoch = inverse;
    this.#transitions.set(id, transition);
    for (const region of regions) {
      if (this.#regions.has(region.region)) this.protests.push(`region ${region.region} is there already`);
      this.#regions.set(region.region, { ...region, inode: this.#inode++, seals: ["shrink", "grow"] });
    }
    for (const { instance } of bindings) {
      this.#driver(instance, "map", (cell) => {
        cell.mapped.add(id);
        this.#tell({ kind: "mapped", instance, transition: id });
      });
    }
    return this.#done();
  }

  #seal(id: number): KeeperReply {
    const transition = this.#transitions.get(id);
    if (!transition) return this.#refuse("keeper.unknown", `transition ${id} is not staged`);
    for (const { instance, mustAcknowledge } of transition.bindings) {
      const cell = this.#cells.get(instance);
      if (mustAcknowledge && cell && cell.fact.state !== "exited" && !cell.mapped.has(id)) {
        this.protests.push(`sealed ${id} before ${instance} has mapped it`);
        return this.#refuse("keeper.unmapped", `${instance} has not mapped its regions`);
      }
    }
    this.#sealed.add(id);
    for (const { region } of transition.regions) {
      const fact = this.#regions.get(region);
      if (fact) this.#regions.set(region, { ...fact, seals: ALL_SEALS });
    }
    for (const { instance } of transition.bindings) {
      this.#driver(instance, "ready", (cell) => {
        cell.ready.add(id);
        this.#tell({ kind: "ready", instance, transition: id });
      });
    }
    return this.#done();
  }

  #flip(from: number, to: number): KeeperReply {
    if (from !== this.epoch) return this.#refuse("keeper.epoch", `the epoch is ${this.epoch}, not ${from}`);
    const transition = [...this.#transitions.values()].find((each) => each.forward === to || each.inverse === to);
    if (!transition) return this.#refuse("keeper.unknown", `epoch ${to} is not staged`);
    const isForward = transition.forward === to;
    if (isForward) this.#checkReady(transition);
    this.epoch = to;
    for (const binding of transition.bindings) {
      const cell = this.#cells.get(binding.instance);
      if (!cell || cell.fact.state === "exited") continue;
      cell.fact = { ...cell.fact, state: "running", lanes: isForward ? binding.forward : binding.inverse };
      this.#driver(binding.instance, "acknowledge", (each) => {
        each.fact = { ...each.fact, acknowledged: Math.max(each.fact.acknowledged, to) };
        this.#tell({ kind: "acknowledged", instance: binding.instance, epoch: to });
      });
    }
    return this.#done();
  }

  #checkReady({ id, bindings }: Transition): void {
    if (!this.#sealed.has(id)) this.protests.push(`flipped ${id} before it was sealed`);
    for (const { instance, mustAcknowledge } of bindings) {
      const cell = this.#cells.get(instance);
      const isWaited = mustAcknowledge && cell && cell.fact.state !== "exited";
      if (isWaited && !cell.ready.has(id)) this.protests.push(`flipped ${id} before ${instance} was ready`);
    }
  }

  #discard(id: number): KeeperReply {
    const transition = this.#transitions.get(id);
    if (!transition) return this.#done();
    if (leadsTo(transition, this.epoch)) return this.#refuse("keeper.inForce", `transition ${id} is in force`);
    this.#transitions.delete(id);
    this.#letGo(transition.regions.map((each) => each.region));
    return this.#done();
  }

  #settle(id: number): KeeperReply {
    const transition = this.#transitions.get(id);
    if (!transition) return this.#done();
    if (!leadsTo(transition, this.epoch)) {
      this.protests.push(`settled ${id}, which is not in force`);
      return this.#refuse("keeper.notInForce", `transition ${id} is not in force`);
    }
    this.#transitions.delete(id);
    this.#letGo([...this.#regions.keys()]);
    return this.#done();
  }

  /** Drops those of these regions that no lane uses. */
  #letGo(regions: readonly number[]): void {
    const used = new Set<number>();
    for (const { fact } of this.#cells.values()) {
      for (const lane of fact.lanes) used.add(lane.ringRegion).add(lane.creditRegion);
    }
    for (const region of regions) if (!used.has(region)) this.#regions.delete(region);
  }

  #stop(instance: Instance, withinNs: number): KeeperReply {
    const cell = this.#cells.get(instance);
    if (!cell) return this.#done();
    if (cell.fact.state === "exited") {
      this.#cells.delete(instance);
      return this.#done();
    }
    const takes = this.world.takes(instance, "stop");
    const ends = typeof takes === "number" ? Math.min(takes, withinNs) : withinNs;
    this.world.later(ends, () => {
      if (!this.dead) this.exit(instance, ends < withinNs ? 0 : -9);
    });
    return this.#done();
  }
}
