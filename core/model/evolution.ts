/**
 * Whether two versions of a contract can be spoken side by side, as their numbers promise: within one line (a major version,
 * or a minor one below 1.0) everything that the older knows stands in the newer as it was, and what is new came later.
 */
import { type Issue, issue } from "../errors.ts";
import type { ContractVersion, EnumValue, Field, Place } from "./config.ts";
import type { ContractName } from "./names.ts";
import { fieldsAt } from "./record.ts";
import { compareVersions, formatVersion, sameLine } from "./version.ts";

/** What breaks the promise. */
export interface Breach {
  readonly field: string;
  /** A clause: "it is f64 in 1.0.0 and f32 in 1.1.0". */
  readonly why: string;
}

/** The same in words, each with its field; `where` is where the newer one is written. */
export function breachIssues(
  name: ContractName,
  older: ContractVersion,
  newer: ContractVersion,
  where: Place | null,
): readonly Issue[] {
  const { major, minor } = newer.version;
  const next = major === 0 ? `0.${minor + 1}.0` : `${major + 1}.0.0`;
  return breaches(older, newer).map(({ field, why }) =>
    issue(
      "contract.breaking",
      `cannot call it \`${name}\` ${words(newer)} because field \`${field}\` breaks what ${
        words(older)
      } promises: ${why}`,
      `call it ${next}, or leave the field as it was; what is new goes to the end with its \`since\``,
      where,
    )
  );
}

/** Empty when the promise holds, or none was made. */
export function breaches(one: ContractVersion, other: ContractVersion): readonly Breach[] {
  if (!sameLine(one.version, other.version)) return [];
  const [older, newer] = compareVersions(one.version, other.version) <= 0 ? [one, other] : [other, one];
  const [before, after] = [older.fields, fieldsAt(newer.fields, older.version)];
  const [then, now] = same(older, newer) ? ["before", "now"] : [`in ${words(older)}`, `in ${words(newer)}`];
  const gone = before.filter((each) => !named(newer.fields, each.name)).map(({ name }) => ({
    field: name,
    why: `it is there ${then} and not ${now}`,
  }));
  const added = after.filter((each) => !named(before, each.name)).map(({ name }) => ({
    field: name,
    why: same(older, newer)
      ? `it is there ${now} and was not ${then}, and the version is the same`
      : `it is not there ${then}, and its \`since\` does not say that it came later`,
  }));
  const changed = before.flatMap((each, at): Breach[] => {
    const found = named(newer.fields, each.name);
    if (!found) return [];
    const difference = differs(each, found, then, now) ?? valuesDiffer(each, found, older, then, now);
    if (difference !== undefined) return [{ field: each.name, why: difference }];
    if (gone.length > 0 || added.length > 0 || after[at]?.name === each.name) return [];
    return [{ field: each.name, why: `its ordinal is another ${now} than ${then}` }];
  });
  return [...gone, ...changed, ...added];
}

function same(older: ContractVersion, newer: ContractVersion): boolean {
  return compareVersions(older.version, newer.version) === 0;
}

function words({ version }: ContractVersion): string {
  return formatVersion(version);
}

function named(fields: readonly Field[], name: string): Field | undefined {
  return fields.find((each) => each.name === name);
}

function differs(before: Field, after: Field, then: string, now: string): string | undefined {
  const [one, other] = [typeWords(before), typeWords(after)];
  if (one !== other) return `it is \`${one}\` ${then} and \`${other}\` ${now}`;
  if (before.unit !== after.unit) return `its unit is ${unitWords(before)} ${then} and ${unitWords(after)} ${now}`;
  if (compareVersions(before.since, after.since) !== 0) {
    return `it came with ${formatVersion(before.since)} ${then} and with ${formatVersion(after.since)} ${now}`;
  }
  return undefined;
}

function valuesDiffer(
  before: Field,
  after: Field,
  older: ContractVersion,
  then: string,
  now: string,
): string | undefined {
  if ((before.values.length === 0) !== (after.values.length === 0)) {
    return `its values have names ${before.values.length > 0 ? `${then} and not ${now}` : `${now} and not ${then}`}`;
  }
  const kept = (value: EnumValue) =>
    after.values.some((each) => each.name === value.name && each.value === value.value);
  const lost = before.values.find((each) => !kept(each));
  if (lost) return `its value \`${lost.name}\`, ${lost.value}, is there ${then} and not ${now}`;
  const early = after.values.find((each) =>
    !before.values.some((known) => known.name === each.name) && compareVersions(each.since, older.version) <= 0
  );
  return early && `its value \`${early.name}\` is not there ${then}, and its \`since\` does not say that it came later`;
}

/** As it is written in CUE. */
export function typeWords({ type, count }: Pick<Field, "type" | "count">): string {
  if (type === "bytes" || type === "string") return `${type}<${count}>`;
  return count === 1 ? type : `${type}[${count}]`;
}

function unitWords({ unit }: Field): string {
  return unit === null ? "not said" : `"${unit}"`;
}
