/** The fields of one version of a contract. */
import { LIMITS } from "../limits.ts";
import type { EnumValue, Field, FieldType, Scalar } from "./config.ts";
import { parseEndpointName } from "./names.ts";
import type { Node } from "./parse_node.ts";
import { isBounded, placeFields, SCALARS } from "./record.ts";
import { compareVersions, formatVersion, lineOf, parseVersion, sameLine, type Version } from "./version.ts";

export const NAME_RULE = 'a name: a letter, then letters, digits, "_" and "-", at most 63 characters';
const SINCE_RULE = 'the minor version that it came with, such as "1.1.0"';
const TYPE_RULE = 'a type such as "f64", "f32[3]", "string<32>" or "bytes<256>"';
/** Largest value of the integers whose values may have names. */
const NAMED: Readonly<Partial<Record<FieldType, number>>> = { u8: 0xff, u16: 0xffff, u32: 0xffff_ffff };

/** In the order of their ordinals. */
export function readFields(node: Node, version: Version): readonly Field[] {
  const seen = new Set<string>();
  const read = node.items(LIMITS.fieldsOfAContract, "divide the contract").map((each, at) => {
    const field = readField(each, version);
    if (seen.has(field.name)) {
      each.get("name").refuse("config.value", `a field \`${field.name}\` is there already`, "give it another name");
    }
    seen.add(field.name);
    const ordinal = each.get("ordinal");
    return { field, node: each, ordinal: ordinal.there() ? ordinal.whole(1, LIMITS.fieldsOfAContract) : at + 1 };
  });
  const ordered = [...read].sort((one, other) => one.ordinal - other.ordinal);
  for (const [at, each] of ordered.entries()) checkOrder(each, at, ordered[at - 1], version);
  const fields = ordered.filter((each) => each.node.sound()).map((each) => each.field);
  const { bytes } = placeFields(fields);
  if (bytes > LIMITS.recordBytes) {
    node.refuse(
      "contract.size",
      `its record has ${bytes} bytes and the most is ${LIMITS.recordBytes}`,
      "send large data as opaque bytes: a contract without fields",
    );
  }
  return fields;
}

interface Read {
  readonly field: Field;
  readonly node: Node;
  readonly ordinal: number;
}

function checkOrder({ field, node, ordinal }: Read, at: number, before: Read | undefined, version: Version): void {
  const since = node.get(node.get("since").there() ? "since" : "name");
  if (ordinal === before?.ordinal) {
    const why = `${ordinal} is the ordinal of field \`${before.field.name}\``;
    node.get("ordinal").refuse("contract.ordinal", why, "give each field a number of its own, from 1 up");
  } else if (ordinal > at + 1 && (before?.ordinal ?? 0) === at) {
    const why = `it is ${ordinal} and no field has ${at + 1}`;
    node.get("ordinal").refuse("contract.ordinal", why, "number the fields from 1 up, and leave none out");
  }
  const first = lineOf(version);
  if (before && compareVersions(field.since, before.field.since) < 0) {
    const why = `the field is older than \`${before.field.name}\`, which stands before it`;
    since.refuse("contract.since", why, "put fields that came later behind those that were there");
  } else if (at === 0 && compareVersions(field.since, first) !== 0) {
    const why = `this is the first field, and ${formatVersion(first)} would have had none`;
    since.refuse("contract.since", why, "leave `since` out");
  }
}

function readField(node: Node, version: Version): Field {
  const [type, count] = node.get("type").parsed(parseFieldType, TYPE_RULE) ?? ["u8", 1];
  const unit = node.get("unit");
  const first = lineOf(version);
  const since = node.get("since");
  const field = {
    name: node.get("name").parsed(parseEndpointName, NAME_RULE) ?? "",
    type,
    count,
    unit: unit.there() ? unit.text() : null,
    since: since.there() ? readSince(since, version) : first,
  };
  const values = node.get("values");
  const whole = { ...field, values: values.there() ? readValues(values, field, version) : [] };
  const given = node.get("default");
  return { ...whole, default: given.there() ? readDefault(given, whole) : null };
}

export function parseFieldType(text: string): readonly [FieldType, number] | undefined {
  const bounded = /^(bytes|string)<([1-9][0-9]{0,7})>$/.exec(text);
  if (bounded) return [bounded[1] as "bytes" | "string", Number(bounded[2])];
  const match = /^([a-z0-9]+)(?:\[([1-9][0-9]{0,5})\])?$/.exec(text);
  const type = SCALARS.find((each) => each === match?.[1]);
  return match && type ? [type, match[2] === undefined ? 1 : Number(match[2])] : undefined;
}

/** A minor version of this line, up to the contract's own. */
function readSince(node: Node, version: Version): Version {
  const first = lineOf(version);
  const since = node.parsed(parseVersion, SINCE_RULE);
  if (!since) return first;
  const own = formatVersion(version);
  const say = (why: string, remedy: string) => node.refuse("contract.since", why, remedy);
  if (version.major === 0) {
    say(`below 1.0.0 nothing promises that old programs can read new records`, "leave it out, or call it 1.0.0");
  } else if (!sameLine(since, version)) {
    say(`${formatVersion(since)} is no version of the line of ${own}`, `write ${SINCE_RULE}`);
  } else if (compareVersions(since, version) > 0) {
    say(`${formatVersion(since)} is later than the contract's own ${own}`, "raise the contract's version");
  } else if (since.patch !== 0 || compareVersions(since, first) === 0) {
    const why = since.patch !== 0 ? "a patch adds nothing" : `${formatVersion(since)} is where the line begins`;
    say(why, since.patch !== 0 ? `write ${SINCE_RULE}` : "leave it out");
  } else return since;
  return first;
}

type Typed = Pick<Field, "name" | "type" | "count" | "since">;

/** Names of values, by value. */
function readValues(node: Node, { type, since }: Typed, version: Version): readonly EnumValue[] {
  const most = NAMED[type];
  if (most === undefined) {
    node.refuse("config.value", `a \`${type}\` is no enum`, 'use type "u8", "u16" or "u32", or take the names away');
    return [];
  }
  const values = node.entries(LIMITS.valuesOfAnEnum, "give names to fewer of them").map(([text, each]) => {
    const long = each.value !== null && typeof each.value === "object";
    const name = parseEndpointName(text);
    if (!name) each.refuse("config.name", `\`${text}\` is no name of a value`, `write ${NAME_RULE}`);
    const came = long ? readSince(each.get("since"), version) : since;
    if (compareVersions(came, since) < 0) {
      each.refuse("contract.since", "it came before its field", "leave `since` out, or raise it");
    }
    return { name: text, value: (long ? each.get("value") : each).whole(0, most), since: came, node: each };
  }).sort((one, other) => one.value - other.value);
  for (const [at, each] of values.entries()) {
    const before = values[at - 1];
    if (before?.value !== each.value) continue;
    each.node.refuse("config.value", `${each.value} is \`${before.name}\` already`, "give it another number");
  }
  if (values.length === 0) node.refuse("config.value", "it names no value", "name some, or take it away");
  return values.map(({ name, value, since }) => ({ name, value, since }));
}

/** What stands for the field in a record of a version that did not have it. */
function readDefault(node: Node, { type, count, values }: Typed & Pick<Field, "values">): Field["default"] {
  const { value } = node;
  const say = (what: string) => {
    node.refuse("config.value", `it is not ${what}`, `write ${what}, or leave it out for zeroes`);
    return null;
  };
  if (values.length > 0) {
    return typeof value === "string" && values.some((each) => each.name === value) ? value : say("a name of `values`");
  }
  if (type === "bytes") {
    node.refuse("config.value", "bytes that are not sent are none", "leave it out");
    return null;
  }
  if (type === "string") {
    const most = Math.min(count, LIMITS.defaultBytes);
    const fits = typeof value === "string" && new TextEncoder().encode(value).length <= most;
    return fits ? node.text() : say(`text of at most ${most} bytes`);
  }
  if (type === "bool") return typeof value === "boolean" ? value : say("true or false");
  if (typeof value !== "number" || Math.abs(value) > Number.MAX_SAFE_INTEGER) return say("a number within ±2^53");
  const [least, most] = isBounded(type) ? [0, 0] : bounds(type);
  const fits = type.startsWith("f") || (Number.isInteger(value) && value >= least && value <= most);
  return fits ? value : say(`a whole number from ${least} to ${most}`);
}

/** Of an integer, as far as JSON carries them exactly. */
function bounds(type: Scalar): readonly [number, number] {
  const bits = Number(type.slice(1));
  const [least, most] = type.startsWith("i") ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return [Math.max(least, Number.MIN_SAFE_INTEGER), Math.min(most, Number.MAX_SAFE_INTEGER)];
}
