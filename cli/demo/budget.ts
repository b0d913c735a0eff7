/**
 * The budgets in the demo. A busy machine may break one, and that is no failure: what must not happen is that a budget stays
 * broken and the guard does not notice.
 */
import { LIMITS } from "../../core/limits.ts";
import type { LinkStatus } from "../../core/observe/status.ts";
import { type Bench, failed } from "./bench.ts";
import { pause } from "./wait.ts";

/** A p99 of fewer frames says too little. */
export const JUDGED_FROM = 1_000;
/** Longest wait for as many on the lanes of the pole. */
const FRAMES_WITHIN_MS = 5_000;
const LOOK_AGAIN_MS = 500;
/** The guard's own time: a new lane is left in peace, its window fills, and a breach is seen in two evaluations. */
const NOTICED_WITHIN_MS = (LIMITS.guard.quietNs + LIMITS.guard.windowNs + 2 * LIMITS.guard.evaluateNs) / 1e6;

export const RULE =
  `A p99 is judged from ${JUDGED_FROM.toLocaleString("en")} frames on. Over budget means that this machine was busy, ` +
  `and fails the demo only if it lasts for ${NOTICED_WITHIN_MS / 1000} s and the guard does not notice.`;

/** One lane at the end of a step. Field names are those of `rtt demo --json`. */
export interface Sample {
  readonly step: string;
  readonly route: string;
  readonly from: string;
  readonly to: string;
  readonly frames: number;
  readonly p50_ns: number | null;
  readonly p99_ns: number | null;
  readonly budget_ms: number | null;
  readonly predicted_p99_ns: number | null;
  readonly judged: "kept" | "over" | "too few" | "no budget";
  /** Of one over its budget: what became of it. */
  readonly then: "noticed" | "passed" | null;
}

/** Looks at the lanes of the pole, or at all, and stays until what is over budget was noticed or has passed. */
export async function sampleOf(step: string, bench: Bench, all: boolean): Promise<readonly Sample[]> {
  const look = async () =>
    (await bench.status()).links.filter((each) => each.state === "up" && (all || isControl(each)));
  let first = await look();
  for (let waited = 0; waited < FRAMES_WITHIN_MS && first.some(isYoung); waited += LOOK_AGAIN_MS) {
    await pause(LOOK_AGAIN_MS);
    first = await look();
  }
  let now = first;
  for (let waited = 0; now.some(isUnnoticed); waited += LOOK_AGAIN_MS) {
    if (waited >= NOTICED_WITHIN_MS) throw unnoticed(step, now.filter(isUnnoticed));
    await pause(LOOK_AGAIN_MS);
    now = (await look()).filter((each) => first.some(({ route }) => route === each.route));
  }
  return first.map((link) => sample(step, link, now.find(({ route }) => route === link.route)));
}

function isYoung(link: LinkStatus): boolean {
  return isControl(link) && link.frames < JUDGED_FROM;
}

/** A lane to or from the plant. */
function isControl({ from, to }: LinkStatus): boolean {
  return from.startsWith("plant/") || to.startsWith("plant/");
}

export function judged({ frames, p99_ns, budget_ms }: LinkStatus): Sample["judged"] {
  if (budget_ms === null) return "no budget";
  if (frames < JUDGED_FROM || p99_ns === null) return "too few";
  return p99_ns > budget_ms * 1e6 ? "over" : "kept";
}

/** Over budget, and the guard says nothing of it. A trip of another step does not count: its breaker may have closed since. */
export function isUnnoticed(link: LinkStatus): boolean {
  return judged(link) === "over" && link.breaker === "closed" && !link.disputed;
}

function sample(step: string, link: LinkStatus, later: LinkStatus | undefined): Sample {
  const { route, from, to, frames, p50_ns, p99_ns, budget_ms, predicted_p99_ns } = link;
  const verdict = judged(link);
  const passed = later !== undefined && judged(later) !== "over";
  const then = verdict !== "over" ? null : passed ? "passed" : "noticed";
  return { step, route, from, to, frames, p50_ns, p99_ns, budget_ms, predicted_p99_ns, judged: verdict, then };
}

function unnoticed(step: string, links: readonly LinkStatus[]) {
  const which = links.map((each) =>
    `${each.route} at ${((each.p99_ns ?? 0) / 1e6).toFixed(1)} ms of ${each.budget_ms} ms`
  );
  return failed(`the guard did not notice in step (${step}) that a budget was broken: ${which.join(", ")}`);
}
