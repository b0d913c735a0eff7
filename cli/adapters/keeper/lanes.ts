/** Which lanes there are and where they lie, kept beside the requests that make them, so that their figures can be read. */
import type { Inventory, KeeperRequest, LaneFigures, LaneSpec, Transition } from "../../../core/keeper.ts";
import { DROP_REASONS, dropsOf } from "../../../core/keeper.ts";
import type { Instance } from "../../../core/model/names.ts";
import { type LaneGeometry, type MessageLink, NativeError } from "../../../ffi/mod.ts";

export interface Sized {
  readonly region: number;
  readonly bytes: number;
}

interface Known {
  readonly spec: LaneSpec;
  readonly producer: Instance;
  readonly consumer: Instance;
}

/** Where a row of `ffi/panel/src/telemetry.rs` holds what. */
const WORD = {
  sent: 1,
  received: 2,
  depth: 3,
  oldestNs: 5,
  samples: 6,
  over: 7,
  producerSamples: 8,
  producerOver: 9,
  producerUnsure: 13,
  drops: 14,
  histogram: 14 + DROP_REASONS.length,
} as const;

/** Descriptors that one packet brings at most (`ffi/control/src/limits.rs`). */
export const REGIONS_AT_ONCE = 253;

/** The graph of lanes by the keeper's answers: bindings in force by instance, and what is staged beside them. */
export class Lanes {
  readonly #bindings = new Map<Instance, readonly LaneSpec[]>();
  readonly #staged = new Map<number, Transition>();
  readonly #bytes = new Map<number, number>();
  readonly #sealed = new Set<number>();
  readonly #asked = new Set<number>();
  readonly #mapped = new Set<number>();
  #rows: readonly { readonly known: Known; readonly active: boolean }[] = [];
  #fresh = false;

  /** After the keeper has done what this request asked. True when regions may have come with it. */
  done(request: KeeperRequest): boolean {
    switch (request.kind) {
      case "stage":
        this.#staged.set(request.transition.id, request.transition);
        for (const { region, bytes } of request.transition.regions) this.#bytes.set(region, bytes);
        break;
      case "seal":
        for (const { region } of this.#staged.get(request.transition)?.regions ?? []) this.#sealed.add(region);
        break;
      case "flip":
        this.#flip(request.to);
        break;
      case "discard":
      case "settle":
        this.#staged.delete(request.transition);
        break;
      default:
        return false;
    }
    this.#fresh = false;
    return true;
  }

  /** What an inventory says is the whole truth. */
  see({ instances, regions, transitions }: Inventory): void {
    this.#bindings.clear();
    // A dead driver's lanes are in force no more: what is missing on them is lost.
    for (const { instance, state, lanes } of instances) if (state !== "exited") this.#bindings.set(instance, lanes);
    this.#staged.clear();
    for (const transition of transitions) this.#staged.set(transition.id, transition);
    this.#bytes.clear();
    this.#sealed.clear();
    this.#asked.clear();
    for (const { region, bytes, seals } of regions) {
      this.#bytes.set(region, bytes);
      // Only what is sealed is handed out.
      if (seals.includes("seal")) this.#sealed.add(region);
    }
    this.#fresh = false;
  }

  /** An instance is gone, and its binding with it. */
  gone(instance: Instance): void {
    if (this.#bindings.delete(instance)) this.#fresh = false;
  }

  /** Regions whose descriptors are to be asked for now; each is named once. */
  toAsk(): readonly Sized[] {
    const used = this.#regionsInUse();
    const found: Sized[] = [];
    for (const region of this.#sealed) {
      const bytes = this.#bytes.get(region);
      if (bytes === undefined || !used.has(region) || this.#mapped.has(region) || this.#asked.has(region)) continue;
      this.#asked.add(region);
      found.push({ region, bytes });
    }
    return found;
  }

  mapped(region: number): void {
    this.#mapped.add(region);
    this.#fresh = false;
  }

  /** Reads every lane that is in force or staged and whose regions are mapped. */
  figures(link: MessageLink): readonly LaneFigures[] {
    if (!this.#fresh) this.#choose(link);
    const { rows, numbers } = link.figures();
    if (rows !== this.#rows.length) throw new NativeError("native.bug", "cannot read figures because rows are missing");
    return this.#rows.map(({ known, active }, at) =>
      figuresOf(known, active, numbers.subarray(at * link.figureWords, (at + 1) * link.figureWords))
    );
  }

  #flip(to: number): void {
    for (const { forward, inverse, bindings } of this.#staged.values()) {
      if (to !== forward && to !== inverse) continue;
      for (const binding of bindings) {
        this.#bindings.set(binding.instance, to === forward ? binding.forward : binding.inverse);
      }
    }
  }

  /** Lanes and regions that nobody uses any more are forgotten; the native side is told which lanes to read. */
  #choose(link: MessageLink): void {
    const used = this.#regionsInUse();
    for (const region of this.#mapped) if (!used.has(region)) this.#mapped.delete(region);
    for (const region of this.#bytes.keys()) if (!used.has(region)) this.#bytes.delete(region);
    for (const region of this.#sealed) if (!used.has(region)) this.#sealed.delete(region);
    for (const region of this.#asked) if (!used.has(region)) this.#asked.delete(region);
    const readable = ({ spec }: Known): boolean =>
      this.#mapped.has(spec.ringRegion) && this.#mapped.has(spec.creditRegion);
    const inForce = this.#inForce();
    const known = new Map([...this.#stagedLanes(), ...inForce]);
    const rows = [...known.values()].filter(readable);
    link.setLanes(rows.map(({ spec }): LaneGeometry => spec));
    link.keep([...this.#mapped]);
    this.#rows = rows.map((each) => ({ known: each, active: inForce.has(each.spec.lane) }));
    this.#fresh = true;
  }

  #inForce(): ReadonlyMap<number, Known> {
    const found = new Map<number, Known>();
    for (const [instance, lanes] of this.#bindings) {
      for (const spec of lanes) found.set(spec.lane, know(spec, instance));
    }
    return found;
  }

  #stagedLanes(): ReadonlyMap<number, Known> {
    const found = new Map<number, Known>();
    for (const { bindings } of this.#staged.values()) {
      for (const { instance, forward, inverse } of bindings) {
        for (const spec of [...forward, ...inverse]) found.set(spec.lane, know(spec, instance));
      }
    }
    return found;
  }

  #regionsInUse(): ReadonlySet<number> {
    const lanes = [...this.#inForce().values(), ...this.#stagedLanes().values()];
    return new Set(lanes.flatMap(({ spec }) => [spec.ringRegion, spec.creditRegion]));
  }
}

function know(spec: LaneSpec, instance: Instance): Known {
  const [producer, consumer] = spec.side === "producer" ? [instance, spec.peer] : [spec.peer, instance];
  return { spec, producer, consumer };
}

function figuresOf({ spec, producer, consumer }: Known, active: boolean, words: Float64Array): LaneFigures {
  const at = (word: number): number => words[word] ?? 0;
  return {
    lane: spec.lane,
    route: spec.route,
    producer,
    consumer,
    sent: at(WORD.sent),
    received: at(WORD.received),
    drops: dropsOf((_, index) => at(WORD.drops + index)),
    depth: at(WORD.depth),
    oldestNs: at(WORD.oldestNs),
    samples: at(WORD.samples),
    over: at(WORD.over),
    producerSamples: at(WORD.producerSamples),
    producerOver: at(WORD.producerOver),
    producerUnsure: at(WORD.producerUnsure),
    histogram: Array.from(words.subarray(WORD.histogram)),
    active,
  };
}
