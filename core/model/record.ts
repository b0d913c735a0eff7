/**
 * The layout of a contract's record: fields in the order of their ordinals, little endian, each naturally aligned. A version
 * that adds fields puts them behind everything that was there, so that a record of one version begins with the record of
 * every earlier version of its line, and its length tells which one it is.
 */
import type { Field, FieldType, Scalar } from "./config.ts";
import { compareVersions, type Version } from "./version.ts";

const SCALAR_BYTES: Readonly<Record<Scalar, number>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  f32: 4,
  f64: 8,
  bool: 1,
};
/** Before the content of `bytes` and `string`: how many bytes of it are used. */
export const LENGTH_BYTES = 4;

export const SCALARS = Object.keys(SCALAR_BYTES) as readonly Scalar[];

export interface PlacedField extends Field {
  /** Bytes from the start of the record. */
  readonly offset: number;
  readonly bytes: number;
}

/** The record as it is since one version: its first `bytes` bytes. */
export interface RecordStep {
  readonly since: Version;
  readonly bytes: number;
}

export interface RecordLayout {
  readonly fields: readonly PlacedField[];
  /** One for each version that added something, oldest first. */
  readonly steps: readonly RecordStep[];
  /** A multiple of `align`; 0 for a contract without fields, whose payloads are opaque. */
  readonly bytes: number;
  readonly align: number;
}

/** Places fields, which are in the order of their ordinals and so of the versions that they came with. */
export function placeFields(fields: readonly Field[]): RecordLayout {
  const placed: PlacedField[] = [];
  const steps: RecordStep[] = [];
  let [end, align] = [0, 1];
  for (const since of versionsOf(fields)) {
    for (const field of fields.filter((each) => compareVersions(each.since, since) === 0)) {
      const [unit, bytes] = [alignOf(field.type), fieldBytes(field)];
      const offset = up(end, unit);
      placed.push({ ...field, offset, bytes });
      [end, align] = [offset + bytes, Math.max(align, unit)];
    }
    // As a C compiler ends a struct, so that the next version's fields are never taken for this one's padding.
    end = up(end, align);
    steps.push({ since, bytes: end });
  }
  return { fields: placed, steps, bytes: end, align };
}

/** Bytes of one record; 0 for a contract without fields. */
export function recordBytes(fields: readonly Field[]): number {
  return placeFields(fields).bytes;
}

/** Bytes of one element: a number, or the whole of what is bounded. */
export function elementBytes({ type, count }: Pick<Field, "type" | "count">): number {
  return isBounded(type) ? LENGTH_BYTES + count : SCALAR_BYTES[type];
}

/** Whether the field is up to `count` bytes of something. */
export function isBounded(type: FieldType): type is "bytes" | "string" {
  return type === "bytes" || type === "string";
}

/** What a line knew in one of its versions. */
export function fieldsAt(fields: readonly Field[], version: Version): readonly Field[] {
  const known = ({ since }: { readonly since: Version }) => compareVersions(since, version) <= 0;
  return fields.filter(known).map((field) => ({ ...field, values: field.values.filter(known) }));
}

/** Every version that added a field or a name of an enum, oldest first. */
function versionsOf(fields: readonly Field[]): readonly Version[] {
  const all = fields.flatMap((each) => [each.since, ...each.values.map((value) => value.since)]).sort(compareVersions);
  return all.filter((each, at) => at === 0 || compareVersions(all[at - 1] ?? each, each) !== 0);
}

function fieldBytes(field: Field): number {
  return isBounded(field.type) ? elementBytes(field) : elementBytes(field) * field.count;
}

function alignOf(type: FieldType): number {
  return isBounded(type) ? LENGTH_BYTES : SCALAR_BYTES[type];
}

function up(bytes: number, unit: number): number {
  return Math.ceil(bytes / unit) * unit;
}
