/** The log is believed whole or not at all: no flipped byte, lost block or stray byte is taken for what was written. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { WalRecord } from "../../core/apply/types.ts";
import { encodeLog, Log, openLog } from "../../core/apply/wal.ts";
import { BLOCK, SECTOR } from "../../core/apply/wal_sectors.ts";
import { FakeDisk } from "../fakes/disk.ts";
import { hasher } from "../fakes/hasher.ts";
import { chain, commit, decision, planA, planB, RICH, undo } from "../fakes/log.ts";
import { Random } from "../fakes/random.ts";

const good = encodeLog(RICH, hasher);
const padded = withZeroes(good, 3 * SECTOR);

function withZeroes(bytes: Uint8Array, zeroes: number): Uint8Array {
  const out = new Uint8Array(bytes.length + zeroes);
  out.set(bytes);
  return out;
}

/** How many records of `RICH` are read, or "refused". */
function read(bytes: Uint8Array, of: readonly WalRecord[] = RICH): number | "refused" {
  const opened = openLog(bytes, hasher);
  if (!opened.ok) return "refused";
  const { records } = opened.value;
  assertEquals(records, of.slice(0, records.length));
  return records.length;
}

Deno.test("a whole log is read as it was written, with or without zeroes behind it", () => {
  assertEquals([read(good), read(padded), read(new Uint8Array(0)), read(new Uint8Array(SECTOR))], [7, 7, 0, 0]);
});

const short = encodeLog(RICH.slice(0, 3), hasher);

Deno.test("each single flipped byte of the records is refused", () => {
  for (let at = 0; at < short.length; at++) {
    const bad = withZeroes(short, SECTOR);
    bad[at] = (bad[at] ?? 0) ^ (1 << at % 8);
    assertEquals(read(bad), "refused", `byte ${at}`);
  }
});

Deno.test("a flipped byte behind the records is refused, or cut as the beginning of a write that was never synced", () => {
  for (let at = short.length; at < short.length + 2 * SECTOR; at++) {
    const bad = withZeroes(short, 2 * SECTOR);
    bad[at] = 1 << at % 8;
    const opened = openLog(bad, hasher);
    const isNext = at < short.length + SECTOR;
    assert(opened.ok ? isNext && opened.value.cut && opened.value.records.length === 3 : true, `byte ${at}`);
  }
});

Deno.test("several flipped bytes never make another log", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 6 }),
      (flips) => {
        const bad = padded.slice();
        for (const [at, bits] of flips) bad[at] = (bad[at] ?? 0) ^ bits;
        return read(bad) === "refused" || bad.every((byte, at) => byte === padded[at]);
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("random bytes are no log", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3 * SECTOR }), (bytes) => {
      const opened = openLog(bytes, hasher);
      return !opened.ok || opened.value.records.length === 0;
    }),
    { numRuns: 300 },
  );
});

Deno.test("any blocks of the last record may be missing or torn after a crash: it is cut, and nothing else", () => {
  const before = encodeLog(RICH.slice(0, -1), hasher).length;
  fc.assert(
    fc.property(fc.infiniteStream(fc.constantFrom("whole", "none", "torn")), fc.nat(BLOCK - 9), (fates, tornAt) => {
      const bytes = padded.slice();
      let damaged = false;
      for (let at = before; at < good.length; at += BLOCK) {
        const fate = fates.next().value;
        if (fate === "whole") continue;
        damaged = true;
        bytes.fill(0, at + (fate === "torn" ? tornAt : 0), at + BLOCK);
      }
      return read(bytes) === (damaged ? RICH.length - 1 : RICH.length);
    }),
    { numRuns: 300 },
  );
});

Deno.test("a file that ends anywhere in its last record is a torn tail, anywhere before it a damaged log or a shorter one", () => {
  const before = encodeLog(RICH.slice(0, -1), hasher).length;
  for (let length = before; length < good.length; length += 37) {
    assertEquals(read(good.slice(0, length)), RICH.length - 1, `${length} bytes`);
  }
});

Deno.test("a record that is missing in the middle is refused, and its number is said", () => {
  const holes = padded.slice();
  const [from, to] = [encodeLog(RICH.slice(0, 2), hasher).length, encodeLog(RICH.slice(0, 3), hasher).length];
  holes.fill(0, from, to);
  const opened = openLog(holes, hasher);
  assert(!opened.ok);
  assert(opened.issues[0]?.message.includes("record 3"), opened.issues[0]?.message);
  assertEquals(opened.issues[0]?.code, "wal.damaged");
});

Deno.test("records out of order, twice or left out are refused", () => {
  const pieces = RICH.map((each) => encodeLog([each], hasher));
  fc.assert(
    fc.property(fc.shuffledSubarray(pieces.map((_, at) => at), { minLength: 1 }), (order) => {
      const bytes = withZeroes(Uint8Array.from(order.flatMap((at) => [...(pieces[at] ?? [])])), SECTOR);
      const kept = order.flatMap((at) => RICH[at] ?? []);
      return read(bytes, kept) === (followsFrom(order) ? order.length : "refused");
    }),
    { numRuns: 200, examples: [[RICH.map((_, at) => at).filter((at) => RICH[at + 1]?.body.kind !== "R")]] },
  );
});

/** Each record is behind the one before it, or is an R behind the one before its decision, whose absence it proves. */
function followsFrom(order: readonly number[]): boolean {
  return order.every((at, index) => {
    const before = order[index - 1] ?? -1;
    return before === at - 1 || (before === at - 2 && RICH[at]?.body.kind === "R");
  });
}

Deno.test("a gap is believed only where an R proves it", () => {
  const [first, second] = chain([decision(planA, 1, 1), commit(planA, 1)]);
  const whole = chain([decision(planA, 1, 1), commit(planA, 1), decision(planB, 2, 3), undo]);
  const rollback = whole[3];
  assert(first && second && rollback);
  assertEquals(read(encodeLog([first, second, rollback], hasher), [first, second, rollback]), 3);
  const later = chain([decision(planA, 1, 1), commit(planA, 1), decision(planB, 2, 3), commit(planB, 2)])[3];
  assert(later);
  assertEquals(read(encodeLog([first, second, later], hasher)), "refused");
});

Deno.test("a log whose chain is whole and whose story is not is refused", () => {
  const stories = [
    [commit(planA, 1)],
    [decision(planA, 1, 1), decision(planB, 2, 3)],
    [decision(planA, 1, 1), commit(planB, 1)],
    [decision(planA, 1, 1), commit(planA, 2)],
    [undo],
  ];
  for (const story of stories) assertEquals(read(encodeLog(chain(story), hasher)), "refused");
});

Deno.test("after a failed sync nothing is appended, and the next opening makes what it read durable first", () => {
  for (const failing of ["write", "sync"] as const) {
    const disk = new FakeDisk(new Random(1));
    const log = Log.open(disk, hasher);
    assert(log.ok);
    assert(log.value.append(decision(planA, 1, 1)).ok);
    disk.failing = failing;
    const failed = log.value.append({ ...commit(planA, 1), decision: 1 } as ReturnType<typeof commit>);
    assert(!failed.ok);
    assert(!log.value.append({ ...commit(planA, 1), decision: 1 } as ReturnType<typeof commit>).ok);
    assertEquals(log.value.seq, 1);
    assertEquals(log.value.reserve(1), "noDisk");
    const again = Log.open(disk, hasher);
    assert(again.ok);
    const { root } = again.value;
    disk.powerCut();
    const after = openLog(disk.read(), hasher);
    assert(after.ok);
    assertEquals(after.value.root, root);
  }
});

Deno.test("a log opens after any power cut with what was synced, and perhaps the one record that was not", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(6), (seed, synced) => {
      const disk = new FakeDisk(new Random(seed));
      const log = Log.open(disk, hasher);
      assert(log.ok && log.value.reserve(64 * SECTOR) === "made");
      for (const { body } of RICH.slice(0, synced)) assert(log.value.append(body).ok);
      disk.failing = "sync";
      const next = RICH[synced];
      if (next) log.value.append(next.body);
      disk.powerCut();
      const length = read(disk.read());
      return length === synced || (length === synced + 1 && next !== undefined);
    }),
    { numRuns: 200 },
  );
});

Deno.test("a log that is full, or whose disk is, has no room, and says which", () => {
  const disk = new FakeDisk(new Random(1));
  const log = Log.open(disk, hasher);
  assert(log.ok);
  assertEquals(log.value.reserve(2 ** 40), "noLog");
  disk.full = true;
  assertEquals(log.value.reserve(SECTOR), "noDisk");
});
