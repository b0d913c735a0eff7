/**
 * Contracts that grow: what a sender of one version writes, a receiver of any other of the same line reads, field by field;
 * and a change that breaks this is found, with its field. On a failure fast-check prints its seed and path.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeRecord, defaultRecord, encodeRecord, type Value } from "../../core/model/codec.ts";
import type { ContractVersion, Field } from "../../core/model/config.ts";
import { breaches } from "../../core/model/evolution.ts";
import { layoutSteps, sharedBytes } from "../../core/model/layout_hash.ts";
import type { ContractName } from "../../core/model/names.ts";
import { elementBytes, fieldsAt, isBounded, placeFields } from "../../core/model/record.ts";
import { compareVersions } from "../../core/model/version.ts";
import { fakeHasher } from "../../core/plan/testing.ts";
import { fields, LATEST, minor, valuesOf } from "./contract_cases.ts";

const NAME = "imu.sample" as ContractName;
const RUNS = { numRuns: 1_000 };
const version = fc.nat(LATEST);
const at = (all: readonly Field[], step: number): ContractVersion => ({
  version: minor(step),
  fields: fieldsAt(all, minor(step)),
});

Deno.test("fields are naturally aligned, apart from each other and inside of their record", () => {
  fc.assert(
    fc.property(fields, (all) => {
      const layout = placeFields(all);
      let end = 0;
      for (const field of layout.fields) {
        const unit = isBounded(field.type) ? 4 : elementBytes(field);
        assertEquals(field.offset % unit, 0);
        assert(field.offset >= end);
        end = field.offset + field.bytes;
      }
      assert(end <= layout.bytes && layout.bytes % layout.align === 0);
      assertEquals(layout.steps.at(-1)?.bytes, layout.bytes);
    }),
    RUNS,
  );
});

Deno.test("a record begins with the record of each earlier version", () => {
  fc.assert(
    fc.property(fields, version, (all, step) => {
      const [whole, older] = [placeFields(all), placeFields(fieldsAt(all, minor(step)))];
      const offsets = (each: typeof whole) => each.fields.map(({ name, offset, bytes }) => [name, offset, bytes]);
      assertEquals(offsets(older), offsets(whole).slice(0, older.fields.length));
      assertEquals(older.steps, whole.steps.slice(0, older.steps.length));
      // The next version's fields are never where the older record has its padding.
      assert(whole.fields.slice(older.fields.length).every((each) => each.offset >= older.bytes));
    }),
    RUNS,
  );
});

Deno.test("what any version sends, any version reads: known fields as they were, others by their defaults", () => {
  const cases = fields.chain((all) =>
    fc.tuple(fc.constant(all), version, version).chain(([all, sent, read]) =>
      fc.tuple(fc.constant(at(all, sent)), fc.constant(at(all, read)), valuesOf(at(all, sent).fields))
    )
  );
  fc.assert(
    fc.property(cases, ([sender, receiver, values]) => {
      const payload = encodeRecord(placeFields(sender.fields), values);
      assert(payload.ok);
      const read = decodeRecord(placeFields(receiver.fields), payload.value);
      assert(read.ok, read.ok ? "" : read.issues[0]?.message ?? "");
      const layout = placeFields(receiver.fields);
      const standIns = decodeRecord(layout, defaultRecord(layout));
      assert(standIns.ok);
      for (const { name } of receiver.fields) {
        const known = sender.fields.some((each) => each.name === name);
        assertEquals(read.value[name], known ? values[name] : standIns.value[name], name);
      }
      assertEquals(Object.keys(read.value).length, receiver.fields.length);
    }),
    RUNS,
  );
});

Deno.test("versions of one line agree, by their promises and by the hashes that both know", () => {
  fc.assert(
    fc.property(fields, version, version, (all, one, other) => {
      const [older, newer] = [at(all, Math.min(one, other)), at(all, Math.max(one, other))];
      assertEquals(breaches(older, newer), []);
      assertEquals(breaches(newer, older), []);
      const known = layoutSteps(NAME, older.fields, fakeHasher);
      assertEquals(layoutSteps(NAME, newer.fields, fakeHasher).slice(0, known.length), known);
      assertEquals(sharedBytes(older, newer), placeFields(older.fields).bytes);
      assertEquals(sharedBytes(older, { version: { major: 2, minor: 0, patch: 0 }, fields: [] }), null);
    }),
    RUNS,
  );
});

/** What may not happen to a field within a line. */
const SLIPS: readonly ((field: Field) => Field)[] = [
  (field) => ({ ...field, name: `${field.name}x` }),
  (field) => ({ ...field, unit: "ft" }),
  (field) => ({ ...field, count: field.count + 1 }),
  (field) => ({ ...field, type: field.type === "u32" ? "f32" : "u32" }),
  (field) => ({ ...field, values: field.values.map((each) => ({ ...each, value: each.value + 1 })) }),
];

Deno.test("a slip in any field is found, is of that field, and changes the hash", () => {
  fc.assert(
    fc.property(fields, fc.nat(), fc.constantFrom(...SLIPS), version, version, (all, which, slip, one, other) => {
      const [before, after] = [at(all, one), at(all, other)];
      const shared = Math.min(before.fields.length, after.fields.length);
      const index = which % shared;
      const changed = after.fields.map((each, place) => place === index ? slip(each) : each);
      fc.pre(changed[index]?.values.length !== 0 || slip !== SLIPS[4]);
      const found = breaches(before, { ...after, fields: changed });
      assert(found.length > 0);
      const name = before.fields[index]?.name ?? "";
      assert(found.every((each) => each.field === name || each.field === `${name}x`), JSON.stringify(found));
      const step = Math.min(one, other);
      const hash = (list: readonly Field[]) => layoutSteps(NAME, fieldsAt(list, minor(step)), fakeHasher).at(-1)?.hash;
      assert(hash(before.fields) !== hash(changed));
    }),
    RUNS,
  );
});

Deno.test("two fields that change places, one that leaves and one that comes unannounced are found", () => {
  fc.assert(
    fc.property(fields, fc.nat(), (all, which) => {
      const before = at(all, LATEST);
      const index = which % before.fields.length;
      const without = { ...before, fields: before.fields.filter((_, place) => place !== index) };
      const name = before.fields[index]?.name;
      assertEquals(breaches(before, without).map((each) => each.field), [name]);
      assertEquals(breaches(without, before).map((each) => each.field), [name]);
      const [head, ...rest] = before.fields;
      fc.pre(
        head !== undefined && rest.length > 0 && compareVersions(rest.at(-1)?.since ?? head.since, head.since) === 0,
      );
      assert(breaches(before, { ...before, fields: [...rest, head] }).length > 0);
    }),
    RUNS,
  );
});

Deno.test("no bytes make reading throw, and a size that no version has is refused", () => {
  fc.assert(
    fc.property(fields, fc.uint8Array({ maxLength: 200 }), (all, payload) => {
      const layout = placeFields(all);
      const read = decodeRecord(layout, payload);
      const sized = payload.length >= layout.bytes || layout.steps.some((each) => each.bytes === payload.length);
      if (!sized) assert(!read.ok && read.issues[0]?.code === "record.size");
      if (!read.ok) assert(/record\.(size|field)/.test(read.issues[0]?.code ?? ""));
    }),
    RUNS,
  );
});

Deno.test("no value makes writing throw: what does not fit its field is refused", () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 1 }),
    fc.bigInt(),
    fc.uint8Array({ maxLength: 20 }),
    fc.double(),
  ) as fc.Arbitrary<Value>;
  fc.assert(
    fc.property(fields, fc.array(value), (all, values) => {
      const layout = placeFields(all);
      const given = Object.fromEntries(all.map(({ name }, place) => [name, values[place] ?? 0]));
      const written = encodeRecord(layout, given);
      if (written.ok) assert(decodeRecord(layout, written.value).ok);
      else assertEquals(written.issues[0]?.code, "record.field");
    }),
    RUNS,
  );
});
