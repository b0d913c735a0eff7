/**
 * The panel's native side under types. Importing this does nothing; `openNative` loads the library. All of it belongs to the
 * panel's daemon: no other command needs native code.
 */
import { type Library, loadLibrary, NativeError } from "./load.ts";
import { type MessageLink, openLink } from "./link.ts";
import { type KeeperProcess, openKeeperProcess } from "./process.ts";
import type { Calls } from "./symbols.ts";

export { NativeError } from "./load.ts";
export { type LaneGeometry, type Message, type MessageLink } from "./link.ts";
export type { KeeperProcess } from "./process.ts";

/** Bytes of the longest error that the library keeps. */
const ERROR_BYTES = 8 * 1024;

/** Held by one process at a time, until it is disposed of or the process is gone. */
export type Lock = Disposable;

export interface Folder extends Disposable {
  /** `/proc/self/fd/N`: short whatever the folder's own path is. For this process only. */
  readonly path: string;
  /** Makes names in the folder durable. */
  sync(): void;
}

/** The file under the log. Everything throws `NativeError` with `native.noSpace` or `native.disk`. */
export interface DurableFile extends Disposable {
  write(offset: number, bytes: Uint8Array<ArrayBuffer>): void;
  sync(): void;
  /** False: the disk is full. */
  reserve(bytes: number): boolean;
  renew(bytes: Uint8Array<ArrayBuffer>): void;
}

/** Where a keeper works. */
export interface KeeperPlaces {
  readonly run: string;
  readonly store: string;
  readonly logs: string;
  readonly project: string;
  /** Takes what the keeper itself says. */
  readonly words: string;
}

export interface Native extends Disposable {
  /** CLOCK_MONOTONIC, nanoseconds. */
  monotonicNs(): number;
  /** Undefined: another process holds it. The file says which (`lockHolder`). */
  lock(path: string): Lock | undefined;
  openFolder(path: string): Folder;
  /** The file is made if it is not there; its folder must be. */
  openFile(path: string): DurableFile;
  /** Tells systemd; false when nobody asked to be told. */
  notify(state: string): boolean;
  /** Peers of the socket served at exactly this path that are not ours: shut down now, and how many they were. */
  strangers(socketPath: string): number;
  startKeeper(places: KeeperPlaces, keeper: Uint8Array<ArrayBuffer>, drivers: Uint8Array<ArrayBuffer>): KeeperProcess;
  /** Undefined: no keeper listens in this folder. */
  connect(run: string): MessageLink | undefined;
}

export function openNative(library: Uint8Array<ArrayBuffer>): Native {
  const loaded = loadLibrary(library);
  return natively(loaded, checker(loaded.calls));
}

/** The process that a lock file names; 0 when it names none. */
export function lockHolder(path: string): number {
  try {
    return Number.parseInt(Deno.readTextFileSync(path), 10) || 0;
  } catch {
    return 0;
  }
}

export type Check = (answer: number) => number;

/** -1 becomes an error with the library's words. */
function checker(calls: Calls): Check {
  const buffer = new Uint8Array(ERROR_BYTES);
  return (answer) => {
    if (answer !== -1) return answer;
    const count = calls.rtt_last_error(buffer, BigInt(buffer.length));
    const [code = "", ...message] = new TextDecoder().decode(buffer.slice(0, count)).split("\n");
    throw new NativeError(code || "native.unknown", message.join("\n") || "cannot do it because a native call failed");
  };
}

function natively(loaded: Library, check: Check): Native {
  const { calls } = loaded;
  const encoder = new TextEncoder();
  const withText = (call: (bytes: Uint8Array<ArrayBuffer>, length: bigint) => number, text: string): number => {
    const bytes = encoder.encode(text);
    return check(call(bytes, BigInt(bytes.length)));
  };
  return {
    monotonicNs: () => calls.rtt_clock_ns(),
    lock(path) {
      const lock = withText(calls.rtt_lock_take, path);
      return lock === 0 ? undefined : { [Symbol.dispose]: () => void check(calls.rtt_lock_drop(lock)) };
    },
    openFolder(path) {
      const folder = withText(calls.rtt_folder_open, path);
      return {
        path: `/proc/self/fd/${check(calls.rtt_folder_descriptor(folder))}`,
        sync: () => void check(calls.rtt_folder_sync(folder)),
        [Symbol.dispose]: () => void check(calls.rtt_folder_drop(folder)),
      };
    },
    openFile(path) {
      const file = withText(calls.rtt_file_open, path);
      return {
        write: (offset, bytes) => void check(calls.rtt_file_write(file, BigInt(offset), bytes, BigInt(bytes.length))),
        sync: () => void check(calls.rtt_file_sync(file)),
        reserve: (bytes) => check(calls.rtt_file_reserve(file, BigInt(bytes))) === 1,
        renew: (bytes) => void check(calls.rtt_file_renew(file, bytes, BigInt(bytes.length))),
        [Symbol.dispose]: () => void check(calls.rtt_file_drop(file)),
      };
    },
    notify: (state) => withText(calls.rtt_notify, state) === 1,
    strangers: (path) => withText(calls.rtt_strangers, path),
    startKeeper: (places, keeper, drivers) => openKeeperProcess(calls, check, places, keeper, drivers),
    connect(run) {
      const link = withText(calls.rtt_link_open, run);
      return link === 0 ? undefined : openLink(calls, check, link);
    },
    [Symbol.dispose]: () => loaded[Symbol.dispose](),
  };
}
