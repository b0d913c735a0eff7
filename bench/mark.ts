/** What a figure must reach: bounds of its ratio (`<= 1.5x`) or of its value in the row's own unit (`>= 90 M frames/s`). */

/** The figures of a row that a mark speaks of. */
export interface Figures {
  readonly value: number;
  readonly unit: string;
  readonly ratio: number | null;
}

interface Bound {
  readonly most: boolean;
  readonly limit: number;
  /** `x` for the ratio, or the row's unit. */
  readonly of: string;
}

const BOUND = /^(<=|>=) (\d+(?:\.\d+)?)(x| .+)$/;

/** A mark is one bound or several, with commas between. */
function boundsOf(mark: string): Bound[] {
  return mark.split(", ").map((text) => {
    const [, sign = "", limit = "", of = ""] = BOUND.exec(text) ?? [];
    if (sign === "") throw new Error(`cannot judge by the mark "${mark}" because "${text}" is no bound`);
    return { most: sign === "<=", limit: Number(limit), of: of.trim() };
  });
}

/** Whether the figures reach the mark; null where there is none. A mark of another unit than the row's is a mistake of ours. */
export function isMet(mark: string, figures: Figures): boolean | null {
  if (mark === "") return null;
  return boundsOf(mark).every(({ most, limit, of }) => {
    const figure = of === "x" ? figures.ratio : of === figures.unit ? figures.value : null;
    if (figure === null) throw new Error(`cannot judge by the mark "${mark}" because the row is in ${figures.unit}`);
    return most ? figure <= limit : figure >= limit;
  });
}
