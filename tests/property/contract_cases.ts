/** Contracts at random that have grown over some minor versions, and records of theirs. */
import fc from "fast-check";
import type { EnumValue, Field, FieldType } from "../../core/model/config.ts";
import type { Value, Values } from "../../core/model/codec.ts";
import { isBounded } from "../../core/model/record.ts";
import type { Version } from "../../core/model/version.ts";

export const minor = (minor: number): Version => ({ major: 1, minor, patch: 0 });
export const LATEST = 3;

const TYPES: readonly FieldType[] = [
  ...["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"] as const,
  ...["f32", "f64", "bool", "bytes", "string"] as const,
];

interface Seed {
  readonly type: FieldType;
  readonly count: number;
  readonly since: number;
  readonly named: boolean;
  readonly lateName: number;
  readonly defaults: boolean;
}

const seed: fc.Arbitrary<Seed> = fc.record({
  type: fc.constantFrom(...TYPES),
  count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 9 })),
  since: fc.nat(LATEST),
  named: fc.boolean(),
  lateName: fc.nat(LATEST),
  defaults: fc.boolean(),
});

/** Fields of version 1.3.0, some of them since an earlier one; the first is there from the start. */
export const fields: fc.Arbitrary<readonly Field[]> = fc.array(seed, { minLength: 1, maxLength: 8 }).map((seeds) =>
  seeds.map((each, at) => at === 0 ? { ...each, since: 0 } : each)
    .sort((one, other) => one.since - other.since)
    .map(fieldOf)
);

function fieldOf({ type, count, since, named, lateName, defaults }: Seed, at: number): Field {
  const values = named && (type === "u8" || type === "u16" || type === "u32") ? namesOf(since, lateName) : [];
  const standIn = defaults ? defaultOf(type, count, values) : null;
  return {
    name: `f${at}`,
    type,
    count,
    unit: at % 2 === 0 ? null : "m",
    since: minor(since),
    values,
    default: standIn,
  };
}

function namesOf(since: number, late: number): readonly EnumValue[] {
  return [
    { name: "off", value: 0, since: minor(since) },
    { name: "on", value: 7, since: minor(since) },
    ...(late > since ? [{ name: "dock", value: 9, since: minor(late) }] : []),
  ];
}

function defaultOf(type: FieldType, count: number, values: readonly EnumValue[]): Field["default"] {
  if (values.length > 0) return "on";
  if (type === "bytes") return null;
  if (type === "string") return "ab".slice(0, count);
  if (type === "bool") return true;
  return type.startsWith("f") ? -1.5 : 100;
}

/** A value for each field, as `decodeRecord` would give it. */
export function valuesOf(of: readonly Field[]): fc.Arbitrary<Values> {
  return fc.record(Object.fromEntries(of.map((field) => [field.name, valueOf(field)])));
}

function valueOf(field: Field): fc.Arbitrary<Value> {
  const one = elementOf(field);
  if (isBounded(field.type) || field.count === 1) return one;
  return fc.array(one, { minLength: field.count, maxLength: field.count });
}

function elementOf({ type, count, values }: Field): fc.Arbitrary<Value> {
  // Only names that every version knows: what a later one is called is a matter of its own.
  if (values.length > 0) return fc.constantFrom("off", "on", 3);
  switch (type) {
    case "bytes":
      return fc.uint8Array({ maxLength: count });
    case "string":
      return fc.string({ unit: "grapheme" }).filter((text) => new TextEncoder().encode(text).length <= count);
    case "bool":
      return fc.boolean();
    case "f32":
      return fc.float();
    case "f64":
      return fc.double();
    case "u64":
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case "i64":
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    default: {
      const bits = Number(type.slice(1));
      return type.startsWith("i")
        ? fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
        : fc.integer({ min: 0, max: 2 ** bits - 1 });
    }
  }
}
