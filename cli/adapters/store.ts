/** Content by its SHA-256, one file an object, in `.rtt/store`. What is read back is checked before anybody uses it. */
import type { Hash } from "../../core/model/names.ts";
import type { Hasher, Store } from "../../core/ports.ts";
import { isThere, readIfThere, writeWhole } from "../files.ts";

export function openStore(folder: string, hasher: Hasher): Store {
  const pathOf = (hash: Hash) => `${folder}/${hash}`;
  /** Objects whose bytes were checked by this process: to be asked whether they are there, they need no second reading. */
  const checked = new Set<Hash>();
  const get = (hash: Hash) => {
    const bytes = readIfThere(pathOf(hash));
    if (!bytes || hasher.sha256(bytes) !== hash) return undefined;
    checked.add(hash);
    return bytes;
  };
  const has = (hash: Hash) => checked.has(hash) ? isThere(pathOf(hash)) : get(hash) !== undefined;
  return {
    get,
    has,
    put(bytes) {
      const hash = hasher.sha256(bytes);
      if (!has(hash)) writeWhole(pathOf(hash), bytes, 0o444);
      checked.add(hash);
      return hash;
    },
  };
}
