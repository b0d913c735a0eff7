/**
 * What always holds (DESIGN, "Apply"), as functions of a graph, of facts and of a machine. The panel asks them after each
 * step, the simulator after each event; a sentence in an answer is a bug or a keeper that lies, never an outcome.
 */
import type { InstanceFact, Inventory } from "../keeper.ts";
import type { Graph } from "../model/graph.ts";
import { splitInstance } from "../model/names.ts";
import { desiredGraph } from "./committed.ts";
import { idlers, isAlive } from "./facts.ts";
import { ringFits } from "./layout.ts";
import type { Machine } from "./state.ts";
import type { Committed, WalRecord } from "./types.ts";

/** Of a graph: one active link for a `from`, no dangling link, no unpinned critical route, lanes that can be made. */
export function brokenGraph(graph: Graph): readonly string[] {
  const placed = new Map(graph.drivers.map((each) => [each.driver, each]));
  const wrong: string[] = [];
  const from = new Map<string, string>();
  const ids = new Map<number, string>();
  for (const link of graph.links) {
    const source = `${link.from.driver}/${link.from.endpoint}`;
    const other = from.get(source);
    if (other !== undefined) wrong.push(`routes ${other} and ${link.route} both lead from ${source}`);
    from.set(source, link.route);
    const twin = ids.get(link.routeId);
    if (twin !== undefined) wrong.push(`routes ${twin} and ${link.route} have one number`);
    ids.set(link.routeId, link.route);
    if (!ringFits(link)) wrong.push(`the ring of route ${link.route} can't hold its frames`);
    for (const { driver } of [link.from, link.to]) {
      const end = placed.get(driver);
      if (!end) wrong.push(`route ${link.route} ends at ${driver}, which is not in the graph`);
      else if (link.critical && end.cpus.length !== 1) {
        wrong.push(`critical route ${link.route} has ${driver} on ${end.cpus.length} cpus and not pinned to one`);
      }
    }
  }
  return wrong;
}

/** Of facts, at any time: one active lane for a `from`, both ends of a lane agree, and its regions are there. */
export function brokenFacts(facts: Inventory): readonly string[] {
  const alive = facts.instances.filter(isAlive);
  const known = new Map(facts.instances.map((each) => [each.instance, each]));
  const regions = new Map(facts.regions.map((each) => [each.region, each]));
  const wrong: string[] = [];
  const from = new Map<string, number>();
  for (const { instance, lanes } of alive) {
    const driver = splitInstance(instance)?.driver ?? instance;
    for (const lane of lanes) {
      if (lane.side === "producer") {
        const source = `${driver}/${lane.endpoint}`;
        if (from.has(source)) wrong.push(`two active lanes lead from ${source}`);
        from.set(source, lane.lane);
      }
      for (const region of [lane.ringRegion, lane.creditRegion]) {
        if (!regions.has(region)) wrong.push(`lane ${lane.lane} of ${instance} uses region ${region}, which is gone`);
      }
      if (dangling(lane.lane, known.get(lane.peer))) wrong.push(`lane ${lane.lane} of ${instance} leads to nobody`);
    }
  }
  return wrong;
}

/** A peer that died may be led to until it is restarted; one that lives must have the other end. */
function dangling(lane: number, peer: InstanceFact | undefined): boolean {
  return peer !== undefined && isAlive(peer) && !peer.lanes.some((each) => each.lane === lane);
}

/** Of facts that a quiet panel sees: nothing staged, nobody without a duty, no region that no lane uses. */
export function orphans(facts: Inventory, serving: Machine["serving"]): readonly string[] {
  const used = new Set<number>();
  for (const { lanes } of facts.instances) {
    for (const lane of lanes) used.add(lane.ringRegion).add(lane.creditRegion);
  }
  return [
    ...facts.transitions.map((each) => `transition ${each.id} is neither settled nor discarded`),
    ...idlers(facts, serving).map((each) => `instance ${each} serves nobody`),
    ...facts.regions.filter((each) => !used.has(each.region)).map((each) => `region ${each.region} has no lane`),
  ];
}

/** Asked after each step and changed by few of them: one answer for one value of `committed`. */
const known = new WeakMap<Committed, readonly string[]>();

function brokenDesired(committed: Committed): readonly string[] {
  const before = known.get(committed);
  if (before) return before;
  const wrong = brokenGraph(desiredGraph(committed));
  known.set(committed, wrong);
  return wrong;
}

/** Of a machine after each step. */
export function brokenMachine(machine: Machine): readonly string[] {
  const { phase, open, committed } = machine;
  const wrong = [...brokenDesired(committed)];
  if (phase.kind === "idle" && open !== null) wrong.push(`decision ${open.seq} is open while nothing is under way`);
  if (new Set(committed.moves).size !== committed.moves.length) wrong.push("a move is in force twice");
  if (phase.kind === "flipping" || phase.kind === "acknowledging" || phase.kind === "verifying") {
    const { target } = phase.job;
    if (target?.record.kind === "C" && open === null) wrong.push("a plan is flipped without its decision in the log");
  }
  return wrong;
}

/** Of a machine that has nothing to do: what it knows of the keeper is whole, and nothing is left over. */
export function brokenRest({ phase, unrecovered, facts, serving }: Machine): readonly string[] {
  // What waits for room in the log is known, and said.
  if (phase.kind !== "idle" || unrecovered !== null) return [];
  return [...brokenFacts(facts), ...orphans(facts, serving)];
}

/** Of a log: `seq` rises by one, or by two where an R proves the gap; no plan is committed twice in a row. */
export function brokenLog(records: readonly WalRecord[]): readonly string[] {
  const wrong: string[] = [];
  let before = 0;
  let committed: string | null | undefined;
  for (const { seq, body } of records) {
    const gap = body.kind === "R" && seq === before + 2 && body.decision === before + 1;
    if (seq !== before + 1 && !gap) wrong.push(`record ${seq} follows ${before}`);
    before = seq;
    if (body.kind !== "C") continue;
    if (committed !== undefined && committed === body.plan) wrong.push(`record ${seq} commits what is committed`);
    committed = body.plan;
  }
  return wrong;
}
