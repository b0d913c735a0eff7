/** A content store in memory. */
import type { Hash } from "../../core/model/names.ts";
import type { Hasher, Store } from "../../core/ports.ts";

export class FakeStore implements Store {
  readonly #objects = new Map<Hash, Uint8Array>();

  constructor(readonly hasher: Hasher) {}

  get(hash: Hash): Uint8Array | undefined {
    return this.#objects.get(hash);
  }

  put(bytes: Uint8Array): Hash {
    const hash = this.hasher.sha256(bytes);
    this.#objects.set(hash, bytes);
    return hash;
  }

  has(hash: Hash): boolean {
    return this.#objects.has(hash);
  }
}
