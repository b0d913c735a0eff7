/** What the log says is true: the plan of the last C, the moves after it, and who serves. */
import { issue, ok, refuse, type Result } from "../errors.ts";
import { EMPTY_GRAPH, type Graph } from "../model/graph.ts";
import { type Instance, type PlanId, splitInstance } from "../model/names.ts";
import type { Plan } from "../model/plan.ts";
import { graphHash, parsePlan } from "../trust/plan_file.ts";
import type { Tools } from "./cells.ts";
import { graphAfter } from "./moves.ts";
import type { Committed, WalBody, WalRecord } from "./types.ts";

export interface LogSays {
  readonly committed: Committed;
  readonly serving: Readonly<Record<string, Instance>>;
  readonly open: WalRecord | null;
  readonly lastEpoch: number;
  readonly numbers: Readonly<Record<string, number>>;
}

export function committedOf(records: readonly WalRecord[], tools: Tools): Result<LogSays> {
  let plan: PlanId | null = null;
  let serial = 0;
  let moves: readonly string[] = [];
  let serving: Readonly<Record<string, Instance>> = {};
  let open: WalRecord | null = null;
  let lastEpoch = 0;
  let numbers: Readonly<Record<string, number>> = {};
  for (const each of records) {
    const { body } = each;
    numbers = highest(numbers, instancesOf(body));
    if (body.kind === "D") {
      open = each;
      lastEpoch = Math.max(lastEpoch, body.inverse);
    } else if (body.kind === "C") {
      ({ plan, serial } = body);
      serving = open ? instancesOf(open.body) : {};
      moves = [];
      open = null;
    } else if (body.kind === "R") open = null;
    else {
      lastEpoch = Math.max(lastEpoch, body.inverse);
      serving = { ...serving, ...instancesOf(body) };
      moves = movesAfter(moves, body.move);
    }
  }
  const document = planDocument(plan, tools);
  if (!document.ok) return document;
  const graph = document.value?.to ?? EMPTY_GRAPH;
  const committed: Committed = {
    plan,
    document: document.value,
    graph,
    graphHash: graphHash(graph, tools.hasher),
    serial,
    moves,
  };
  return ok({ committed, serving, open, lastEpoch, numbers });
}

/** The plan with this id, from the store; null for the empty graph. */
export function planDocument(plan: PlanId | null, tools: Tools): Result<Plan | null> {
  if (plan === null) return ok(null);
  const bytes = tools.store.get(plan);
  if (!bytes) {
    const why = `plan ${plan.slice(0, 12)} is not in the store`;
    return refuse(issue("store.missing", `cannot go on because ${why}`, "restore .rtt/store from a backup"));
  }
  return parsePlan(bytes, tools.hasher);
}

/** The graph of the committed plan with its moves in force: Desired. */
export function desiredGraph(committed: Committed): Graph {
  return graphAfter(committed.graph, committed.document, committed.moves);
}

/** Fallbacks and cuts in force after a move: a return ends one, a restart is none. */
export function movesAfter(moves: readonly string[], move: string): readonly string[] {
  if (move.startsWith("return:")) return moves.filter((each) => each !== move.slice("return:".length));
  const stays = move.startsWith("fallback:") || move.startsWith("cut:");
  return stays && !moves.includes(move) ? [...moves, move] : moves;
}

export function instancesOf(body: WalBody): Readonly<Record<string, Instance>> {
  return body.kind === "D" || body.kind === "M" ? body.instances as Readonly<Record<string, Instance>> : {};
}

/** The highest number of each driver, also over these instances. */
export function highest(
  numbers: Readonly<Record<string, number>>,
  instances: Readonly<Record<string, string>> | readonly string[],
): Readonly<Record<string, number>> {
  const after: Record<string, number> = { ...numbers };
  for (const each of Object.values(instances)) {
    const known = splitInstance(each);
    if (known) after[known.driver] = Math.max(after[known.driver] ?? 0, known.number);
  }
  return after;
}
