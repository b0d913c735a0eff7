/** Manifests: one declaration has one manifest, what is written reads back, and nothing else is believed. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Contract, Driver } from "../../core/model/config.ts";
import { manifestOf, parseManifest } from "../../core/model/manifest.ts";
import type { ContractName } from "../../core/model/names.ts";
import { driver, PLACE } from "../../core/plan/testing.ts";
import { canonical, canonicalText, parseCanonical } from "../../core/trust/canonical.ts";
import { shuffled } from "./plan_cases.ts";

const BASE = { since: { major: 1, minor: 0, patch: 0 }, values: [], default: null };
const SECOND = { major: 1, minor: 2, patch: 0 };
const MODES = [{ name: "off", value: 0, since: SECOND }, { name: "on", value: 1, since: SECOND }];
const contracts: ReadonlyMap<ContractName, Contract> = new Map([
  [
    "imu.sample" as ContractName,
    {
      name: "imu.sample" as ContractName,
      version: { major: 1, minor: 2, patch: 0 },
      capabilities: [],
      fields: [
        { name: "t", type: "u64" as const, count: 1, unit: "ns", ...BASE },
        { name: "gyro", type: "f32" as const, count: 3, unit: null, ...BASE },
        {
          name: "mode",
          type: "u8" as const,
          count: 1,
          unit: null,
          ...BASE,
          since: SECOND,
          default: "on",
          values: MODES,
        },
      ],
      earlier: [],
      place: PLACE,
    },
  ],
]);

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,12}$/);
const drivers: fc.Arbitrary<Driver> = fc.record({
  name,
  env: fc.uniqueArray(fc.tuple(fc.string(), fc.string()), { selector: ([key]) => key, maxLength: 5 }),
  files: fc.uniqueArray(fc.tuple(fc.string(), fc.constantFrom("r" as const, "rw" as const)), {
    selector: ([path]) => path,
    maxLength: 4,
  }),
  closure: fc.array(fc.string(), { maxLength: 4 }),
  run: fc.array(fc.string(), { minLength: 1, maxLength: 4 }),
  speaks: fc.constantFrom("kit" as const, "stdio" as const),
  bytes: fc.option(fc.integer({ min: 1, max: 4_096 })),
  capabilities: fc.array(fc.string(), { maxLength: 3 }),
}).map(({ name, env, files, closure, run, speaks, bytes, capabilities }) => {
  const words = { is: "imu.sample@^1.0", capabilities };
  const plain = driver(name, { in: { b: words, a: words }, out: { c: { is: "blob@1.0.0", dependsOn: ["b", "a"] } } });
  const frame = bytes === null ? { kind: "lines" as const } : { kind: "fixed" as const, bytes };
  const stdio = { ...plain.stdio, frame };
  return { ...plain, env: new Map(env), files: new Map(files), closure, run, speaks, stdio };
});

Deno.test("a manifest reads back from its bytes", () => {
  fc.assert(
    fc.property(drivers, (each) => {
      const manifest = manifestOf(each, contracts);
      const read = parseCanonical(canonical(manifest), "the manifest", "manifest.broken");
      assert(read.ok);
      assertEquals(parseManifest(read.value), { ok: true, value: manifest });
    }),
    { numRuns: 300 },
  );
});

Deno.test("the order in which a driver is written changes nothing in its manifest", () => {
  const noise = fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(drivers, noise, (each, values) => {
      let at = 0;
      const other = shuffled(each, () => values[at++ % values.length] ?? 0);
      assertEquals(canonicalText(manifestOf(other, contracts)), canonicalText(manifestOf(each, contracts)));
    }),
    { numRuns: 200 },
  );
});

Deno.test("a field's layout is in the manifest, in the contract's order", () => {
  const { endpoints } = manifestOf(driver("filter", { in: { sample: "imu.sample@^1.0" } }), contracts);
  assertEquals(endpoints.map((each) => each.fields.map((field) => field.name)), [["t", "gyro", "mode"]]);
});

Deno.test("anything else is refused with its place and never throws", () => {
  const good = manifestOf(driver("imu", { in: { b: "x@*", a: "x@*" } }), contracts) as unknown as Record<
    string,
    unknown
  >;
  const bad: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ ...good, extra: 1 }, ".extra"],
    [{ ...good, name: "no name" }, ".name"],
    [{ ...good, network: "yes" }, ".network"],
    [{ ...good, version: 1 }, ".version"],
    [{ ...good, env: [["B", ""], ["A", ""]] }, ".env"],
    [{ ...good, env: [["A", ""], ["A", ""]] }, ".env"],
    [{ ...good, endpoints: [...(good["endpoints"] as unknown[])].reverse() }, ".endpoints"],
    [{ ...good, loadPermille: -1 }, ".loadPermille"],
  ];
  for (const [value, place] of bad) {
    const parsed = parseManifest(value);
    assert(!parsed.ok && parsed.issues[0]?.message.includes(place), place);
  }
  fc.assert(fc.property(fc.jsonValue(), (value) => !parseManifest(value).ok), { numRuns: 500 });
});
