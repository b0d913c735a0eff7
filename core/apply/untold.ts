/**
 * What the keeper did and the log does not name, because the panel ended between the flip of a permitted move and its M
 * record. It is in force and it was permitted, so that M follows now. The log's word comes first in everything else.
 */
import type { InstanceFact } from "../keeper.ts";
import type { Link } from "../model/graph.ts";
import { type Instance, splitInstance } from "../model/names.ts";
import { desiredGraph } from "./committed.ts";
import { aliveInstances } from "./facts.ts";
import { permitted, possibleMoves, rewireOf } from "./moves.ts";
import type { Machine } from "./state.ts";
import type { WalBody } from "./types.ts";

export function untold(machine: Machine): WalBody | undefined {
  return untoldRestart(machine) ?? untoldMove(machine);
}

/** A running instance of the committed plan, started by a move, where the log names one that is gone. */
function untoldRestart(machine: Machine): WalBody | undefined {
  const { facts, serving, committed } = machine;
  const alive = aliveInstances(facts);
  const instances: Record<string, Instance> = {};
  let move = "restore";
  for (const { driver } of desiredGraph(committed).drivers) {
    const serves = serving[driver];
    if (serves !== undefined && alive.has(serves)) continue;
    const [found] = facts.instances.filter((fact) => splitInstance(fact.instance)?.driver === driver)
      .filter((fact) =>
        fact.state === "running" && fact.connected && fact.tag.plan === (committed.plan ?? "") && fact.tag.move !== ""
      )
      .filter((fact) => fact.tag.move === "restore" || fact.tag.move === `restart:${driver}`)
      .sort(newestFirst);
    if (!found) continue;
    instances[driver] = found.instance;
    if (found.tag.move !== "restore") move = found.tag.move;
  }
  const found = Object.keys(instances).length;
  if (found === 0) return undefined;
  return moved(machine, found === 1 ? move : "restore", instances);
}

function newestFirst(one: InstanceFact, other: InstanceFact): number {
  return (splitInstance(other.instance)?.number ?? 0) - (splitInstance(one.instance)?.number ?? 0);
}

/** A fallback, cut or return whose links are in force though the log does not say so. */
function untoldMove(machine: Machine): WalBody | undefined {
  const { committed } = machine;
  const returns = committed.moves.map((each) => `return:${each}`);
  for (const move of [...possibleMoves(committed), ...returns]) {
    if (permitted(move, committed).ok && inForce(machine, move)) return moved(machine, move, {});
  }
  return undefined;
}

/** True when every link that the move begins is in force, and none that it ends. */
function inForce(machine: Machine, move: string): boolean {
  const { committed } = machine;
  const returning = move.startsWith("return:") ? move.slice("return:".length) : undefined;
  const rewire = rewireOf(returning ?? move, committed.graph, committed.document);
  if (!rewire) return false;
  const ended = linksOf(machine, rewire.unlink);
  const [begun, gone] = returning === undefined ? [rewire.link, ended] : [ended, rewire.link];
  if (begun.length === 0) return flippedAway(machine, gone);
  return begun.every((link) => isLinked(machine, link)) && !gone.some((link) => isLinked(machine, link));
}

function linksOf({ committed }: Machine, routes: readonly string[]): readonly Link[] {
  return committed.graph.links.filter((each) => routes.includes(each.route));
}

function isLinked({ facts, serving }: Machine, link: Link): boolean {
  const producer = facts.instances.find((each) => each.instance === serving[link.from.driver]);
  return producer?.state === "running" &&
    producer.lanes.some((each) => each.route === link.route && each.side === "producer");
}

/** A cut begins nothing: its trace is a transition in force, not settled yet, that took exactly these links away. */
function flippedAway(machine: Machine, gone: readonly Link[]): boolean {
  const { facts } = machine;
  const last = facts.transitions.find((each) => each.forward === facts.epoch);
  if (!last || gone.length === 0) return false;
  const routes = (side: "forward" | "inverse"): ReadonlySet<string> =>
    new Set(last.bindings.flatMap((each) => each[side].map((lane): string => lane.route)));
  const [before, after] = [routes("inverse"), routes("forward")];
  return gone.every((link) => before.has(link.route) && !after.has(link.route) && !isLinked(machine, link));
}

function moved({ facts }: Machine, move: string, instances: Readonly<Record<string, Instance>>): WalBody {
  const last = facts.transitions.find((each) => each.forward === facts.epoch);
  return {
    kind: "M",
    move,
    forward: last?.forward ?? 0,
    inverse: last?.inverse ?? 0,
    instances,
    why: "it was in force, and the panel that made it ended before it was logged",
  };
}
