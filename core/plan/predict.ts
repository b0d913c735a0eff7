/** Predictions of p99: a number only where there is something to predict from, else the reason why there is none. */
import type { Graph } from "../model/graph.ts";
import type { Prediction } from "../model/plan.ts";
import type { Scenario } from "../model/scenario.ts";

/**
 * It would need a profile of this machine, both drivers pinned and a declared rate; the static cost is no prediction and
 * is never shown as one. There is no profile yet, so that the first thing that lacks is always named.
 */
export function predictions(scenario: Scenario, graph: Graph): readonly Prediction[] {
  return graph.links.map(({ route, rateHz, from, to }): Prediction => {
    const lacking: string[] = [];
    if (scenario.profile === null) lacking.push("no profile of this machine");
    const loose = [from.driver, to.driver].filter((name) => scenario.config.drivers.get(name)?.cpu !== "pinned");
    if (loose.length > 0) lacking.push(`${loose.join(" and ")} not pinned`);
    if (rateHz === null) lacking.push("no declared rate");
    return { route, p99Ns: null, why: lacking.join(", ") };
  });
}
