import { assertEquals } from "@std/assert";
import { contains, formatRange, formatVersion, meet, parseRange, parseVersion } from "./version.ts";

Deno.test("a range is read as people write it", () => {
  const ranges: readonly (readonly [string, string])[] = [
    ["1.2.0", "=1.2.0"],
    ["=1.2.0", "=1.2.0"],
    ["1.2", ">=1.2.0 <1.3.0"],
    ["1", ">=1.0.0 <2.0.0"],
    ["^1.0", ">=1.0.0 <2.0.0"],
    ["^1.2.3", ">=1.2.3 <2.0.0"],
    ["^0.2", ">=0.2.0 <0.3.0"],
    ["^0.2.3", ">=0.2.3 <0.3.0"],
    ["^0.0.3", "=0.0.3"],
    ["^0.0", "<0.1.0"],
    ["^0", "<1.0.0"],
    ["~1.2", ">=1.2.0 <1.3.0"],
    ["~1.2.3", ">=1.2.3 <1.3.0"],
    ["~1", ">=1.0.0 <2.0.0"],
    [">=1.1 <3", ">=1.1.0 <3.0.0"],
    [">= 1.1  < 3", ">=1.1.0 <3.0.0"],
    [">1.2.0", ">=1.2.1"],
    [">1.2", ">=1.3.0"],
    ["<=1.2.0", "<1.2.1"],
    ["<=1.2", "<1.3.0"],
    ["<1.2", "<1.2.0"],
    ["*", "*"],
    [">=1 ^1.2", ">=1.2.0 <2.0.0"],
  ];
  for (const [text, said] of ranges) {
    const range = parseRange(text);
    assertEquals(range && formatRange(range), said, text);
  }
});

Deno.test("what is no range, or one that nothing is in, is refused", () => {
  const texts = ["", "x", "1.2.3.4", "01.2.0", "1.2.0-beta", "1.2.0+build", "v1.2.0", ">=3 <1", "<0", ">", "^", "1..2"];
  for (const text of [...texts, "1.2.x", ">=1 || <3", "-1.0.0", "1e3", "9999999999.0.0"]) {
    assertEquals(parseRange(text), undefined, text);
  }
});

Deno.test("a version has exactly three numbers", () => {
  assertEquals(parseVersion("1.20.3"), { major: 1, minor: 20, patch: 3 });
  for (const text of ["1", "1.2", "^1.2.3", "1.2.03", ""]) assertEquals(parseVersion(text), undefined, text);
});

Deno.test("an empty meet is null, and a meet is what both contain", () => {
  const range = (text: string) => {
    const parsed = parseRange(text);
    if (!parsed) throw new Error(text);
    return parsed;
  };
  assertEquals(meet(range("^1.0"), range("^2.0")), null);
  assertEquals(meet(range("1.2.0"), range(">=1.2.1")), null);
  const both = meet(range("^1.0"), range(">=1.1 <3"));
  assertEquals(both && formatRange(both), ">=1.1.0 <2.0.0");
  assertEquals(contains(range("^1.1"), { major: 2, minor: 0, patch: 0 }), false);
  assertEquals(contains(range("^1.1"), { major: 1, minor: 1, patch: 0 }), true);
  assertEquals(formatVersion({ major: 1, minor: 0, patch: 7 }), "1.0.7");
});
