/** The demo may not pass when it must not: every demand is shown what breaks it. */
import { assertEquals, assertThrows } from "@std/assert";
import { RttError } from "../../core/errors.ts";
import type { LinkStatus } from "../../core/observe/status.ts";
import type { Account } from "../panel/ledger.ts";
import { isUnnoticed, judged, JUDGED_FROM } from "./budget.ts";
import { demandAlone, demandFall, demandNothingLost, demandUp, LIMIT_DEG } from "./demands.ts";
import { type Moment, summary } from "./pole.ts";

const UP: Moment = { t_ms: 50, angle_deg: 0.2, max_deg: 0.3, x_m: 0, gap_ms: 4, fallen: false };
const FALLEN: Moment = { ...UP, t_ms: 100, angle_deg: 30, max_deg: 30, gap_ms: 501, fallen: true };
const ACCOUNT: Account = { route: "sense", lanes: 1, sent: 10, received: 10, dropped: 0, lost: 0 };
const LINK: LinkStatus = {
  route: "sense" as LinkStatus["route"],
  class: "hook",
  from: "plant/state",
  to: "awk/state",
  state: "up",
  lane: "stream",
  cpu: { from: [], to: [] },
  frames: JUDGED_FROM,
  drops: {},
  depth: 0,
  p50_ns: 20_000,
  p95_ns: 30_000,
  p99_ns: 5_000_000,
  predicted_p99_ns: null,
  budget_ms: 5,
  breaker: "closed",
  backoff_tier: 0,
  disputed: false,
  trips: 0,
  last_trip: null,
};

function refused(act: () => unknown, why: string): void {
  assertThrows(act, RttError, why);
}

Deno.test("what was seen is the worst of its moments, and one moment of a fallen pole is a fall", () => {
  assertEquals(summary([FALLEN, UP]), { max_deg: 30, longest_gap_ms: 501, fallen: true, reports: 2 });
  assertEquals(summary([UP]).fallen, false);
  assertEquals(summary([]), { max_deg: 0, longest_gap_ms: 0, fallen: false, reports: 0 });
});

Deno.test("a step fails when the pole has fallen, reached the limit, or said nothing", () => {
  demandUp("c", summary([UP, { ...UP, max_deg: LIMIT_DEG - 0.01 }]));
  refused(() => demandUp("c", summary([UP, FALLEN])), "the pole reached 30.00° in step (c)");
  refused(() => demandUp("c", summary([{ ...UP, fallen: true }])), "the pole reached");
  refused(() => demandUp("c", summary([{ ...UP, max_deg: LIMIT_DEG }])), `${LIMIT_DEG}° is the limit`);
  refused(() => demandUp("c", summary([])), "the plant said nothing in step (c)");
});

Deno.test("without RTT the pole must stand until the pause and fall in it", () => {
  demandFall(summary([UP]), summary([UP, FALLEN]), 500);
  refused(() => demandFall(summary([UP]), summary([UP, UP]), 500), "did not fall over pipes in a pause of 500 ms");
  refused(() => demandFall(summary([FALLEN]), summary([FALLEN]), 500), "fell over pipes before the pause");
  refused(() => demandFall(summary([]), summary([FALLEN]), 500), "said nothing before the pause");
});

Deno.test("one frame that was lost or dropped fails the move, and so does a move of nothing", () => {
  assertEquals(demandNothingLost({ ended: [ACCOUNT, ACCOUNT], links: [LINK] }), 20);
  refused(() => demandNothingLost({ ended: [ACCOUNT, { ...ACCOUNT, lost: 1 }], links: [] }), "1 frames were lost");
  refused(() => demandNothingLost({ ended: [{ ...ACCOUNT, dropped: 1 }], links: [] }), "1 frames were lost");
  refused(() => demandNothingLost({ ended: [ACCOUNT], links: [{ ...LINK, drops: { full: 1 } }] }), "1 on the others");
  refused(() => demandNothingLost({ ended: [], links: [LINK] }), "no lane ended with a frame");
});

Deno.test("forces must come in while there is no panel", () => {
  assertEquals(demandAlone(Array<Moment>(10).fill(UP)), 10);
  refused(() => demandAlone(Array<Moment>(9).fill(UP)), "9 of 9 reports without a panel");
  refused(() => demandAlone(Array<Moment>(30).fill({ ...UP, gap_ms: 51 })), "0 of 30 reports without a panel");
});

Deno.test("a budget is judged from 1,000 frames on, and one that is broken is noticed by its breaker or as disputed", () => {
  const over = { ...LINK, p99_ns: 5_000_001 };
  assertEquals([LINK, over, { ...over, frames: JUDGED_FROM - 1 }, { ...over, budget_ms: null }].map(judged), [
    "kept",
    "over",
    "too few",
    "no budget",
  ]);
  assertEquals([over, LINK, { ...over, frames: JUDGED_FROM - 1 }].map(isUnnoticed), [true, false, false]);
  assertEquals([{ ...over, breaker: "open" }, { ...over, disputed: true }].map(isUnnoticed), [false, false]);
  assertEquals(isUnnoticed({ ...over, trips: 1 }), true, "it tripped before, and its breaker has closed since");
});
