/**
 * How records lie on the disk. A record takes whole sectors of 4 KiB, each made of 512-byte blocks, since a block is what a
 * disk writes whole or not at all. A block is
 *
 *     seq u64 · part u32 · bytes u32 · 488 bytes of payload · magic u32 · CRC-32C u32        (little endian)
 *
 * where `part` counts the record's blocks from 0, `bytes` is the whole payload's length, and the CRC covers all before it.
 * The magic and the CRC come last, so that a block whose write did not reach its end has zeroes there: that is how a torn
 * block is told from a damaged one. A flipped byte can't make a torn block of a good one, so that it is always refused.
 */
import { assert } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Hasher } from "../ports.ts";

export const SECTOR = LIMITS.walSectorBytes;
export const BLOCK = 512;
const HEADER = 16;
const TRAILER = 8;
const PAYLOAD = BLOCK - HEADER - TRAILER;
const MAGIC = 0x3157_5452; // "RTW1"
const BLOCKS_OF_A_SECTOR = SECTOR / BLOCK;
const TWO_32 = 2 ** 32;

assert(SECTOR % BLOCK === 0, "sectors are whole blocks");

/** Bytes on the disk of a record whose payload has this length. */
export function sizeOnDisk(payloadBytes: number): number {
  return blocksOf(payloadBytes) * BLOCK;
}

/** Whole sectors' worth of blocks; the last ones may carry no payload. */
function blocksOf(payloadBytes: number): number {
  const needed = Math.max(1, Math.ceil(payloadBytes / PAYLOAD));
  return Math.ceil(needed / BLOCKS_OF_A_SECTOR) * BLOCKS_OF_A_SECTOR;
}

export function encodeSectors(seq: number, payload: Uint8Array, hasher: Hasher): Uint8Array {
  const blocks = blocksOf(payload.length);
  const out = new Uint8Array(blocks * BLOCK);
  for (let part = 0; part < blocks; part++) {
    const block = out.subarray(part * BLOCK, (part + 1) * BLOCK);
    const view = new DataView(block.buffer, block.byteOffset, BLOCK);
    view.setUint32(0, seq % TWO_32, true);
    view.setUint32(4, Math.floor(seq / TWO_32), true);
    view.setUint32(8, part, true);
    view.setUint32(12, payload.length, true);
    block.set(payload.subarray(part * PAYLOAD, (part + 1) * PAYLOAD), HEADER);
    view.setUint32(BLOCK - TRAILER, MAGIC, true);
    view.setUint32(BLOCK - 4, hasher.crc32c(block.subarray(0, BLOCK - 4)), true);
  }
  return out;
}

type Block =
  | { readonly kind: "good"; readonly seq: number; readonly part: number; readonly bytes: number }
  | { readonly kind: "zero" }
  /** Its write did not reach its end. */
  | { readonly kind: "torn" }
  | { readonly kind: "damaged" };

function blockAt(log: Uint8Array, at: number, hasher: Hasher): Block {
  const block = log.subarray(at, at + BLOCK);
  if (isZero(block, 0, block.length)) return { kind: "zero" };
  if (block.length < BLOCK) return { kind: "torn" }; // the file ends inside it
  if (isZero(block, BLOCK - TRAILER, BLOCK)) return { kind: "torn" };
  const view = new DataView(block.buffer, block.byteOffset, BLOCK);
  const crc = view.getUint32(BLOCK - 4, true);
  if (view.getUint32(BLOCK - TRAILER, true) !== MAGIC || crc !== hasher.crc32c(block.subarray(0, BLOCK - 4))) {
    return { kind: "damaged" };
  }
  const seq = view.getUint32(0, true) + view.getUint32(4, true) * TWO_32;
  return { kind: "good", seq, part: view.getUint32(8, true), bytes: view.getUint32(12, true) };
}

/** What lies at an offset of the log: a record's payload, the end, or why it can't be read on. */
export type Found =
  | { readonly kind: "record"; readonly seq: number; readonly payload: Uint8Array; readonly next: number }
  /** `torn`: what follows is the rest of a write that was never synced. */
  | { readonly kind: "end"; readonly torn: boolean }
  | { readonly kind: "damaged"; readonly why: string };

export function readSectors(log: Uint8Array, at: number, hasher: Hasher): Found {
  if (at >= log.length) return { kind: "end", torn: false };
  const first = blockAt(log, at, hasher);
  switch (first.kind) {
    case "good":
      return readRecord(log, at, first, hasher);
    case "damaged":
      return { kind: "damaged", why: "the checksum of its first block does not fit" };
    case "torn":
    case "zero":
      return readTail(log, at, undefined, hasher);
  }
}

function readRecord(
  log: Uint8Array,
  at: number,
  first: { seq: number; part: number; bytes: number },
  hasher: Hasher,
): Found {
  if (first.part !== 0) return { kind: "damaged", why: "it does not begin with its first block" };
  if (first.bytes > LIMITS.walRecordBytes) return { kind: "damaged", why: "it is longer than a record may be" };
  const blocks = blocksOf(first.bytes);
  const payload = new Uint8Array(first.bytes);
  for (let part = 0; part < blocks; part++) {
    const offset = at + part * BLOCK;
    const block = blockAt(log, offset, hasher);
    if (block.kind === "zero" || block.kind === "torn") return readTail(log, at, first, hasher);
    if (block.kind === "damaged") return { kind: "damaged", why: `the checksum of its block ${part} does not fit` };
    if (block.seq !== first.seq || block.part !== part || block.bytes !== first.bytes) {
      return { kind: "damaged", why: `its block ${part} belongs to another record` };
    }
    const piece = log.subarray(
      offset + HEADER,
      offset + HEADER + Math.max(0, Math.min(PAYLOAD, first.bytes - part * PAYLOAD)),
    );
    if (piece.length > 0) payload.set(piece, part * PAYLOAD);
    if (!isZero(log, offset + HEADER + piece.length, offset + BLOCK - TRAILER)) {
      return { kind: "damaged", why: `its block ${part} holds more than it says` };
    }
  }
  return { kind: "record", seq: first.seq, payload, next: at + blocks * BLOCK };
}

/**
 * From `at` on nothing may stand but what one unsynced write of one record can leave: some of its blocks, torn or whole, in
 * their places, and zeroes. Blocks of a record further on would mean that a synced record is missing.
 */
function readTail(
  log: Uint8Array,
  at: number,
  known: { seq: number; bytes: number } | undefined,
  hasher: Hasher,
): Found {
  let record = known;
  let torn = false;
  for (let offset = at; offset < log.length; offset += BLOCK) {
    const block = blockAt(log, offset, hasher);
    if (block.kind === "zero") continue;
    const part = (offset - at) / BLOCK;
    if (block.kind === "damaged") return { kind: "damaged", why: `its block ${part} is damaged` };
    torn = true;
    if (block.kind === "torn") {
      const inside = record ? part < blocksOf(record.bytes) : part < BLOCKS_OF_A_SECTOR;
      if (!inside) return { kind: "damaged", why: `something stands in the empty space after it, at byte ${offset}` };
      continue;
    }
    record ??= { seq: block.seq, bytes: block.bytes };
    const fits = block.part === part && block.seq === record.seq && block.bytes === record.bytes;
    if (!fits || part >= blocksOf(record.bytes)) {
      return { kind: "damaged", why: `it is missing, and a later record stands at byte ${offset}` };
    }
  }
  return { kind: "end", torn };
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false;
  return true;
}
