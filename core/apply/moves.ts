/**
 * Moves: what the committed plan permits to change without a new plan. `fallback:ROUTE` ends some routes and begins their
 * standby routes, `cut:ROUTE` ends one, `return:` and one of them undoes it, `restart:DRIVER` gives a driver a new instance.
 */
import { issue, ok, refuse, type Result } from "../errors.ts";
import type { Graph, Link } from "../model/graph.ts";
import type { DriverName, RouteName } from "../model/names.ts";
import type { Move, Plan } from "../model/plan.ts";
import type { Committed } from "./types.ts";

/** Which routes a move ends and which links it begins. */
export interface Rewire {
  readonly unlink: readonly RouteName[];
  readonly link: readonly Link[];
}

/** What a fallback or cut rewires; undefined when the plan does not permit it. */
export function rewireOf(move: string, graph: Graph, plan: Plan | null): Rewire | undefined {
  const colon = move.indexOf(":");
  const route = move.slice(colon + 1);
  switch (move.slice(0, colon)) {
    case "fallback":
      return plan?.moves.find((each) => each.kind === "fallback" && each.trip === route) as
        | Extract<Move, { kind: "fallback" }>
        | undefined;
    case "cut": {
      const link = graph.links.find((each) => each.route === route && each.onTrip === "cut");
      return link && { unlink: [link.route], link: [] };
    }
    default:
      return undefined;
  }
}

/** The graph with these moves made, in order; a move that nothing permits changes nothing. */
export function graphAfter(graph: Graph, plan: Plan | null, moves: readonly string[]): Graph {
  return moves.reduce((before, move) => {
    const rewire = rewireOf(move, graph, plan);
    return rewire ? rewired(before, rewire) : before;
  }, graph);
}

function rewired(graph: Graph, { unlink, link }: Rewire): Graph {
  const begun = new Set(link.map((each) => each.route));
  const kept = graph.links.filter((each) => !unlink.includes(each.route) && !begun.has(each.route));
  const links = [...kept, ...link].sort((one, other) => one.route < other.route ? -1 : one.route > other.route ? 1 : 0);
  return { drivers: graph.drivers, links };
}

/** Every fallback and cut of the committed plan, whether in force or not. */
export function possibleMoves(committed: Committed): readonly string[] {
  const fallbacks = (committed.document?.moves ?? []).flatMap((each) =>
    each.kind === "fallback" ? [`fallback:${each.trip}`] : []
  );
  const cuts = committed.graph.links.flatMap((each) => each.onTrip === "cut" ? [`cut:${each.route}`] : []);
  return [...fallbacks, ...cuts];
}

/** Asks the plan: may this be done now? Answers what Desired is then. */
export function permitted(
  move: string,
  committed: Committed,
): Result<{ graph: Graph; abandoned: readonly DriverName[] }> {
  const { moves, graph, document } = committed;
  const returning = move.startsWith("return:") ? move.slice("return:".length) : undefined;
  if (returning !== undefined) {
    if (!moves.includes(returning)) return notNow(move, "it is not in force");
    return ok({ graph: graphAfter(graph, document, moves.filter((each) => each !== returning)), abandoned: [] });
  }
  const rewire = rewireOf(move, graph, document);
  if (!rewire) return notNow(move, "the committed plan does not permit it");
  if (moves.includes(move)) return notNow(move, "it is in force already");
  const before = graphAfter(graph, document, moves);
  const missing = rewire.unlink.find((route) => !before.links.some((each) => each.route === route));
  if (missing !== undefined) return notNow(move, `route \`${missing}\` is not a link now`);
  return ok({ graph: graphAfter(graph, document, [...moves, move]), abandoned: abandoned(before, rewire) });
}

/** Who stands at an end of a route that ends, and at none that begins: nobody waits for them. */
function abandoned(before: Graph, { unlink, link }: Rewire): readonly DriverName[] {
  const stays = new Set(link.flatMap((each) => [each.from.driver, each.to.driver]));
  const ended = before.links.filter((each) => unlink.includes(each.route));
  const gone = ended.flatMap((each) => [each.from.driver, each.to.driver]).filter((each) => !stays.has(each));
  return link.length === 0 ? [] : [...new Set(gone)].sort();
}

function notNow<T>(move: string, why: string): Result<T> {
  return refuse(
    issue("move.refused", `cannot make the move \`${move}\` because ${why}`, "plan and apply what is wanted instead"),
  );
}
