/**
 * As much of WASI (preview 1) as a Go program needs that reads its standard input, writes its standard output and ends.
 * It gives no files, no network, no environment, no real clock and no randomness, so that a run is a pure function of its
 * input: the clock only counts the questions, and "random" bytes are always the same.
 */

const SUCCESS = 0;
const BAD_DESCRIPTOR = 8;
const NOT_SUPPORTED = 52;
const CHARACTER_DEVICE = 2;
const STDIN = 0;
const STDERR = 2;
/** Bytes of one `iovec`: a pointer and a length. */
const VECTOR_BYTES = 8;
/** What the clock advances by with each question, nanoseconds. */
const TICK_NS = 1_000_000n;

/** Thrown by `proc_exit` to leave the program. */
class Exit {
  constructor(readonly code: number) {}
}

export interface Ended {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** Runs a module's `_start` to its end in a fresh instance. A trap is thrown as it is. */
export async function run(module: WebAssembly.Module, stdin: Uint8Array): Promise<Ended> {
  const world = new World(stdin);
  const instance = await WebAssembly.instantiate(module, world.imports(module));
  const { memory, _start: start } = instance.exports;
  if (!(memory instanceof WebAssembly.Memory) || typeof start !== "function") {
    throw new Error("bug: the module is no WASI program");
  }
  world.memory = memory;
  try {
    start();
  } catch (thrown) {
    if (thrown instanceof Exit) return { code: thrown.code, stdout: world.out.bytes(), stderr: world.err.bytes() };
    throw thrown;
  }
  return { code: 0, stdout: world.out.bytes(), stderr: world.err.bytes() };
}

class Collected {
  readonly #pieces: Uint8Array[] = [];

  add(piece: Uint8Array): void {
    this.#pieces.push(piece.slice());
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.#pieces.reduce((sum, each) => sum + each.length, 0));
    let at = 0;
    for (const each of this.#pieces) {
      all.set(each, at);
      at += each.length;
    }
    return all;
  }
}

type Call = (...args: number[]) => number;

class World {
  readonly out = new Collected();
  readonly err = new Collected();
  memory: WebAssembly.Memory | undefined;
  #read = 0;
  #clock = 0n;

  constructor(readonly stdin: Uint8Array) {}

  /** Everything that the module asks for; what is not in `calls` answers that it is not supported. */
  imports(module: WebAssembly.Module): WebAssembly.Imports {
    const calls = this.#calls();
    const given: Record<string, Record<string, Call>> = {};
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      (given[from] ??= {})[name] = calls[name] ?? (() => NOT_SUPPORTED);
    }
    return given;
  }

  #calls(): Record<string, Call> {
    return {
      args_sizes_get: (count, bytes) => this.#words([count, 0], [bytes, 0]),
      args_get: () => SUCCESS,
      environ_sizes_get: (count, bytes) => this.#words([count, 0], [bytes, 0]),
      environ_get: () => SUCCESS,
      clock_time_get: (_clock, _precision, result = 0) => {
        this.#clock += TICK_NS;
        this.#view().setBigUint64(result, this.#clock, true);
        return SUCCESS;
      },
      random_get: (at = 0, length = 0) => {
        for (let offset = 0; offset < length; offset++) this.#view().setUint8(at + offset, (offset * 151 + 83) & 0xff);
        return SUCCESS;
      },
      sched_yield: () => SUCCESS,
      poll_oneoff: (_subscriptions, _events, _count, ready) => this.#words([ready, 0]),
      proc_exit: (code = 0) => {
        throw new Exit(code);
      },
      fd_fdstat_get: (fd = 0, result = 0) => this.#describe(fd, result),
      fd_fdstat_set_flags: (fd = 0) => fd > STDERR ? BAD_DESCRIPTOR : SUCCESS,
      fd_prestat_get: () => BAD_DESCRIPTOR,
      fd_close: () => SUCCESS,
      fd_read: (fd = 0, vectors = 0, count = 0, result = 0) => this.#readInto(fd, vectors, count, result),
      fd_write: (fd = 0, vectors = 0, count = 0, result = 0) => this.#writeFrom(fd, vectors, count, result),
    };
  }

  #view(): DataView {
    if (!this.memory) throw new Error("bug: the program runs before it has memory");
    return new DataView(this.memory.buffer);
  }

  #words(...pairs: readonly (readonly [number | undefined, number])[]): number {
    for (const [at = 0, value] of pairs) this.#view().setUint32(at, value, true);
    return SUCCESS;
  }

  /** The three standard descriptors are character devices; there are no others. */
  #describe(fd: number, result: number): number {
    if (fd > STDERR) return BAD_DESCRIPTOR;
    const view = this.#view();
    view.setUint8(result, CHARACTER_DEVICE);
    view.setUint16(result + 2, 0, true);
    view.setBigUint64(result + 8, 0n, true);
    view.setBigUint64(result + 16, 0n, true);
    return SUCCESS;
  }

  #readInto(fd: number, vectors: number, count: number, result: number): number {
    if (fd !== STDIN) return BAD_DESCRIPTOR;
    let total = 0;
    for (const piece of this.#pieces(vectors, count)) {
      const bytes = this.stdin.subarray(this.#read, this.#read + piece.length);
      piece.set(bytes);
      this.#read += bytes.length;
      total += bytes.length;
    }
    return this.#words([result, total]);
  }

  #writeFrom(fd: number, vectors: number, count: number, result: number): number {
    if (fd === STDIN || fd > STDERR) return BAD_DESCRIPTOR;
    let total = 0;
    for (const piece of this.#pieces(vectors, count)) {
      (fd === STDERR ? this.err : this.out).add(piece);
      total += piece.length;
    }
    return this.#words([result, total]);
  }

  #pieces(vectors: number, count: number): Uint8Array[] {
    const view = this.#view();
    return Array.from({ length: count }, (_, index) => {
      const at = vectors + index * VECTOR_BYTES;
      return new Uint8Array(view.buffer, view.getUint32(at, true), view.getUint32(at + 4, true));
    });
  }
}
