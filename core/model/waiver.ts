/** Until when an exception holds, and what to say of one that is over. */
import { type Issue, issue } from "../errors.ts";
import type { Policy } from "./config.ts";

/** `until` is the last day on which it holds, in UTC. */
export function waiverHolds(until: string, nowMs: number): boolean {
  return new Date(nowMs).toISOString().slice(0, 10) <= until;
}

/**
 * Warnings, since nothing is wrong with the text: it was right when it was written, and what it says is still done, which is
 * nothing.
 */
export function waiverWarnings({ waive }: Policy, nowMs: number): readonly Issue[] {
  return waive.filter(({ until }) => !waiverHolds(until, nowMs)).map(({ driver, until, place }) =>
    issue(
      "policy.expired",
      `cannot run driver \`${driver}\` outside a cell because its waiver ended with ${until}`,
      "take the waiver away, or give it a later `until` and have the policy signed again",
      place,
    )
  );
}
