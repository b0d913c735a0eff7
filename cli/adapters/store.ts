/** Content by its SHA-256, one file an object, in `.rtt/store`. What is read back is checked before anybody uses it. */
import type { Hash } from "../../core/model/names.ts";
import type { Hasher, Store } from "../../core/ports.ts";
import { readIfThere, writeWhole } from "../files.ts";

export function openStore(folder: string, hasher: Hasher): Store {
  const pathOf = (hash: Hash) => `${folder}/${hash}`;
  /** Objects whose bytes this process has checked, and what their files were then: untouched, they need no second reading. */
  const checked = new Map<Hash, string>();
  const get = (hash: Hash) => {
    const before = stampOf(pathOf(hash));
    const bytes = before === undefined ? undefined : readIfThere(pathOf(hash));
    if (before === undefined || !bytes || hasher.sha256(bytes) !== hash) return undefined;
    checked.set(hash, before);
    return bytes;
  };
  const has = (hash: Hash) => {
    const now = stampOf(pathOf(hash));
    return now !== undefined && (checked.get(hash) === now || get(hash) !== undefined);
  };
  return {
    get,
    has,
    put(bytes) {
      const hash = hasher.sha256(bytes);
      if (!has(hash)) writeWhole(pathOf(hash), bytes, 0o444);
      checked.set(hash, stampOf(pathOf(hash)) ?? "");
      return hash;
    },
  };
}

/** Changes with every write to the file; undefined when there is none. */
function stampOf(path: string): string | undefined {
  try {
    const { ino, size, mtime, ctime } = Deno.lstatSync(path);
    return [ino, size, mtime?.getTime(), ctime?.getTime()].join(" ");
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
