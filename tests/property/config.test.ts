/**
 * Reading a declaration: nothing that a user can write makes it throw, what it says of a value does not depend on the
 * order in which it was written, and what is rendered is the same bytes in whatever order and files it stands.
 * On a failure fast-check prints its seed; `fc.assert(…, {seed, path})` replays it.
 */
import { assertEquals } from "@std/assert";
import { parse, stringify } from "@std/yaml";
import fc from "fast-check";
import { cueValidator } from "../../cli/adapters/cue.ts";
import { layout } from "../../cli/layout.ts";
import { readPart } from "../../cli/parts.ts";
import { type Checked, checkFiles } from "../../cli/project/check.ts";
import { mirrorsOf } from "../../cli/project/render.ts";
import { CODES } from "../../core/codes.ts";
import { formatDuration, formatSize, parseDuration, parseRate, parseSize } from "../../core/model/duration.ts";
import { nearest } from "../../core/model/nearest.ts";
import { parseConfig } from "../../core/model/parse.ts";
import { canonicalText } from "../../core/trust/canonical.ts";
import { NO_PLACES, pathsOf, replaced, SOUND } from "./config_cases.ts";

const validator = cueValidator(() => readPart("cue.wasm"));

/** JSON that looks more and less like a declaration. */
const anyJson = fc.oneof(
  fc.jsonValue({ maxDepth: 5 }),
  fc.record(
    Object.fromEntries(
      ["panel", "contracts", "drivers", "routes", "policy"].map((name) => [name, fc.jsonValue({ maxDepth: 4 })]),
    ),
  ),
);

/** The sound declaration with one part of it replaced by anything. */
const damaged = fc.tuple(fc.nat(), fc.jsonValue({ maxDepth: 2 })).map(([at, value]) => {
  const paths = pathsOf(SOUND);
  return replaced(SOUND, paths[at % paths.length] ?? [], value);
});

Deno.test("a sound declaration is read", () => {
  const read = parseConfig(SOUND, NO_PLACES);
  assertEquals(read.ok ? [] : read.issues, []);
});

Deno.test("no JSON makes reading throw, and every code of an issue is listed", () => {
  const holds = (value: unknown) => {
    const read = parseConfig(value, NO_PLACES, { kindOf: () => undefined, broken: ["drivers.gen.run"] });
    assertEquals(read.ok, false);
    for (const { code, message, remedy } of read.ok ? [] : read.issues) {
      assertEquals(CODES[code] !== undefined && message !== "" && remedy !== "", true, code);
    }
  };
  // `broken` alone makes no issue, so these are never whole.
  fc.assert(fc.property(anyJson, holds), { numRuns: 2_000 });
  fc.assert(
    fc.property(damaged, (value) => {
      const read = parseConfig(value, NO_PLACES, { kindOf: () => undefined });
      for (const { code } of read.ok ? [] : read.issues) assertEquals(CODES[code] !== undefined, true, code);
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("deep nesting is refused, not followed", () => {
  let value: unknown = "x";
  for (let depth = 0; depth < 20_000; depth++) value = { deeper: value };
  const read = parseConfig({ ...SOUND, routes: value }, NO_PLACES);
  assertEquals(read.ok ? [] : read.issues.map((each) => each.code).includes("config.limit"), true);
});

Deno.test("what is wrong does not depend on the order of keys", () => {
  const said = (value: unknown) => {
    const read = parseConfig(value, NO_PLACES);
    return read.ok ? canonicalText(plain(read.value)) : read.issues.map((each) => each.message);
  };
  fc.assert(fc.property(damaged, (value) => assertEquals(said(reversed(value)), said(value))), { numRuns: 500 });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).reverse().map(([name, each]) => [name, reversed(each)]));
}

function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, each]) => [name, plain(each)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

/** One declaration in pieces that may stand in any order, in any file. */
const PIECES = [
  'panel: name: "cell7"',
  'contracts: load: {version: "1.0.0", fields: [{name: "n", type: "u64"}]}',
  'contracts: "pole.state": version: "2.1.0"',
  'drivers: gen: {run: ["rtt:gen"], out: load: "load@1.0.0"}',
  'drivers: gen: env: {B: "2", A: "1"}',
  'drivers: gen: files: {"/proc/stat": "r", "/proc/meminfo": "r"}',
  'drivers: sink: {run: ["rtt:sink"], in: load: "load@^1.0"}',
  'routes: load: {from: "gen/load", to: "sink/load"}',
  'routes: load: {p99: "5ms", rate: "1kHz"}',
  'policy: allow: [{from: "gen/*", to: "sink/*"}]',
  "policy: sign: plan: 1",
] as const;

async function rendered(files: ReadonlyMap<string, string>): Promise<Record<string, string>> {
  const checked = await checkFiles(files, validator);
  if (!checked.ok) throw new Error(JSON.stringify(checked.issues));
  return texts(checked.value);
}

function texts(checked: Checked): Record<string, string> {
  const decoder = new TextDecoder();
  const mirrors = mirrorsOf(checked, layout("/nowhere"));
  return Object.fromEntries([...mirrors].map(([path, bytes]) => [path, decoder.decode(bytes)]));
}

Deno.test("the same declaration renders the same bytes, whatever the order and the files", async () => {
  const expected = await rendered(new Map([["panel.cue", `package panel\n${PIECES.join("\n")}\n`]]));
  const spread = fc.tuple(
    fc.shuffledSubarray([...PIECES], { minLength: PIECES.length, maxLength: PIECES.length }),
    fc.array(fc.nat(3), { minLength: PIECES.length, maxLength: PIECES.length }),
  );
  await fc.assert(
    fc.asyncProperty(spread, async ([pieces, where]) => {
      const files = new Map<string, string>();
      for (const [at, piece] of pieces.entries()) {
        const name = `file${where[at]}.cue`;
        files.set(name, `${files.get(name) ?? "package panel\n"}${piece}\n`);
      }
      assertEquals(await rendered(files), expected);
    }),
    { numRuns: 12 },
  );
});

Deno.test("text with a slip in it is refused at a place in it, or is another sound project", async () => {
  const text = `package panel\n${PIECES.join("\n")}\n`;
  const slip = fc.tuple(
    fc.nat(text.length - 1),
    fc.nat(4),
    fc.constantFrom("", "}", "{", '"', ":", "&", "|", "x", "0", "[", "routes", "#", "_", "\\(", "*", "\n", "ä"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(slip, { minLength: 1, maxLength: 3 }), async (slips) => {
      let edited = text;
      for (const [at, cut, by] of slips) edited = edited.slice(0, at) + by + edited.slice(at + cut);
      const checked = await checkFiles(new Map([["panel.cue", edited]]), validator);
      const lines = edited.split("\n");
      for (const { where, code } of checked.ok ? [] : checked.issues) {
        const line = lines[(where?.line ?? 0) - 1];
        assertEquals(where?.file, "panel.cue", code);
        assertEquals(line !== undefined && (where?.column ?? 0) <= [...line].length + 1, true, code);
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("what is too much for CUE is refused, and does not crash", async () => {
  for (const nested of [`x: ${"[".repeat(50_000)}`, `x: ${"{a:".repeat(20_000)}1${"}".repeat(20_000)}`]) {
    const checked = await checkFiles(new Map([["panel.cue", `package panel\n${nested}\n`]]), validator);
    assertEquals(checked.ok ? [] : checked.issues.map((each) => [each.code, each.where?.file]), [
      ["config.cue", "panel.cue"],
    ]);
  }
});

Deno.test("the YAML of a mirror is read back as it was", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (value) => {
      const json = JSON.parse(JSON.stringify(value));
      const text = stringify(json, { schema: "core", sortKeys: true, lineWidth: 120 });
      assertEquals(parse(text, { schema: "core" }), json);
    }),
    { numRuns: 500 },
  );
});

Deno.test("durations and sizes are written as they are read", () => {
  fc.assert(fc.property(fc.maxSafeNat(), (ns) => {
    const text = formatDuration(ns);
    // What is longer than twelve digits of its unit is shown, and never was read.
    if (/^[0-9]{1,12}[a-z]+$/.test(text)) assertEquals(parseDuration(text), ns);
  }));
  fc.assert(fc.property(fc.nat(), (bytes) => assertEquals(parseSize(formatSize(bytes)), bytes)));
  fc.assert(fc.property(fc.string(), (text) => {
    for (const parsed of [parseDuration(text), parseSize(text), parseRate(text)]) {
      assertEquals(parsed === undefined || (parsed >= 0 && parsed <= Number.MAX_SAFE_INTEGER), true);
    }
  }));
  assertEquals(["0.3ms", "1.5us", "1.5ns", "5", "5 ms", "-1ms", "1e3s"].map(parseDuration), [
    ...[300_000, 1_500, undefined, undefined, undefined, undefined, undefined],
  ]);
  assertEquals(["0Hz", "0.5Hz", "2kHz"].map(parseRate), [undefined, 0.5, 2_000]);
});

Deno.test("a slip of the hand is recognised, another word is not", () => {
  const names = ["filter", "imu", "plant", "controller"];
  assertEquals(["fliter", "filtr", "plan", "imo", "contorller", "banana"].map((each) => nearest(each, names)), [
    ...["filter", "filter", "plant", "imu", "controller", undefined],
  ]);
  fc.assert(fc.property(fc.string(), fc.array(fc.string()), (word, list) => {
    const found = nearest(word, list);
    assertEquals(found === undefined || (list.includes(found) && found !== word), true);
  }));
});
