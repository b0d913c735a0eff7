/** The meet of version ranges is a meet: the order in which ranges are joined never matters. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  ANY_VERSION,
  compareVersions,
  contains,
  exactly,
  formatRange,
  meet,
  parseRange,
  type Range,
  type Version,
} from "../../core/model/version.ts";

// Small numbers, so that bounds touch and cross.
const version: fc.Arbitrary<Version> = fc.record({
  major: fc.nat(3),
  minor: fc.nat(3),
  patch: fc.nat(3),
});
const range: fc.Arbitrary<Range> = fc.oneof(
  fc.tuple(version, version).filter(([from, below]) => compareVersions(from, below) < 0)
    .map(([from, below]) => ({ from, below })),
  version.map(exactly),
  fc.constantFrom("*", "^1.0", "~2.1", ">=1", "<3").map((text) => parseRange(text) ?? ANY_VERSION),
);
const both = (one: Range | null, other: Range | null) => one && other ? meet(one, other) : null;

Deno.test("meet is commutative, associative and idempotent", () => {
  fc.assert(
    fc.property(range, range, range, (one, two, three) => {
      assertEquals(meet(one, two), meet(two, one));
      assertEquals(both(meet(one, two), three), both(one, meet(two, three)));
      assertEquals(meet(one, one), one);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a version is in the meet iff it is in both", () => {
  fc.assert(
    fc.property(range, range, version, (one, other, each) => {
      const joined = meet(one, other);
      assertEquals(joined !== null && contains(joined, each), contains(one, each) && contains(other, each));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("every range reads back from its one spelling", () => {
  fc.assert(fc.property(range, (each) => assertEquals(parseRange(formatRange(each)), each)), { numRuns: 1_000 });
});

Deno.test("text that is no range never throws", () => {
  const alphabet = fc.constantFrom(..."0123456789.<>=^~* x|-");
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 24 }), (text) => {
      const parsed = parseRange(text);
      if (parsed) assertEquals(parseRange(formatRange(parsed)), parsed);
    }),
    { numRuns: 5_000 },
  );
});
