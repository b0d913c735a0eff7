/**
 * What two programs compare to know that they mean the same bytes: a SHA-256 for each version that added something, over
 * the layout up to there with everything that gives it meaning (names, types, offsets, units, names of enums). Two
 * programs of different versions agree when they agree on the last version that both know.
 */
import { canonical } from "../trust/canonical.ts";
import type { Hasher } from "../ports.ts";
import type { ContractVersion, Field } from "./config.ts";
import type { ContractName, Hash } from "./names.ts";
import { fieldsAt, placeFields } from "./record.ts";
import { compareVersions, formatVersion, sameLine, type Version } from "./version.ts";

/** Goes up when the way in which layouts are hashed changes. */
const LAYOUT_HASH_VERSION = 1;

export interface LayoutStep {
  readonly since: Version;
  /** Of a record of this version. */
  readonly bytes: number;
  readonly hash: Hash;
}

/** Oldest first; empty for a contract without fields. */
export function layoutSteps(name: ContractName, fields: readonly Field[], hasher: Hasher): readonly LayoutStep[] {
  return placeFields(fields).steps.map(({ since, bytes }) => ({
    since,
    bytes,
    hash: hasher.sha256(canonical(layoutDocument(name, since, fields))),
  }));
}

/** The hashed document: offsets are in it, so that a hash never depends on how this program places fields. */
export function layoutDocument(name: ContractName, version: Version, fields: readonly Field[]) {
  const layout = placeFields(fieldsAt(fields, version));
  return {
    rttLayout: LAYOUT_HASH_VERSION,
    contract: name,
    bytes: layout.bytes,
    fields: layout.fields.map(({ name, type, count, unit, since, offset, values }) => ({
      name,
      type,
      count,
      unit,
      since: formatVersion(since),
      offset,
      values: values.map((each) => ({ name: each.name, value: each.value })),
    })),
  };
}

/** The record that two versions of one line both know; null when they are of different lines. */
export function sharedBytes(one: ContractVersion, other: ContractVersion): number | null {
  if (!sameLine(one.version, other.version)) return null;
  const [older, newer] = compareVersions(one.version, other.version) <= 0 ? [one, other] : [other, one];
  return placeFields(fieldsAt(newer.fields, older.version)).bytes;
}
