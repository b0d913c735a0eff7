/** What the panel shows of itself: status and drift, from the machine's facts and the lanes' figures. */
import { desiredGraph } from "../../core/apply/committed.ts";
import type { DriverName } from "../../core/model/names.ts";
import { observed } from "../../core/observe/facts.ts";
import { type Status, statusOf } from "../../core/observe/status.ts";
import { type Drift, verdict } from "../../core/observe/verdict.ts";
import type { Account } from "./ledger.ts";
import type { Panel } from "./panel.ts";

/** `rtt status --json`, with what the panel is doing and how many waivers hold. */
export interface StatusView extends Status {
  readonly phase: string;
  readonly waivers: number;
  /** What should always hold and does not: a bug, or a keeper that lies. */
  readonly broken: readonly string[];
  /** Lanes that ended since this panel began, together by route. */
  readonly ended: readonly Account[];
}

export function statusView(panel: Panel): StatusView {
  const { machine, log } = panel.engine;
  const { committed, serving, down, ends, said, restarts, facts } = machine;
  const status = statusOf({
    panel: panel.config.panel.name,
    serial: committed.serial,
    root: log.root,
    plan: committed.plan,
    graphHash: committed.graphHash,
    moves: committed.moves,
    desired: desiredGraph(committed),
    committed: committed.graph,
    serving,
    down,
    ends,
    said,
    restarts,
    observed: observed(facts),
    figures: panel.judge.figures(),
    guard: panel.judge.guard,
    predictions: committed.document?.predictions ?? [],
  });
  const { broken, ledger } = panel.judge;
  const waivers = panel.waivers.count(committed.document?.gates.policy);
  return { ...status, phase: machine.phase.kind, waivers, broken, ended: ledger.accounts() };
}

export interface DriftView {
  readonly equal: boolean;
  readonly phase: string;
  readonly drifts: readonly Drift[];
}

export function driftView(panel: Panel): DriftView {
  const { committed, serving, down, facts, phase } = panel.engine.machine;
  const isolated = (driver: DriverName) => panel.waivers.isolates(driver, committed.document?.gates.policy);
  const drifts = verdict({ graph: desiredGraph(committed), serving, down, isolated }, observed(facts));
  return { equal: drifts.length === 0, phase: phase.kind, drifts };
}
