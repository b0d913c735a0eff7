/**
 * The apply as a state machine: `step(state, event)` says what is next as data. It reads no clock and asks nobody; the loop
 * does the effects strictly in order and feeds back what came of them. What a step logs must be synced before anything after
 * it is done, which is what `mustSync` says of a step.
 */
import { issue } from "../errors.ts";
import { isOfALane, type KeeperEvent, type KeeperRequest } from "../keeper.ts";
import { LIMITS } from "../limits.ts";
import { splitInstance } from "../model/names.ts";
import { checkOpen } from "../trust/tokens.ts";
import { onCleaning } from "./clean.ts";
import { noteSynced, onAcknowledging, onCommitting, onDeciding, onFlipping, onVerifying } from "./commit.ts";
import { afterDone, afterEvent, afterRefused } from "./facts.ts";
import { onLooking } from "./look.ts";
import { onBarrier, onStarting } from "./prepare.ts";
import { attach, detach, onAdopting, onDetached, onIdle } from "./recover.ts";
import type { Asked, Job, Machine, Phase, Said } from "./state.ts";
import { frozen, Turn } from "./turn.ts";
import type { ApplyEvent, Effect } from "./types.ts";
import { onRetracting, onReturning, onUndoing } from "./undo.ts";

export { cutShort } from "./recover.ts";
export type { Machine } from "./state.ts";
export { initial } from "./state.ts";

export interface Stepped {
  readonly state: Machine;
  readonly effects: readonly Effect[];
  readonly mustSync: boolean;
}

export function step(state: Machine, event: ApplyEvent): Stepped {
  const turn = new Turn(state, event.nowNs);
  if (note(turn, event)) dispatch(turn, turn.machine.phase, event);
  const { effects } = turn;
  return { state: turn.machine, effects, mustSync: effects.some((each) => each.kind === "log") };
}

/** What every phase does with an event. False: it is not for the job that is under way. */
function note(turn: Turn, event: ApplyEvent): boolean {
  switch (event.kind) {
    case "begin":
      return enqueue(turn, event);
    case "attached":
      attach(turn, event.inventory);
      return false;
    case "keeper":
      return noteEvent(turn, event.event);
    case "replied":
    case "refused": {
      const asked = takeAnswer(turn, event.to);
      if (!asked) return false;
      const { facts } = turn.machine;
      const isDone = event.kind === "replied";
      turn.set({
        facts: isDone ? afterDone(facts, asked.request, event.inventory) : afterRefused(facts, asked.request),
      });
      return asked.job !== 0 && asked.job === jobOf(turn.machine.phase)?.number;
    }
    case "synced":
      noteSynced(turn, event.record, jobOf(turn.machine.phase) ?? turn.machine.pending);
      return true;
    case "syncFailed":
    case "reserved":
    case "deadline":
      return true;
  }
}

function enqueue(turn: Turn, { id, act }: Extract<ApplyEvent, { kind: "begin" }>): boolean {
  const { phase, queue } = turn.machine;
  if (phase.kind === "frozen") turn.end(id, { kind: "refused", issues: [frozen(phase.why)] });
  else if (queue.length >= LIMITS.queuedApplies) turn.end(id, { kind: "refused", issues: [busy()] });
  else turn.set({ queue: [...queue, { id, act }] });
  return true;
}

function noteEvent(turn: Turn, event: KeeperEvent): boolean {
  if (event.kind === "lost") {
    detach(turn, event.why);
    return false;
  }
  if (turn.machine.phase.kind === "detached") return false;
  turn.set({
    facts: afterEvent(turn.machine.facts, event),
    ends: endsAfter(turn.machine, event),
    said: saidAfter(turn.machine, event),
  });
  if (event.kind === "open") {
    const refusal = checkOpen(event, turn.machine.cells[event.instance]?.tokens, turn.nowNs);
    turn.ask({ kind: "answerOpen", instance: event.instance, request: event.request, refusal }, null);
    return false;
  }
  return true;
}

/** A failure is the reason of the exit that follows it. */
function endsAfter({ ends, facts, serving, phase }: Machine, event: KeeperEvent): Machine["ends"] {
  if (event.kind !== "failed" && event.kind !== "exited") return ends;
  if (event.kind === "failed" && isOfALane(event.code)) return ends;
  const driver = splitInstance(event.instance)?.driver ?? "";
  const job = jobOf(phase);
  const repairs = job !== null && job.work.kind !== "apply" && job.prepared?.serving[driver] === event.instance;
  if (serving[driver] !== event.instance && !repairs) return ends;
  if (event.kind === "failed") return { ...ends, [driver]: `${event.message} [${event.code}]` };
  const failed = facts.instances.some((each) => each.instance === event.instance && !each.connected);
  if (failed && ends[driver] !== undefined) return ends;
  const how = event.exit < 0 ? `signal ${-event.exit} ended it` : `it exited with code ${event.exit}`;
  return { ...ends, [driver]: how };
}

/** What those who serve have reported, one sentence each, so that it stays small whatever drivers tell. */
function saidAfter({ said, serving }: Machine, event: KeeperEvent): Machine["said"] {
  if (event.kind !== "failed") return said;
  const { instance, code, message } = event;
  const all = Object.entries(serving).flatMap(([driver, serves]): [string, Said][] => {
    const known = serves === instance ? { instance, code, message } : said[driver];
    return known?.instance === serves ? [[driver, known]] : [];
  });
  return Object.fromEntries(all);
}

/** Answers come in the order of the requests. One that nobody asked for belongs to a link that is gone. */
function takeAnswer(turn: Turn, to: KeeperRequest["kind"]): Asked | undefined {
  const [first, ...asked] = turn.machine.asked;
  if (first?.request.kind !== to) return undefined;
  turn.set({ asked });
  return first;
}

export function jobOf(phase: Phase): Job | null {
  return "job" in phase ? phase.job : null;
}

function dispatch(turn: Turn, phase: Phase, event: ApplyEvent): void {
  switch (phase.kind) {
    case "detached":
      return onDetached(turn, event);
    case "idle":
      return onIdle(turn, event);
    case "looking":
      return onLooking(turn, phase, event);
    case "starting":
      return onStarting(turn, phase, event);
    case "staging":
    case "sealing":
      return onBarrier(turn, phase, event);
    case "deciding":
      return onDeciding(turn, phase, event);
    case "flipping":
      return onFlipping(turn, phase, event);
    case "acknowledging":
      return onAcknowledging(turn, phase, event);
    case "verifying":
      return onVerifying(turn, phase, event);
    case "committing":
      return onCommitting(turn, phase, event);
    case "undoing":
      return onUndoing(turn, phase, event);
    case "returning":
      return onReturning(turn, phase, event);
    case "retracting":
      return onRetracting(turn, phase, event);
    case "adopting":
      return onAdopting(turn, phase, event);
    case "cleaning":
      return onCleaning(turn, phase, event);
    case "frozen":
      return;
  }
}

function busy() {
  const why = `${LIMITS.queuedApplies} acts wait already`;
  return issue("panel.busy", `cannot begin because ${why}`, "try again when they have ended");
}
