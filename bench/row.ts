import { isMet } from "./mark.ts";

/** One measured figure beside its reference, measured in the same run on the same machine. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same quantity of what it is compared with; null where there is nothing to compare with. */
  readonly reference: number | null;
  /** value ÷ reference. */
  readonly ratio: number | null;
  /** What the reference is, in words. */
  readonly against: string;
  /** What it must reach, in the words of `mark.ts`; "" where there is nothing to reach. */
  readonly mark: string;
}

/** One topic of the benchmark: all of its rows come from one run. */
export interface Bench {
  readonly name: string;
  readonly says: string;
  readonly run: () => Promise<readonly Row[]>;
}

export function compared(
  name: string,
  unit: string,
  figures: { readonly value: number; readonly reference: number; readonly against: string; readonly mark?: string },
): Row {
  const { value, reference, against, mark = "" } = figures;
  return { name, value, unit, reference, ratio: value / reference, against, mark };
}

export function absolute(name: string, unit: string, value: number, mark = ""): Row {
  return { name, value, unit, reference: null, ratio: null, against: "", mark };
}

/** Four significant digits are what a run on a shared machine can tell. */
const SIGNIFICANT = 4;

const round = (value: number): number => Number(value.toPrecision(SIGNIFICANT));

/** One object a line: name, value, unit, reference, ratio; where there is a mark, that too, and whether it is met. */
export function jsonLine(row: Row): string {
  return JSON.stringify({
    name: row.name,
    value: round(row.value),
    unit: row.unit,
    reference: row.reference === null ? null : round(row.reference),
    ratio: row.ratio === null ? null : round(row.ratio),
    ...row.mark === "" ? {} : { mark: row.mark, met: isMet(row.mark, row) },
  });
}

const shown = (value: number | null): string => value === null ? "" : String(round(value));

function verdict(row: Row): string {
  const met = isMet(row.mark, row);
  return met === null ? "" : `${row.mark}: ${met ? "met" : "NOT MET"}`;
}

/** A table for people: figures right-aligned, the ratio, what it is compared with, the mark and whether it is met. */
export function table(rows: readonly Row[]): string[] {
  const header = ["what", "value", "unit", "reference", "ratio", "against", "mark"];
  const body = rows.map((
    row,
  ) => [row.name, shown(row.value), row.unit, shown(row.reference), shown(row.ratio), row.against, verdict(row)]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...body.map((line) => line[column]?.length ?? 0))
  );
  const figures = new Set([1, 3, 4]);
  return [header, ...body].map((line) =>
    line.map((cell, column) =>
      figures.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)
    )
      .join("  ").trimEnd()
  );
}
