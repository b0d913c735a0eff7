/** Columns for people: as wide as their widest cell, colours not counted. */

export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => visible(row[column] ?? ""))));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - visible(cell))).join("  ").trimEnd();
  return [line(head), ...rows.map(line)];
}

const COLOUR = new RegExp("\u001b\\[\\d+m", "g");

function visible(text: string): number {
  return text.replaceAll(COLOUR, "").length;
}
