/** The panel's native side. No import side effect: nothing is loaded until `openNative` is called. */
import { loadFromMemory } from "./memory_file.ts";
import { ABI, QUESTION_WORDS, SYMBOLS } from "./symbols.ts";

type Library = Deno.DynamicLibrary<typeof SYMBOLS>;

/** Where a lane lies, as `rtt_figures` asks it. */
export type LanePlace = readonly [
  ringRegion: number,
  producerPage: number,
  ring: number,
  ringBytes: number,
  creditRegion: number,
  consumerPage: number,
];

export class NativeError extends Error {
  constructor(why: string) {
    super(why);
    this.name = "NativeError";
  }
}

const BUSY = -2n;
const ERROR_BYTES = 1_024;
const PACKET_BYTES = 64 * 1_024;

export class Native {
  readonly #library: Library;

  constructor(library: Library) {
    this.#library = library;
    const abi = library.symbols.rtt_panel_abi();
    if (abi !== BigInt(ABI)) {
      throw new NativeError(`cannot use the native library because its version is ${abi}, not ${ABI}`);
    }
  }

  /** CLOCK_MONOTONIC, nanoseconds. */
  monotonicNs(): number {
    return Number(this.#library.symbols.rtt_monotonic_ns());
  }

  /** Locks a file until this process ends. False: somebody else has it. */
  lock(path: string): boolean {
    const bytes = encode(path);
    const answer = this.#library.symbols.rtt_lock(bytes, size(bytes));
    if (answer === BUSY) return false;
    this.#check(answer);
    return true;
  }

  /** Starts a keeper with these options; its output is appended to `log`. Answers its process id. */
  spawnKeeper(
    program: Uint8Array<ArrayBuffer>,
    drivers: Uint8Array<ArrayBuffer>,
    options: readonly string[],
    log: string,
  ): number {
    const words = encode([...options, log].join("\0"));
    const { rtt_keeper_spawn } = this.#library.symbols;
    return this.#check(rtt_keeper_spawn(program, size(program), drivers, size(drivers), words, size(words)));
  }

  /** Whether a keeper that this process started has ended; takes its end from the system. */
  hasEnded(pid: number): boolean {
    const answer = this.#library.symbols.rtt_keeper_reap(BigInt(pid));
    if (answer === BUSY) return false;
    this.#check(answer);
    return true;
  }

  /** Connects to a keeper's socket. */
  connect(path: string): NativeLink {
    const bytes = encode(path);
    const pointer = this.#library.symbols.rtt_link_open(bytes, size(bytes));
    if (pointer === null) throw new NativeError(this.#lastError());
    return new NativeLink(this.#library, pointer, () => this.#lastError());
  }

  /** Shuts down peers of other users and namespaces that are connected to the socket bound to `path`, and counts them. */
  evictStrangers(path: string): number {
    const bytes = encode(path);
    return this.#check(this.#library.symbols.rtt_peers_evict(bytes, size(bytes)));
  }

  #check(answer: bigint): number {
    if (answer < 0n) throw new NativeError(this.#lastError());
    return Number(answer);
  }

  #lastError(): string {
    const buffer = new Uint8Array(ERROR_BYTES);
    const length = Number(this.#library.symbols.rtt_last_error(buffer, size(buffer)));
    return new TextDecoder().decode(buffer.subarray(0, Math.max(0, length)));
  }
}

/** A connection to a keeper. Packets are collected by the library's own thread. */
export class NativeLink {
  readonly #library: Library;
  readonly #lastError: () => string;
  #pointer: Deno.PointerObject | null;
  /** One call at a time waits for packets. */
  #waiting: Promise<unknown> = Promise.resolve();

  constructor(library: Library, pointer: Deno.PointerObject, lastError: () => string) {
    this.#library = library;
    this.#pointer = pointer;
    this.#lastError = lastError;
  }

  send(packet: Uint8Array<ArrayBuffer>): void {
    if (this.#library.symbols.rtt_link_send(this.#pointer, packet, size(packet)) < 0n) {
      throw new NativeError(this.#lastError());
    }
  }

  /** Packets as they come, until the link ends. */
  async *packets(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const buffer = new Uint8Array(PACKET_BYTES);
    while (this.#pointer !== null) {
      const announced = this.#library.symbols.rtt_link_wait(this.#pointer);
      this.#waiting = announced;
      if (await announced === 0n || this.#pointer === null) return;
      const taken = this.#library.symbols.rtt_link_take(this.#pointer, buffer, size(buffer));
      if (taken < 0n) throw new NativeError(this.#lastError());
      yield buffer.slice(0, Number(taken));
    }
  }

  /** The reply to request `id` brings descriptors of these regions, in order. */
  expectRegions(id: number, regions: readonly { readonly region: number; readonly bytes: number }[]): void {
    const pairs = BigUint64Array.from(regions.flatMap(({ region, bytes }) => [BigInt(region), BigInt(bytes)]));
    this.#library.symbols.rtt_link_expect(this.#pointer, BigInt(id), pairs, BigInt(regions.length));
  }

  forgetRegion(region: number): void {
    this.#library.symbols.rtt_link_forget(this.#pointer, BigInt(region));
  }

  /** For each lane the words of `ffi/lane/src/figures.rs`, or undefined where its regions are not mapped. */
  figures(lanes: readonly LanePlace[]): readonly (BigUint64Array | undefined)[] {
    const words = Number(this.#library.symbols.rtt_figures_words());
    const questions = BigUint64Array.from(lanes.flatMap((lane) => lane.map(BigInt)));
    const answers = new BigUint64Array(lanes.length * words);
    if (questions.length !== lanes.length * QUESTION_WORDS) throw new NativeError("bug: a lane's place has six words");
    if (this.#library.symbols.rtt_figures(this.#pointer, questions, BigInt(lanes.length), answers) < 0n) {
      throw new NativeError(this.#lastError());
    }
    return lanes.map((_, at) =>
      answers[at * words] === 1n ? answers.subarray(at * words + 1, (at + 1) * words) : undefined
    );
  }

  /** Ends the connection and its thread, and frees it when nothing waits on it any more. */
  async close(): Promise<void> {
    const pointer = this.#pointer;
    if (pointer === null) return;
    this.#pointer = null;
    this.#library.symbols.rtt_link_shut(pointer);
    await this.#waiting;
    this.#library.symbols.rtt_link_close(pointer);
  }
}

/** Loads the library in these bytes. It stays loaded until the process ends. */
export function openNative(library: Uint8Array<ArrayBuffer>): Native {
  return new Native(loadFromMemory(library, "librtt_panel.so", (path) => Deno.dlopen(path, SYMBOLS)));
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function size(bytes: Uint8Array): bigint {
  return BigInt(bytes.length);
}
