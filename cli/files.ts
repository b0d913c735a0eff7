/** Files that are whole or not there: every write goes to a new file beside it, is synced, and takes the name at the end. */
import { dirname } from "node:path";

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
