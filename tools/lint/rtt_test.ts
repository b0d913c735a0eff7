/// <reference lib="deno.unstable" />
// The project's own lint rules: each must find what it is for, and leave alone what is allowed.
import { assertEquals } from "@std/assert";
import plugin from "./rtt.ts";

const found = (file: string, source: string): string[] =>
  Deno.lint.runPlugin(plugin, file, source).map((diagnostic) => diagnostic.id);

const long = (lines: number): string => `export function f(): void {\n${"  g();\n".repeat(lines - 2)}}\n`;

Deno.test("core/ may not read a clock, randomness or the world", () => {
  const forbidden = [
    "export const t = Date.now();",
    "export const t = new Date();",
    "export const t = performance.now();",
    "export const r = Math.random();",
    "export const r = crypto.getRandomValues(new Uint8Array(1));",
    "export const f = Deno.readTextFileSync('a');",
    "setTimeout(() => {}, 1);",
    "console.log(1);",
    "export const f = { clock: Date };",
    "export const c = globalThis['crypto'];",
  ];
  for (const source of forbidden) assertEquals(found("/p/core/plan/x.ts", source), ["rtt/pure-core"], source);
  assertEquals(found("/p/core/x.ts", "export async function f(p: Promise<void>) { await p; }"), ["rtt/pure-core"]);
});

Deno.test("outside core/, in tests, and as names of properties, all that is allowed", () => {
  assertEquals(found("/p/cli/x.ts", "export const t = Date.now();"), []);
  assertEquals(found("/p/core/x_test.ts", "Deno.test('x', () => {});"), []);
  assertEquals(found("/p/core/x.ts", "export interface A { readonly process: number; Date: string }"), []);
  assertEquals(found("/p/core/x.ts", "export const a = (b: { console: number }) => b.console;"), []);
  assertEquals(found("/p/core/x.ts", "export const a = new Date(0).toISOString();"), []);
  assertEquals(found("/p/core/x.ts", "export const a = { crypto: 1 };"), []);
});

Deno.test("a function of 70 lines is fine, one of 71 is not", () => {
  assertEquals(found("/p/cli/x.ts", long(70)), []);
  assertEquals(found("/p/cli/x.ts", long(71)), ["rtt/function-length"]);
  assertEquals(found("/p/cli/x.ts", `class A {\n  f = () => {${"\n    g();".repeat(71)}\n  };\n}`), [
    "rtt/function-length",
  ]);
});
