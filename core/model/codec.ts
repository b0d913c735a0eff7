/**
 * A record's values as people see them, and its bytes. What generated stubs do in their languages is this; the bytes of both
 * are compared by tests.
 */
import { issue, ok, refuse, type Result } from "../errors.ts";
import type { Field, Scalar } from "./config.ts";
import { elementBytes, isBounded, LENGTH_BYTES, type PlacedField, type RecordLayout } from "./record.ts";

/** 64-bit integers are bigint; an enum's value is its name, or its number where it has none. */
export type Value = number | bigint | boolean | string | Uint8Array | readonly Value[];
export type Values = Readonly<Record<string, Value>>;

/** The record in which every field has its default: what a new record begins as. */
export function defaultRecord(layout: RecordLayout): Uint8Array {
  const bytes = new Uint8Array(layout.bytes);
  for (const field of layout.fields) {
    const element = defaultElement(field);
    if (element.length === 0) continue;
    const elements = isBounded(field.type) ? 1 : field.count;
    for (let at = 0; at < elements; at++) bytes.set(element, field.offset + at * element.length);
  }
  return bytes;
}

/** One element of a field's default; empty for zeroes. */
export function defaultElement(field: Field): Uint8Array {
  if (field.default === null) return new Uint8Array();
  const bytes = new Uint8Array(elementBytes(field));
  writeElement(field, field.default, new DataView(bytes.buffer), 0);
  return bytes;
}

/** Fields that are not given have their defaults. A value of another type or size than its field's is refused. */
export function encodeRecord(layout: RecordLayout, values: Values): Result<Uint8Array> {
  const bytes = defaultRecord(layout);
  const view = new DataView(bytes.buffer);
  for (const field of layout.fields) {
    const value = values[field.name];
    if (value === undefined) continue;
    if (!writeField(field, value, view)) return broken("write", field.name, "its value does not fit its type");
  }
  return ok(bytes);
}

/** A shorter record is of an earlier version: what it lacks has its default. The end of a longer one is a later version's. */
export function decodeRecord(layout: RecordLayout, payload: Uint8Array): Result<Values> {
  const known = layout.steps.findLast((each) => each.bytes <= payload.length);
  if (!known || (known.bytes !== payload.length && payload.length < layout.bytes)) {
    const sizes = layout.steps.map((each) => each.bytes).join(" or ");
    return refuse(
      issue("record.size", `cannot read the record because it has ${payload.length} bytes and not ${sizes}`, REMEDY),
    );
  }
  const bytes = defaultRecord(layout);
  bytes.set(payload.subarray(0, known.bytes));
  const view = new DataView(bytes.buffer);
  const values: Record<string, Value> = {};
  for (const field of layout.fields) {
    const value = readField(field, view);
    if (value === undefined) {
      return broken("read", field.name, `it is no ${field.type} of at most ${field.count} bytes`);
    }
    values[field.name] = value;
  }
  return ok(values);
}

const REMEDY = "compare the contract with the one that the sender was built for";

function broken<T>(what: string, field: string, why: string): Result<T> {
  return refuse(issue("record.field", `cannot ${what} the record because of its field \`${field}\`: ${why}`, REMEDY));
}

function writeField(field: PlacedField, value: Value, view: DataView): boolean {
  if (isBounded(field.type) || field.count === 1) return writeElement(field, value, view, field.offset);
  if (!Array.isArray(value) || value.length !== field.count) return false;
  const size = elementBytes(field);
  return value.every((each, at) => writeElement(field, each, view, field.offset + at * size));
}

function writeElement(field: Field, value: Value, view: DataView, at: number): boolean {
  if (isBounded(field.type)) {
    if (field.type === "string" && typeof value !== "string") return false;
    const content = typeof value === "string" && field.type === "string" ? new TextEncoder().encode(value) : value;
    if (!(content instanceof Uint8Array) || content.length > field.count) return false;
    const bytes = new Uint8Array(view.buffer, view.byteOffset + at, LENGTH_BYTES + field.count);
    bytes.fill(0);
    bytes.set(content, LENGTH_BYTES);
    view.setUint32(at, content.length, true);
    return true;
  }
  const named = field.values.find((each) => each.name === value)?.value;
  return writeScalar(field.type, named ?? value, view, at);
}

function writeScalar(type: Scalar, value: Value, view: DataView, at: number): boolean {
  if (type === "bool") {
    if (typeof value === "boolean") view.setUint8(at, Number(value));
    return typeof value === "boolean";
  }
  if (type === "f32" || type === "f64") {
    if (typeof value !== "number") return false;
    if (type === "f32") view.setFloat32(at, value, true);
    else view.setFloat64(at, value, true);
    return true;
  }
  const whole = typeof value === "bigint" ? value : Number.isSafeInteger(value) ? BigInt(value as number) : undefined;
  const bits = Number(type.slice(1));
  if (whole === undefined || whole !== (type.startsWith("i") ? BigInt.asIntN : BigInt.asUintN)(bits, whole)) {
    return false;
  }
  for (let byte = 0; byte < bits / 8; byte++) view.setUint8(at + byte, Number((whole >> BigInt(8 * byte)) & 0xffn));
  return true;
}

function readField(field: PlacedField, view: DataView): Value | undefined {
  if (isBounded(field.type)) return readBounded(field, view);
  const { type, offset, count, values } = field;
  const size = elementBytes(field);
  const one = (at: number): Value => {
    const value = readScalar(type, view, offset + at * size);
    return values.find((each) => each.value === value)?.name ?? value;
  };
  return count === 1 ? one(0) : Array.from({ length: count }, (_, at) => one(at));
}

function readBounded({ type, offset, count }: PlacedField, view: DataView): Value | undefined {
  const length = view.getUint32(offset, true);
  if (length > count) return undefined;
  const content = new Uint8Array(view.buffer, view.byteOffset + offset + LENGTH_BYTES, length).slice();
  if (type === "bytes") return content;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}

function readScalar(type: Scalar, view: DataView, at: number): number | bigint | boolean {
  switch (type) {
    case "u8":
      return view.getUint8(at);
    case "u16":
      return view.getUint16(at, true);
    case "u32":
      return view.getUint32(at, true);
    case "u64":
      return view.getBigUint64(at, true);
    case "i8":
      return view.getInt8(at);
    case "i16":
      return view.getInt16(at, true);
    case "i32":
      return view.getInt32(at, true);
    case "i64":
      return view.getBigInt64(at, true);
    case "f32":
      return view.getFloat32(at, true);
    case "f64":
      return view.getFloat64(at, true);
    case "bool":
      return view.getUint8(at) !== 0;
  }
}
