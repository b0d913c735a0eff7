/** Durations, rates and sizes as people write them: a number and a unit, always with the unit. */

const DURATION_NS: ReadonlyMap<string, number> = new Map([
  ["ns", 1],
  ["us", 1_000],
  ["ms", 1_000_000],
  ["s", 1_000_000_000],
  ["m", 60_000_000_000],
  ["h", 3_600_000_000_000],
]);
const RATE_HZ: ReadonlyMap<string, number> = new Map([["Hz", 1], ["kHz", 1_000], ["MHz", 1_000_000]]);
const SIZE_BYTES: ReadonlyMap<string, number> = new Map([
  ["B", 1],
  ["KiB", 1024],
  ["MiB", 1024 * 1024],
  ["GiB", 1024 * 1024 * 1024],
]);

/** `5ms` → 5,000,000 ns. Undefined when it is none, is no whole number of nanoseconds, or is not exact in a number. */
export function parseDuration(text: string): number | undefined {
  return wholeQuantity(text, DURATION_NS);
}

/** `2kHz` → 2,000 a second; undefined when it is none, or zero. */
export function parseRate(text: string): number | undefined {
  const rate = quantity(text, RATE_HZ);
  return rate !== undefined && rate > 0 ? rate : undefined;
}

/** `64KiB` → 65,536 bytes. */
export function parseSize(text: string): number | undefined {
  return wholeQuantity(text, SIZE_BYTES);
}

/** In the largest unit that keeps it whole: 1,500,000 → `1500us`. */
export function formatDuration(ns: number): string {
  return formatQuantity(ns, DURATION_NS);
}

export function formatSize(bytes: number): string {
  return formatQuantity(bytes, SIZE_BYTES);
}

function wholeQuantity(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const value = quantity(text, units);
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

/** Digits are scaled as whole numbers, so that `0.3ms` is 300,000 and not a neighbour of it. */
function quantity(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const match = /^([0-9]{1,12})(?:\.([0-9]{1,9}))?([A-Za-z]+)$/.exec(text);
  const unit = units.get(match?.[3] ?? "");
  if (!match || unit === undefined) return undefined;
  const decimals = match[2] ?? "";
  const scaled = BigInt((match[1] ?? "") + decimals) * BigInt(unit);
  const scale = 10n ** BigInt(decimals.length);
  const value = scaled % scale === 0n ? Number(scaled / scale) : Number(scaled) / Number(scale);
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

function formatQuantity(value: number, units: ReadonlyMap<string, number>): string {
  const fitting = [...units].reverse().find(([, unit]) => value !== 0 && value % unit === 0);
  const [name, unit] = fitting ?? [...units][0] ?? ["", 1];
  return `${value / unit}${name}`;
}
