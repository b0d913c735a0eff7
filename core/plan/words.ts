/** A plan in words, as lines that fit a screen. What doesn't fit is counted and left to `--json`. */
import type { Placement } from "../model/plan.ts";
import type { Explanation, Fate, Shown, ShownDriver, ShownLink } from "./explain.ts";
import { cpuList } from "./groups.ts";

export interface Screen {
  /** Columns. */
  readonly width: number;
  /** Rows that drivers and links may take, each. */
  readonly rows?: number;
}

const USUAL_ROWS = 14;

/** `id`: the plan's, when it is known. */
export function showWords(
  shown: Shown,
  { id, width, rows = USUAL_ROWS }: Screen & { readonly id: string | null },
): readonly string[] {
  const base = shown.base === null ? "the empty graph" : `plan ${shown.base.slice(0, 12)}`;
  const { latency, crossNode, churn } = shown.objective;
  const verdict = shown.proved ? `proved best by ${shown.solver}` : `found by ${shown.solver}, not proved best`;
  const lines = [
    `plan ${id === null ? "" : `${id.slice(0, 12)} `}for panel ${shown.panel}, from ${base}`,
    `${tally("driver", shown.drivers)}; ${tally("link", shown.links)}; ${count(shown.changes, "step")} in ` +
    count(shown.batches, "batch"),
    "",
    "drivers",
    ...fitted(driverRows(shown.drivers), shown.drivers, rows),
    "links",
    ...fitted(linkRows(shown.links), shown.links, rows),
  ];
  if (shown.moves.length > 0) {
    lines.push("may change without a new plan");
    lines.push(...limited(table(shown.moves.map((each) => [each.move, each.says])), Math.ceil(rows / 2)));
  }
  const cost = `cost ${latency} (weight × ns, static), ${count(crossNode, "route")} across nodes, change ${churn}`;
  lines.push("", `${cost}; ${verdict}`, predictionLine(shown.links));
  return lines.map((each) => clipped(each, width));
}

export function explainWords(told: Explanation, { width, rows = USUAL_ROWS }: Screen): readonly string[] {
  const { link } = told;
  const lines = [`route ${told.route}: ${told.chosen}${told.standby ? " (standby)" : ""}`];
  if (link) {
    const budget = link.budgetNs === null ? "no budget" : `p99 < ${duration(link.budgetNs)}`;
    const marks = link.critical ? ", critical" : "";
    lines.push(`  ${link.contract} ${link.version}, class ${link.class}, ${budget}${marks}, on trip: ${link.onTrip}`);
    const predicted = link.predictedP99Ns === null
      ? `none (${link.predictionWhy})`
      : `${duration(link.predictedP99Ns)} (${link.predictionWhy})`;
    lines.push(`  predicted p99: ${predicted}`);
  }
  for (const { move, says } of told.fallbacks) lines.push(`  ${move}: ${says}`);
  lines.push(told.others.length === 0 ? "  nothing else was possible" : "  what else there was");
  const others = told.others.flatMap(({ candidate, why }) => [
    `    ${candidate}`,
    ...wrapped(why, width - 6).map((each) => `      ${each}`),
  ]);
  lines.push(...limited(others, rows * 3));
  if (told.drivers.length > 0) lines.push("  where its drivers run");
  lines.push(...limited(told.drivers.flatMap((each) => placementRows(each, width)), rows * 3));
  return lines.map((each) => clipped(each, width));
}

/** `1.5 ms`, `800 ns`: at most three digits after the point. */
export function duration(nanoseconds: number): string {
  const units: readonly (readonly [number, string])[] = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]];
  const [size, unit] = units.find(([each]) => nanoseconds >= each) ?? [1, "ns"];
  return `${Number((nanoseconds / size).toFixed(3))} ${unit}`;
}

function placementRows({ driver, chosen, others }: Placement, width: number): readonly string[] {
  return [
    `    ${driver}: ${chosen}`,
    ...others.flatMap(({ candidate, why }) =>
      wrapped(`not ${candidate}: ${why}`, width - 6).map((each) => `      ${each}`)
    ),
  ];
}

const MARK: Readonly<Record<Fate, string>> = { new: "+", kept: " ", changed: "~", ended: "-" };

function driverRows(drivers: readonly ShownDriver[]): readonly string[] {
  return table(drivers.map((each) => [
    `${MARK[each.fate]} ${each.driver}`,
    each.fate === "ended" ? "" : `node ${each.node}`,
    each.fate === "ended" ? "" : `cpu ${cpuList(each.cpus)}`,
  ]));
}

function linkRows(links: readonly ShownLink[]): readonly string[] {
  return table(links.map((each) => [
    `${MARK[each.fate]} ${each.route}`,
    each.class,
    `${each.from} → ${each.to}`,
    `${each.contract} ${each.version}`,
    each.budgetNs === null ? "" : `p99 < ${duration(each.budgetNs)}`,
    each.critical ? "critical" : "",
  ]));
}

/** All rows when they fit; else those that change first, and how many are left out. */
function fitted(rows: readonly string[], items: readonly { readonly fate: Fate }[], most: number): string[] {
  if (rows.length === 0) return ["  none"];
  if (rows.length <= most) return [...rows];
  const changing = rows.filter((_, at) => items[at]?.fate !== "kept");
  const kept = rows.filter((_, at) => items[at]?.fate === "kept");
  return limited([...changing, ...kept], most);
}

function limited(rows: readonly string[], most: number): string[] {
  if (rows.length <= most) return [...rows];
  return [...rows.slice(0, most - 1), `  and ${rows.length - most + 1} more (--json shows all)`];
}

function tally(noun: string, items: readonly { readonly fate: Fate }[]): string {
  const fates: readonly Fate[] = ["new", "changed", "ended", "kept"];
  const parts = fates.flatMap((fate) => {
    const number = items.filter((each) => each.fate === fate).length;
    return number > 0 ? [`${number} ${fate}`] : [];
  });
  return `${noun}s: ${parts.join(", ") || "none"}`;
}

function predictionLine(links: readonly ShownLink[]): string {
  const predicted = links.filter((each) => each.predictedP99Ns !== null).length;
  const why = [...new Set(links.flatMap((each) => each.predictedP99Ns === null ? [each.predictionWhy] : []))];
  if (links.length === 0) return "no links, no predictions";
  return predicted > 0
    ? `${count(predicted, "route")} with a predicted p99`
    : `no predicted p99: ${why.sort()[0] ?? ""}`;
}

function count(number: number, noun: string): string {
  const plural = noun.endsWith("ch") ? `${noun}es` : `${noun}s`;
  return `${number} ${number === 1 ? noun : plural}`;
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => widths[at] = Math.max(widths[at] ?? 0, cell.length));
  return rows.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}`.trimEnd());
}

function clipped(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
