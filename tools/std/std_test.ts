// The standard library comes from an npm package under hand-written types: what the types promise must be there.
import { assert, assertEquals, AssertionError, assertRejects, assertThrows } from "@std/assert";
import * as asserts from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import * as colors from "@std/fmt/colors";
import { parse, parseAll, stringify } from "@std/yaml";

const declared = (path: string): string[] => {
  const text = Deno.readTextFileSync(new URL(path, import.meta.url));
  return [...text.matchAll(/^export (?:function|class) (\w+)/gm)].map((match) => match[1] ?? "");
};

Deno.test("every declared assertion and colour exists", () => {
  for (const name of declared("./assert/mod.d.ts")) assertEquals(typeof Reflect.get(asserts, name), "function", name);
  for (const name of declared("./fmt/colors.d.ts")) assertEquals(typeof Reflect.get(colors, name), "function", name);
});

Deno.test("assertions throw AssertionError", async () => {
  assertThrows(() => assert(0), AssertionError);
  assertThrows(() => assertEquals([1], [2]), AssertionError, "not equal");
  await assertRejects(() => Promise.reject(new TypeError("no")), TypeError, "no");
});

Deno.test("parseArgs knows flags, lists and bare words", () => {
  const args = parseArgs(["plan", "--dir=x", "--json", "-v", "a", "-v", "b", "--", "007"], {
    string: ["dir", "v"],
    boolean: ["json"],
    collect: ["v"],
    "--": true,
  });
  assertEquals(args, { _: ["plan"], dir: "x", json: true, v: ["a", "b"], "--": ["007"] });
});

Deno.test("YAML in the core schema keeps dates as text", () => {
  assertEquals(parse("a: 2026-01-31\nb: [1, true]\n", { schema: "core" }), { a: "2026-01-31", b: [1, true] });
  assertEquals(parseAll("--- 1\n--- 2\n"), [1, 2]);
  assertEquals(stringify({ b: 1, a: ["x"] }, { sortKeys: true }), "a:\n  - x\nb: 1\n");
  assertThrows(() => parse("a: [", { schema: "core" }), SyntaxError);
});

Deno.test("hex and constant-time comparison", () => {
  assertEquals(encodeHex(new Uint8Array([0, 255])), "00ff");
  assertEquals(decodeHex("00FF"), new Uint8Array([0, 255]));
  assert(timingSafeEqual(new Uint8Array([1, 2]), new Uint8Array([1, 2])));
  assert(!timingSafeEqual(new Uint8Array([1, 2]), new Uint8Array([1, 3])));
});
