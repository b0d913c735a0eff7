/** Content by its SHA-256, one file an object, in `.rtt/store`. What is read back is checked before anybody uses it. */
import type { Hash } from "../../core/model/names.ts";
import type { Hasher, Store } from "../../core/ports.ts";
import { readIfThere, writeWhole } from "../files.ts";

export function openStore(folder: string, hasher: Hasher): Store {
  const pathOf = (hash: Hash) => `${folder}/${hash}`;
  const get = (hash: Hash) => {
    const bytes = readIfThere(pathOf(hash));
    return bytes && hasher.sha256(bytes) === hash ? bytes : undefined;
  };
  return {
    get,
    has: (hash) => get(hash) !== undefined,
    put(bytes) {
      const hash = hasher.sha256(bytes);
      if (get(hash) === undefined) writeWhole(pathOf(hash), bytes, 0o444);
      return hash;
    },
  };
}
