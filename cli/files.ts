/** Files that are whole or not there: every write goes to a new file beside it, is synced, and takes the name at the end. */
import { dirname } from "node:path";
import { EXIT, issue, RttError } from "../core/errors.ts";
import { LIMITS } from "../core/limits.ts";

/** Writes `bytes` to `path`, atomically and durably, making folders on the way. False when they were there already. */
export function writeWhole(path: string, bytes: Uint8Array, mode = 0o644): boolean {
  if (sameBytes(readIfThere(path), bytes)) return false;
  Deno.mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${Deno.pid}.new`;
  try {
    using file = Deno.openSync(temporary, { write: true, createNew: true, mode });
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    file.syncSync();
    Deno.renameSync(temporary, path);
  } catch (thrown) {
    removeIfThere(temporary);
    throw thrown;
  }
  return true;
}

/** The bytes of a file that a command was given; `what` it is, for whoever gave another path: `the plan`, `the key`. */
export function readInput(path: string, what: string): Uint8Array<ArrayBuffer> {
  try {
    const { isFile, isDirectory, size } = Deno.statSync(path);
    if (!isFile) throw unreadable(path, what, isDirectory ? "it is a folder" : "it is no regular file");
    if (size > LIMITS.inputBytes) throw unreadable(path, what, `it is larger than ${LIMITS.inputBytes} bytes`);
    return Deno.readFileSync(path);
  } catch (thrown) {
    const why = systemWhy(thrown);
    throw why === undefined ? thrown : unreadable(path, what, why);
  }
}

/** Does what writes to a path that a command was given; a path that can't be written is the caller's to correct. */
export function writeOutput<T>(path: string, what: string, write: () => T): T {
  try {
    return write();
  } catch (thrown) {
    const why = systemWhy(thrown);
    // Another path on a full disk would help nobody.
    if (why === undefined || isDiskFull(thrown)) throw thrown;
    throw new RttError(EXIT.badInput, [
      issue("output.unwritable", `cannot write ${what} \`${path}\` because ${why}`, "name another path"),
    ]);
  }
}

function unreadable(path: string, what: string, why: string): RttError {
  return new RttError(EXIT.badInput, [
    issue("input.unreadable", `cannot read ${what} \`${path}\` because ${why}`, "correct the path, or who may read it"),
  ]);
}

/** What the system says against a path, as a reason; undefined when it was not the system that threw. */
export function systemWhy(thrown: unknown): string | undefined {
  if (thrown instanceof Deno.errors.NotFound) return "it is not there";
  if (thrown instanceof Deno.errors.NotADirectory) return "a part of the path is no folder";
  if (thrown instanceof Deno.errors.AlreadyExists) return "a file is there";
  if (thrown instanceof Deno.errors.IsADirectory) return "it is a folder";
  if (thrown instanceof Deno.errors.PermissionDenied) return "this user may not";
  return thrown instanceof Error && /\(os error \d+\)/.test(thrown.message) ? thrown.message : undefined;
}

/** The bytes of a file, or undefined when there is none. */
export function readIfThere(path: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return undefined;
    throw thrown;
  }
}

export function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

/** Names in a folder, sorted; none when there is no such folder. */
export function namesIn(folder: string): readonly string[] {
  try {
    return [...Deno.readDirSync(folder)].map((each) => each.name).sort();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}

function sameBytes(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && one.length === other.length && one.every((byte, at) => byte === other[at]);
}

const NO_ROOM: readonly unknown[] = ["ENOSPC", "EDQUOT", "native.noSpace"];

/** The disk, or the user's share of it, has no room. */
export function isDiskFull(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && NO_ROOM.includes(thrown.code);
}
