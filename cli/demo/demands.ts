/** What the demo demands, step by step: each of these says so and throws when it is not met. */
import type { LinkStatus } from "../../core/observe/status.ts";
import type { StatusView } from "../panel/views.ts";
import { failed } from "./bench.ts";
import { type Moment, REPORT_MS, type Seen } from "./pole.ts";

/** The angle that no step may reach, degrees. */
export const LIMIT_DEG = 5;

/** Reports in which a force came in, of the thirty that a pole makes while its panel is dead for 1.5 s. */
const LEAST_ALONE = 10;

/** The pole stayed up, and the plant was there to say so. */
export function demandUp(step: string, seen: Seen): void {
  if (seen.reports === 0) throw failed(`the plant said nothing in step (${step})`);
  if (seen.fallen || seen.max_deg >= LIMIT_DEG) {
    throw failed(`the pole reached ${seen.max_deg.toFixed(2)}° in step (${step}), and ${LIMIT_DEG}° is the limit`);
  }
}

/** It stood until the pause, and not after it: else the control without RTT proves nothing. */
export function demandFall(before: Seen, whole: Seen, pauseMs: number): void {
  if (before.reports === 0) throw failed("the plant over pipes said nothing before the pause");
  if (before.fallen) throw failed("the pole fell over pipes before the pause: this host is too busy for the demo");
  if (!whole.fallen) throw failed(`the pole did not fall over pipes in a pause of ${pauseMs} ms`);
}

/** Of the lanes that a plan has ended every frame arrived, and nothing was dropped on the others. Answers how many. */
export function demandNothingLost(status: Pick<StatusView, "ended" | "links">): number {
  const moved = status.ended.reduce((sum, each) => sum + each.sent, 0);
  if (moved === 0) throw failed("no lane ended with a frame in plan B");
  const lost = status.ended.reduce((sum, each) => sum + each.lost + each.dropped, 0);
  const drops = status.links.flatMap((link) => Object.values(link.drops)).reduce((sum, each) => sum + each, 0);
  if (lost + drops > 0) throw failed(`${lost} frames were lost on the lanes that ended, ${drops} on the others`);
  return moved;
}

/** Forces came in while there was no panel. Answers in how many reports. */
export function demandAlone(moments: readonly Moment[]): number {
  const alone = moments.filter((each) => each.gap_ms < REPORT_MS).length;
  if (alone < LEAST_ALONE) {
    throw failed(
      `forces came in during ${alone} of ${moments.length} reports without a panel, and ${LEAST_ALONE} is the least`,
    );
  }
  return alone;
}

export function linkOf(status: Pick<StatusView, "links">, route: string): LinkStatus {
  const link = status.links.find((each) => each.route === route);
  if (!link) throw failed(`route ${route} is no link`);
  return link;
}
