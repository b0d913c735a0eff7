/** The pole in characters: where its tip is now, and how far from upright it was. No colours, and never wider than asked. */
import type { Moment } from "./pole.ts";

/** Degrees at the edge of the gauge. */
const EDGE_DEG = 2;
const WIDEST_HALF = 24;
/** The angle that fills a bar of the trace. */
const FULL_DEG = 5;
const BARS = "▁▂▃▄▅▆▇█";

/** One line of at most `width` characters: the tip between −2° and 2°, the angle, and what led to it. */
export function drawing(moments: readonly Moment[], width: number): string {
  const last = moments.at(-1);
  if (!last) return "";
  const half = Math.max(4, Math.min(WIDEST_HALF, Math.floor((width - 36) / 2)));
  const tip = Math.round(Math.max(-1, Math.min(1, last.angle_deg / EDGE_DEG)) * half) + half;
  const cells = Array.from({ length: 2 * half + 1 }, (_, cell) => {
    if (cell === tip) return last.fallen ? "▂" : "┃";
    return cell === half ? "┊" : " ";
  });
  const angle = last.fallen ? "fallen" : `${last.angle_deg.toFixed(2)}°`;
  const line = `▕${cells.join("")}▏${angle.padStart(7)}  `;
  return `${line}${trace(moments.slice(-Math.max(0, width - line.length)), width - line.length)}`.slice(0, width);
}

/** The largest angles in order, as bars of at most `width` characters: an empty one is upright, a full one 5° or more. */
export function trace(moments: readonly Moment[], width: number): string {
  const each = Math.max(1, Math.ceil(moments.length / Math.max(1, width)));
  const bars: string[] = [];
  for (let at = 0; at < moments.length; at += each) {
    bars.push(bar(Math.max(...moments.slice(at, at + each).map((moment) => moment.max_deg))));
  }
  return bars.join("");
}

/** By the root of the angle, so that what a good control leaves is seen too. */
function bar(deg: number): string {
  const share = Math.sqrt(Math.min(1, Math.max(0, deg) / FULL_DEG));
  return BARS[Math.min(BARS.length - 1, Math.floor(share * BARS.length))] ?? "";
}
