// What other programs read from `./x bench --json`, and how figures are made.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { nativeRows } from "./lane.ts";
import { isMet } from "./mark.ts";
import { interleaved, median } from "./measure.ts";
import { absolute, compared, jsonLine, table } from "./row.ts";

Deno.test("a row is one object with five fields, rounded to four digits, and its mark if there is one", () => {
  const row = compared("x", "ns", { value: 123.456, reference: 100, against: "y" });
  assertEquals(jsonLine(row), '{"name":"x","value":123.5,"unit":"ns","reference":100,"ratio":1.235}');
  assert(jsonLine({ ...row, mark: "<= 1.2x" }).endsWith('"ratio":1.235,"mark":"<= 1.2x","met":false}'));
  assertEquals(jsonLine(absolute("z", "MB", 3)), '{"name":"z","value":3,"unit":"MB","reference":null,"ratio":null}');
});

Deno.test("the table aligns and names the reference", () => {
  const lines = table([compared("long name", "ms", { value: 30, reference: 20, against: "empty", mark: "<= 1.5x" })]);
  assertEquals(lines, [
    "what       value  unit  reference  ratio  against  mark",
    "long name     30  ms           20    1.5  empty    <= 1.5x: met",
  ]);
});

Deno.test("a mark bounds the ratio or the value, at the bound too", () => {
  const figures = { value: 90, unit: "M frames/s", ratio: 0.8 };
  const met = (mark: string): boolean | null => isMet(mark, figures);
  assertEquals(met(""), null);
  assertEquals([met(">= 0.8x"), met(">= 0.81x"), met("<= 0.8x"), met("<= 0.79x")], [true, false, true, false]);
  assertEquals([met(">= 0.8x, >= 90 M frames/s"), met(">= 0.8x, >= 90.1 M frames/s")], [true, false]);
  assertThrows(() => met("<= 3 ms"), Error, "the row is in M frames/s");
  assertThrows(() => met("fast"), Error, "is no bound");
  assertThrows(() => isMet("<= 1x", { ...figures, ratio: null }), Error);
});

Deno.test("a native benchmark's lines are rows, anything else is an error", () => {
  const [row] = nativeRows('{"name":"lane","value":110,"unit":"ns","reference":100}\n\n');
  assertEquals([row?.ratio, row?.against], [1.1, ""]);
  assertThrows(() => nativeRows('{"name":"lane"}'), Error, "no name, value and unit");
  assertThrows(() => nativeRows("warming up"), SyntaxError);
});

/** What a lock file says of a crate: its dependencies, without versions. */
function locked(file: string, crate: string): string[] {
  const block = file.split("[[package]]\n").find((each) => each.startsWith(`name = "${crate}"\n`)) ?? "";
  const [, list = ""] = /^dependencies = \[\n([^\]]*)\]/m.exec(block) ?? [];
  return [...list.matchAll(/"([\w-]+)[^"]*"/g)].map(([, name = ""]) => name);
}

/** What a manifest says of the same; dependencies of tests alone are not in the lock file of another workspace. */
function declared(manifest: string): string[] {
  const tables = manifest.split(/^\[/m).filter((table) => /^([^\n]*\.)?(build-)?dependencies\]/.test(table));
  const names = tables.flatMap((table) => [...table.matchAll(/^([\w-]+) *=/gm)].map(([, name = ""]) => name));
  return names.toSorted();
}

Deno.test("the rivals' lock file is that of the lanes as they are", () => {
  assertEquals(declared('[dependencies]\na = "1"\n[dev-dependencies]\nb = "1"\n[target.x.dependencies]\nc = {}\n'), [
    "a",
    "c",
  ]);
  const read = (path: string): string => Deno.readTextFileSync(new URL(`../${path}`, import.meta.url));
  // No gate builds the rivals: what cargo would refuse there is found here.
  const remedy = "remedy: ./x run cargo metadata --format-version 1 --manifest-path bench/rivals/Cargo.toml";
  for (const [crate, folder] of [["rtt-lane", "ffi/lane"], ["rtt-bench", "bench/native"]] as const) {
    const found = locked(read("bench/rivals/Cargo.lock"), crate);
    assertEquals(found, declared(read(`${folder}/Cargo.toml`)), `${crate} has other dependencies; ${remedy}`);
  }
});

Deno.test("medians, and works that take turns", async () => {
  assertEquals([median([3, 1, 2]), median([4, 1, 2, 3])], [2, 2.5]);
  const order: string[] = [];
  await interleaved([() => order.push("a"), () => order.push("b")], 2);
  assertEquals(order, ["a", "b", "a", "b", "a", "b"]);
});
