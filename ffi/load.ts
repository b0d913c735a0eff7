/** Loads the native library from bytes: from a sealed file in memory, so that nothing on disk can be exchanged under it. */
import { ABI, type Calls, MEMORY_SYMBOLS, SYMBOLS } from "./symbols.ts";

/** What the native side refused: a stable code and a sentence. */
export class NativeError extends Error {
  constructor(readonly code: string, message: string) {
    super(message);
    this.name = "NativeError";
  }
}

/** `memfd_create`: closed at exec, may be sealed, and (from Linux 6.3) never to be executed as a program. */
const MEMORY_FLAGS = [0x1 | 0x2 | 0x8, 0x1 | 0x2] as const;
const F_ADD_SEALS = 1033;
/** SEAL, SHRINK, GROW, WRITE. */
const ALL_SEALS = 0x1 | 0x2 | 0x4 | 0x8;

export interface Library extends Disposable {
  readonly calls: Calls;
}

export function loadLibrary(bytes: Uint8Array<ArrayBuffer>): Library {
  const library = fromMemory(bytes) ?? fromPrivateFolder(bytes);
  const calls = library.symbols;
  const abi = calls.rtt_panel_abi();
  if (abi !== ABI) {
    library.close();
    throw new NativeError(
      "native.abi",
      `cannot use the native library because its version is ${abi} and this program needs ${ABI}`,
    );
  }
  return { calls, [Symbol.dispose]: () => library.close() };
}

/** Undefined where the host allows no files in memory. */
function fromMemory(bytes: Uint8Array<ArrayBuffer>): Deno.DynamicLibrary<typeof SYMBOLS> | undefined {
  using libc = cLibrary();
  const name = new TextEncoder().encode("librtt_panel.so\0");
  const made = MEMORY_FLAGS.map((flags) => () => libc.symbols.memfd_create(name, flags));
  const memory = made.reduce((descriptor, make) => descriptor >= 0 ? descriptor : make(), -1);
  if (memory < 0) return undefined;
  try {
    for (let at = 0; at < bytes.length;) {
      const rest = bytes.subarray(at);
      const written = Number(libc.symbols.write(memory, rest, BigInt(rest.length)));
      if (written <= 0) return undefined;
      at += written;
    }
    if (libc.symbols.fcntl(memory, F_ADD_SEALS, ALL_SEALS) !== 0) return undefined;
    return Deno.dlopen(`/proc/self/fd/${memory}`, SYMBOLS);
  } finally {
    libc.symbols.close(memory); // What is mapped stays.
  }
}

function cLibrary(): Deno.DynamicLibrary<typeof MEMORY_SYMBOLS> & Disposable {
  const library = Deno.dlopen("libc.so.6", MEMORY_SYMBOLS);
  return { symbols: library.symbols, close: () => library.close(), [Symbol.dispose]: () => library.close() };
}

/** A new folder that only we can enter; it is gone again before anything is called. */
export function fromPrivateFolder(bytes: Uint8Array<ArrayBuffer>): Deno.DynamicLibrary<typeof SYMBOLS> {
  const folder = Deno.makeTempDirSync({ prefix: "rtt-" });
  try {
    const path = `${folder}/librtt_panel.so`;
    Deno.writeFileSync(path, bytes, { createNew: true, mode: 0o500 });
    const there = Deno.readFileSync(path);
    if (there.length !== bytes.length || there.some((byte, at) => byte !== bytes[at])) {
      throw new NativeError("native.changed", `cannot use ${path} because somebody changed it`);
    }
    return Deno.dlopen(path, SYMBOLS);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
