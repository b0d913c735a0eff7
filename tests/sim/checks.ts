/** What the simulator holds against every run: after each event, and when all has come to rest. */
import { committedOf, desiredGraph } from "../../core/apply/committed.ts";
import { brokenFacts, brokenLog, brokenRest, orphans } from "../../core/apply/invariants.ts";
import type { Machine } from "../../core/apply/machine.ts";
import { graphAfter, possibleMoves } from "../../core/apply/moves.ts";
import { openLog } from "../../core/apply/wal.ts";
import type { Inventory } from "../../core/keeper.ts";
import type { Graph } from "../../core/model/graph.ts";
import { type Hash, splitInstance } from "../../core/model/names.ts";
import { hasher } from "../fakes/hasher.ts";
import { Violation, type World } from "./world.ts";

/** After each event. */
export function afterEvent(world: World): void {
  const { keeper, machine } = world;
  if (!keeper || keeper.dead || !machine) return;
  if (keeper.protests.length > 0) throw new Violation(keeper.protests.join("; "));
  const facts = keeper.inventory();
  const broken = brokenFacts(facts);
  if (broken.length > 0) throw new Violation(broken.join("; "));
  const legal = legalGraphs(machine);
  if (!legal.some((each) => isWired(facts, each))) {
    throw new Violation(`the wiring is neither the base nor the plan (${machine.phase.kind})`);
  }
}

/** Desired, what the work under way makes of it, and any move that the plan permits. */
function legalGraphs(machine: Machine): readonly Graph[] {
  const { committed, phase } = machine;
  const desired = desiredGraph(committed);
  const target = "job" in phase ? phase.job.target?.graph : undefined;
  const moved = possibleMoves(committed).flatMap((move) => [
    graphAfter(committed.graph, committed.document, [...committed.moves, move]),
    graphAfter(committed.graph, committed.document, committed.moves.filter((each) => each !== move)),
  ]);
  const open = machine.open?.body.kind === "D" ? decidedGraph(machine, machine.open.body.plan) : undefined;
  return [desired, ...(target ? [target] : []), ...(open ? [open] : []), ...moved];
}

/** The graph of the decision that is open: what a crash may have left in force. */
function decidedGraph(machine: Machine, plan: string | null): Graph | undefined {
  if (plan === null) return { drivers: [], links: [] };
  const bytes = machine.tools.store.get(plan as Hash);
  if (!bytes) return undefined;
  const known = decided.get(bytes) ?? (JSON.parse(new TextDecoder().decode(bytes)) as { to: Graph }).to;
  decided.set(bytes, known);
  return known;
}

const decided = new WeakMap<Uint8Array, Graph>();

/** All links of the graph between drivers that run, and no others. */
function isWired(facts: Inventory, graph: Graph): boolean {
  const running = facts.instances.filter((each) => each.state === "running");
  const observed = new Set(
    running.flatMap(({ instance, lanes }) =>
      lanes.filter((lane) => lane.side === "producer" && running.some((each) => each.instance === lane.peer))
        .map((lane) => wire(lane.route, `${splitInstance(instance)?.driver}`, `${splitInstance(lane.peer)?.driver}`))
    ),
  );
  const wanted = graph.links.map((each) => wire(each.route, each.from.driver, each.to.driver));
  if ([...observed].some((each) => !wanted.includes(each))) return false;
  // With somebody down a link may be missing; that it comes back is asked when all is quiet.
  const bound = new Set(
    running.filter((each) => each.lanes.length > 0).map((each) => splitInstance(each.instance)?.driver),
  );
  const down = facts.instances.some((each) => each.state !== "running");
  return down ||
    graph.links.every((each) =>
      observed.has(wire(each.route, each.from.driver, each.to.driver)) || !bound.has(each.from.driver) ||
      !bound.has(each.to.driver)
    );
}

function wire(route: string, from: string, to: string): string {
  return `${route} ${from}>${to}`;
}

/** When nothing is due any more: the log is whole, the keeper holds what it says and nothing else, and no word was broken. */
export function atRest(world: World): void {
  const { keeper, machine, log, disk } = world;
  if (!keeper || keeper.dead || !machine || !log) throw new Violation("the panel or the keeper is not there");
  if (machine.phase.kind !== "idle") throw new Violation(`the machine rests in ${machine.phase.kind}`);
  if (machine.queue.length > 0 || machine.pending) throw new Violation("somebody still waits for an answer");
  afterEvent(world);
  const facts = keeper.inventory();
  const durable = openLog(disk.durable(), hasher);
  if (!durable.ok) throw new Violation(`the disk holds no log: ${durable.issues[0]?.message}`);
  if (durable.value.root !== log.root) throw new Violation("the disk holds another log than the panel");
  // What is desired is read from the disk anew: the panel's own view of it is one of the things that may be wrong.
  const says = committedOf(durable.value.records, machine.tools);
  if (!says.ok) throw new Violation("the disk's log can't be understood");
  const known = { ...machine, ...says.value };
  const wrong = [
    ...brokenLog(log.records),
    ...orphans(facts, known.serving),
    ...notDesired(known, facts),
    ...brokenRest(machine),
  ];
  if (wrong.length > 0) throw new Violation(wrong.join("; "));
}

/** Observed == Desired: each driver runs unless it is known to be down, and each link between two that run is a lane. */
function notDesired(machine: Machine, facts: Inventory): readonly string[] {
  const graph = desiredGraph(machine.committed);
  const wrong: string[] = [];
  const runs = (driver: string): boolean =>
    facts.instances.some((each) => each.instance === machine.serving[driver] && each.state === "running");
  for (const { driver } of graph.drivers) {
    if (!runs(driver) && machine.down[driver] === undefined) wrong.push(`driver ${driver} does not run`);
  }
  const alive = facts.instances.filter((each) => each.state !== "exited");
  const lanes = alive.flatMap((fact) => fact.lanes.map((lane) => ({ fact, lane })));
  for (const { route, from, to } of graph.links) {
    if (!runs(from.driver) || !runs(to.driver)) continue;
    const found = lanes.filter(({ lane }) => lane.route === route);
    if (found.length !== 2) wrong.push(`route ${route} has ${found.length} ends`);
  }
  for (const { lane } of lanes) {
    if (!graph.links.some((each) => each.route === lane.route)) wrong.push(`route ${lane.route} is not desired`);
  }
  const wires = graph.links.map((each) => wire(each.route, each.from.driver, each.to.driver));
  for (const { fact, lane } of lanes) {
    const ends = [splitInstance(fact.instance)?.driver, splitInstance(lane.peer)?.driver];
    const [from, to] = lane.side === "producer" ? ends : ends.reverse();
    if (!wires.includes(wire(lane.route, `${from}`, `${to}`))) {
      wrong.push(`route ${lane.route} joins ${from} and ${to}`);
    }
  }
  return wrong;
}
