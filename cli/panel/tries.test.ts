import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../core/limits.ts";
import { Tries } from "./tries.ts";

const { most, holdsNs, longestNs } = LIMITS.tries;

Deno.test(`${most} tries, each later than the one before; one more is none`, () => {
  const tries = new Tries({ monotonicNs: () => 1 });
  const waits = Array.from({ length: most }, () => tries.next());
  assertEquals(waits, [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
  assertEquals(tries.next(), undefined);
});

Deno.test("what has held for long enough is tried as often again", () => {
  let nowNs = 0;
  const tries = new Tries({ monotonicNs: () => nowNs });
  for (let made = 0; made < most; made++) tries.next();
  nowNs = holdsNs + longestNs - 1;
  assertEquals(tries.next(), undefined);
  nowNs++;
  assertEquals(tries.next(), 50);
});

Deno.test("what has done its work begins the count anew", () => {
  const tries = new Tries({ monotonicNs: () => 1 });
  for (let held = 0; held < 3; held++) {
    for (let made = 1; made < LIMITS.tries.most; made++) assert(tries.next() !== undefined);
    tries.held();
  }
  assertEquals(tries.next(), LIMITS.tries.firstNs / 1e6);
});
