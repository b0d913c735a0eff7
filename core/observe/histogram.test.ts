import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { bucketOf, BUCKETS, lowerEdge, quantile, since, upperEdge } from "./histogram.ts";

Deno.test("every value lies between the edges of its bucket", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: lowerEdge(BUCKETS - 1) * 0.999, noNaN: true }), (value) => {
      const ns = Math.floor(value);
      const bucket = bucketOf(ns);
      assert(lowerEdge(bucket) <= ns && ns < upperEdge(bucket), `${ns} in ${bucket}`);
    }),
  );
});

Deno.test("edges rise, and a bucket is at most an eighth wide", () => {
  for (let bucket = 1; bucket < BUCKETS; bucket++) {
    assert(lowerEdge(bucket) > lowerEdge(bucket - 1));
    if (bucket >= 8 && bucket < BUCKETS - 1) assert(upperEdge(bucket) <= lowerEdge(bucket) * 1.125);
    assertEquals(bucketOf(lowerEdge(bucket)), bucket);
  }
});

Deno.test("a quantile is never too small, and at most an eighth too large", () => {
  const values = fc.array(fc.integer({ min: 0, max: 1_000_000_000 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(values, fc.constantFrom(500, 950, 990), (samples, permille) => {
      const counts = new Array<number>(BUCKETS).fill(0);
      for (const each of samples) counts[bucketOf(each)] = (counts[bucketOf(each)] ?? 0) + 1;
      const sorted = [...samples].sort((one, other) => one - other);
      const exact = sorted[Math.max(1, Math.ceil(samples.length * permille / 1_000)) - 1] ?? 0;
      const found = quantile(counts, permille);
      assert(found !== null && found >= exact && found <= Math.max(exact * 1.126, exact + 1), `${found} for ${exact}`);
    }),
  );
});

Deno.test("without samples there is no quantile, and counts that went back are none", () => {
  assertEquals(quantile(new Array<number>(BUCKETS).fill(0), 990), null);
  assertEquals(since([5, 1], [2, 4]), [3, 0]);
});
