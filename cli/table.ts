/** Columns for people: as wide as their widest cell, colours not counted. */

/** `width`: columns of the screen. The widest column gives way where they are too few; its cells must have no colours then. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width = Infinity,
): readonly string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => visible(row[column] ?? ""))));
  const excess = widths.reduce((sum, each) => sum + each + GAP.length, -GAP.length) - width;
  const widest = widths.indexOf(Math.max(...widths));
  if (excess > 0) widths[widest] = Math.max(1, (widths[widest] ?? 0) - excess);
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => padded(cell, widths[column] ?? 0)).join(GAP).trimEnd();
  return [line(head), ...rows.map(line)];
}

const GAP = "  ";
const COLOUR = new RegExp("\u001b\\[\\d+m", "g");

function padded(cell: string, width: number): string {
  const over = visible(cell) - width;
  return over > 0 ? `${cell.slice(0, width - 1)}…` : cell + " ".repeat(-over);
}

function visible(text: string): number {
  return text.replaceAll(COLOUR, "").length;
}
