/**
 * A disk under the log that does what disks do: writes stay in the page cache until they are synced, an fsync that fails
 * marks them clean all the same, and when the power goes any blocks of what was not synced are there, torn or missing.
 */
import type { WalStorage } from "../../core/ports.ts";
import type { Random } from "./random.ts";

const BLOCK = 512;

export class FakeDisk implements WalStorage {
  /** What a reader sees. */
  #cache = new Uint8Array(0);
  /** What is there after the power was gone. */
  #platter = new Uint8Array(0);
  /** Blocks of the cache that the platter may not have. */
  readonly #dirty = new Set<number>();
  /** Blocks that a failed fsync has called clean. */
  readonly #lost = new Set<number>();
  /** The next write or sync throws. */
  failing: "write" | "sync" | "renew" | undefined;
  full = false;

  constructor(readonly random: Random, bytes = new Uint8Array(0)) {
    this.#cache = bytes.slice();
    this.#platter = bytes.slice();
  }

  read(): Uint8Array {
    return this.#cache.slice();
  }

  /** What is certain to survive. */
  durable(): Uint8Array {
    return this.#platter.slice();
  }

  write(offset: number, sectors: Uint8Array): void {
    if (this.#fails("write")) throw new Error("input/output error on write");
    if (this.full && offset + sectors.length > this.#cache.length) throw new Error("no space left on device");
    this.#cache = grown(this.#cache, offset + sectors.length);
    this.#cache.set(sectors, offset);
    for (let at = offset; at < offset + sectors.length; at += BLOCK) this.#dirty.add(at);
  }

  sync(): void {
    if (this.#fails("sync")) {
      // Any of them may have got there before it failed.
      for (const at of this.#dirty) {
        if (this.random.chance(0.5)) this.#land(at);
        else this.#lost.add(at);
      }
      this.#dirty.clear();
      throw new Error("input/output error on fdatasync");
    }
    for (const at of this.#dirty) {
      this.#land(at);
      this.#lost.delete(at);
    }
    this.#dirty.clear();
  }

  reserve(bytes: number): boolean {
    if (this.full) return false;
    this.#cache = grown(this.#cache, bytes);
    this.#platter = grown(this.#platter, bytes);
    return true;
  }

  renew(sectors: Uint8Array): void {
    if (this.#fails("renew")) throw new Error("input/output error on rename");
    // In a new file, or in the old one where there is no room for two: the room behind them stays either way.
    this.#cache = grown(sectors.slice(), this.#cache.length);
    this.#platter = this.#cache.slice();
    this.#dirty.clear();
    this.#lost.clear();
  }

  /** The power goes: of each block that was not synced the disk has all, the first bytes, or nothing. */
  powerCut(): void {
    for (const at of [...this.#dirty, ...this.#lost]) {
      if (this.random.chance(0.4)) this.#land(at);
      else if (this.random.chance(0.2)) this.#land(at, this.random.below(BLOCK / 8) * 8);
    }
    this.#dirty.clear();
    this.#lost.clear();
    this.#cache = this.#platter.slice();
  }

  /** Memory pressure: what was called clean but never got to the disk is read back as the disk has it. */
  evict(): void {
    if (this.#dirty.size === 0) this.powerCut();
  }

  #land(at: number, bytes = BLOCK): void {
    this.#platter = grown(this.#platter, Math.min(at + BLOCK, this.#cache.length));
    this.#platter.set(this.#cache.subarray(at, at + bytes), at);
  }

  #fails(what: "write" | "sync" | "renew"): boolean {
    if (this.failing !== what) return false;
    this.failing = undefined;
    return true;
  }
}

function grown(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (bytes.length >= length) return bytes;
  const more = new Uint8Array(length);
  more.set(bytes);
  return more;
}
