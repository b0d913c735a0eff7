/** The name that somebody probably meant. */

/** Names longer than this are not compared: nobody mistypes them letter by letter, and the work is quadratic. */
const LONGEST = 128;

/** The closest of `names` to `word`, if it is close enough to be a slip of the hand; ties go to the first in order. */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  const allowed = Math.max(1, Math.floor(word.length / 3));
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of [...names].sort()) {
    if (name === word || Math.abs(name.length - word.length) > allowed) continue;
    const distance = editDistance(word.toLowerCase(), name.toLowerCase());
    if (distance <= allowed && (!best || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

/** `did you mean …?` when there is something near, else what there is at all. */
export function suggestion(word: string, names: Iterable<string>, none: string): string {
  const all = [...names].sort();
  const near = nearest(word, all);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  if (all.length === 0) return none;
  const shown = all.slice(0, 8).map((each) => `\`${each}\``).join(", ");
  return `there ${all.length === 1 ? "is" : "are"} ${shown}${all.length > 8 ? ` and ${all.length - 8} more` : ""}`;
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
function editDistance(one: string, other: string): number {
  if (one.length > LONGEST || other.length > LONGEST) return Math.max(one.length, other.length);
  let before: number[] = [];
  let above = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row++) {
    const line = [row];
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1];
      let least = Math.min(
        (above[column] ?? 0) + 1,
        (line[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (swapped) least = Math.min(least, (before[column - 2] ?? 0) + 1);
      line.push(least);
    }
    before = above;
    above = line;
  }
  return above[other.length] ?? 0;
}
