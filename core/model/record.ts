/** The layout of a contract's record: fields in the list's order, little endian, one after the other without padding. */
import type { Field, Scalar } from "./config.ts";

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

export const SCALARS = Object.keys(SCALAR_BYTES) as readonly Scalar[];

/** Bytes of one record; 0 for a contract without fields, whose payloads are opaque. */
export function recordBytes(fields: readonly Pick<Field, "type" | "count">[]): number {
  return fields.reduce((sum, field) => sum + SCALAR_BYTES[field.type] * field.count, 0);
}
