/**
 * Semantic versions and ranges (`1.2.0`, `^1.0`, `~1.2`, `>=1.1 <3`), and the meet of two ranges. A range is one half-open
 * interval, and intervals are closed under meet: that is why meet is associative, commutative and idempotent.
 */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Half-open: `from` ≤ v < `below`. Never empty: what would be empty is `null` instead. */
export interface Range {
  readonly from: Version;
  readonly below: Version;
}

/** Largest number in a version; one more stands for "no upper end". */
const LARGEST = 999_999_999;
const FIRST: Version = { major: 0, minor: 0, patch: 0 };
const BEYOND: Version = { major: LARGEST + 1, minor: 0, patch: 0 };

export const ANY_VERSION: Range = { from: FIRST, below: BEYOND };

/** `1.2.0`: all three numbers, no leading zeroes, no pre-release. */
export function parseVersion(text: string): Version | undefined {
  const partial = parsePartial(text);
  return partial?.length === 3 ? lowest(partial) : undefined;
}

/**
 * A range as people write it. Without an operator it is what is written and nothing else: `1.2.0` is one version, `1.2`
 * all its patches. Comparators joined by blanks must all hold. Undefined when it can't be read or no version is in it.
 */
export function parseRange(text: string): Range | undefined {
  const words = text.trim().replace(/(>=|<=|>|<|=|\^|~)\s+/g, "$1").split(/\s+/);
  let range: Range | null = ANY_VERSION;
  for (const word of words) {
    const part = parseComparator(word);
    if (!part) return undefined;
    range = meet(range, part);
    if (!range) return undefined;
  }
  return range;
}

/** What both allow, or null when nothing is. */
export function meet(one: Range, other: Range): Range | null {
  const from = compareVersions(one.from, other.from) >= 0 ? one.from : other.from;
  const below = compareVersions(one.below, other.below) <= 0 ? one.below : other.below;
  return compareVersions(from, below) < 0 ? { from, below } : null;
}

export function contains(range: Range, version: Version): boolean {
  return compareVersions(range.from, version) <= 0 && compareVersions(version, range.below) < 0;
}

/** The range of one version. */
export function exactly(version: Version): Range {
  return { from: version, below: { ...version, patch: version.patch + 1 } };
}

/** Negative, zero or positive, as for `sort`. */
export function compareVersions(one: Version, other: Version): number {
  return one.major - other.major || one.minor - other.minor || one.patch - other.patch;
}

/** The first version of those that promise to be compatible with this one: 1.4.2 is of the line of 1.0.0, 0.3.1 of 0.3.0. */
export function lineOf(version: Version): Version {
  const { major, minor, patch } = version;
  if (major > 0) return { major, minor: 0, patch: 0 };
  return minor > 0 ? { major, minor, patch: 0 } : { major, minor, patch };
}

export function sameLine(one: Version, other: Version): boolean {
  return compareVersions(lineOf(one), lineOf(other)) === 0;
}

export function formatVersion(version: Version): string {
  return `${version.major}.${version.minor}.${version.patch}`;
}

/** One spelling for each range; `parseRange` reads it back as the same range. */
export function formatRange(range: Range): string {
  const { from, below } = range;
  if (compareVersions(exactly(from).below, below) === 0) return `=${formatVersion(from)}`;
  const lower = compareVersions(from, FIRST) === 0 ? "" : `>=${formatVersion(from)}`;
  const upper = compareVersions(below, BEYOND) === 0 ? "" : `<${formatVersion(below)}`;
  return [lower, upper].filter((each) => each !== "").join(" ") || "*";
}

type Partial = readonly number[];

/** One to three numbers. */
function parsePartial(text: string): Partial | undefined {
  if (!/^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){0,2}$/.test(text)) return undefined;
  return text.split(".").map(Number);
}

function lowest(partial: Partial): Version {
  return { major: partial[0] ?? 0, minor: partial[1] ?? 0, patch: partial[2] ?? 0 };
}

/** The first version after all that begin with these numbers. */
function after(partial: Partial, places: number = partial.length): Version {
  const { major, minor, patch } = lowest(partial);
  if (places === 1) return { major: major + 1, minor: 0, patch: 0 };
  if (places === 2) return { major, minor: minor + 1, patch: 0 };
  return { major, minor, patch: patch + 1 };
}

function parseComparator(word: string): Range | undefined {
  if (word === "*") return ANY_VERSION;
  const operator = /^(>=|<=|>|<|=|\^|~)?/.exec(word)?.[0] ?? "";
  const partial = parsePartial(word.slice(operator.length));
  if (!partial) return undefined;
  const range = { from: FIRST, below: BEYOND, ...bounds(operator, partial) };
  return compareVersions(range.from, range.below) < 0 ? range : undefined;
}

function bounds(operator: string, partial: Partial): { from?: Version; below?: Version } {
  switch (operator) {
    case ">=":
      return { from: lowest(partial) };
    case ">":
      return { from: after(partial) };
    case "<":
      return { below: lowest(partial) };
    case "<=":
      return { below: after(partial) };
    case "^":
      return { from: lowest(partial), below: after(partial, caretPlaces(partial)) };
    case "~":
      return { from: lowest(partial), below: after(partial, Math.min(2, partial.length)) };
    default:
      return { from: lowest(partial), below: after(partial) };
  }
}

/** `^` keeps everything up to the first number that is not zero. */
function caretPlaces(partial: Partial): number {
  const significant = partial.findIndex((each) => each !== 0);
  return significant < 0 ? partial.length : significant + 1;
}
