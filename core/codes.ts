/** Every code of an issue, with the exit code that it leads to and one line on when it is given. */
import { EXIT, type ExitCode, type Issue } from "./errors.ts";

export interface Code {
  readonly exit: ExitCode;
  readonly says: string;
}

const PLANNING: Readonly<Record<string, Code>> = {
  "manifest.broken": { exit: EXIT.badInput, says: "a manifest is not of the shape of one" },
  "facts.topology": { exit: EXIT.badInput, says: "the facts of a host contradict themselves" },
  "route.driver": { exit: EXIT.badInput, says: "a route names a driver that is not declared" },
  "route.endpoint": { exit: EXIT.badInput, says: "a route names an endpoint that its driver does not have" },
  "route.direction": { exit: EXIT.badInput, says: "a route's `from` is no `out`, or its `to` is no `in`" },
  "route.self": { exit: EXIT.badInput, says: "a route would join a driver to itself" },
  "route.contract": { exit: EXIT.badInput, says: "the two ends of a route have different contracts" },
  "route.meet": { exit: EXIT.badInput, says: "no version is in both ranges" },
  "route.capability": { exit: EXIT.badInput, says: "a consumer needs a capability that the producer does not offer" },
  "route.unpinned": { exit: EXIT.badInput, says: "a critical route has a driver that is not pinned" },
  "route.budget": { exit: EXIT.badInput, says: "a budget is below the least that its route can cost" },
  "route.as": { exit: EXIT.badInput, says: "no driver meets all ends of one `as`" },
  "route.noProvider": { exit: EXIT.badInput, says: "no candidate will do for a route, for several reasons" },
  "route.from.twice": { exit: EXIT.badInput, says: "two active routes have one `from`" },
  "route.fanout.notYet": {
    exit: EXIT.badInput,
    says: "policy declares a fan-out bus, which this release does not wire yet",
  },
  "route.cycle": { exit: EXIT.badInput, says: "hook and api routes form a cycle" },
  "route.busCycle": { exit: EXIT.badInput, says: "a bus route on a cycle has no TTL or no dedupe ids" },
  "route.idClash": { exit: EXIT.badInput, says: "two route names have the same number in frames" },
  "route.denied": { exit: EXIT.refused, says: "policy does not allow a route" },
  "driver.network": { exit: EXIT.refused, says: "a driver asks for network that policy does not grant" },
  "driver.files": { exit: EXIT.badInput, says: "a file that a driver runs can't be read" },
  "fallback.missing": { exit: EXIT.badInput, says: "a route falls back and names no standby route for itself" },
  "fallback.unused": { exit: EXIT.badInput, says: "a route has a fallback that its `onTrip` never uses" },
  "fallback.standby": { exit: EXIT.badInput, says: "a standby route falls back itself" },
  "fallback.unknown": { exit: EXIT.badInput, says: "a fallback names a route that is not declared" },
  "fallback.notStandby": { exit: EXIT.badInput, says: "a fallback replaces a standby route, or by an active one" },
  "fallback.twice": { exit: EXIT.badInput, says: "a fallback uses one standby route twice" },
  "fallback.ends": {
    exit: EXIT.badInput,
    says: "a standby route shares class or ends with what it replaces too little",
  },
  "plan.infeasible": {
    exit: EXIT.badInput,
    says: "requirements contradict each other; the smallest such set is named",
  },
  "plan.noRoom": { exit: EXIT.badInput, says: "a large project was searched and no placement with room was found" },
};

const CONFIG: Readonly<Record<string, Code>> = {
  "config.none": { exit: EXIT.badInput, says: "a folder holds no project" },
  "config.read": { exit: EXIT.badInput, says: "a CUE file can't be read" },
  "config.stray": { exit: EXIT.badInput, says: "a CUE file of the project is in a folder where it is not read" },
  "config.syntax": { exit: EXIT.badInput, says: "CUE can't parse a file" },
  "config.package": { exit: EXIT.badInput, says: "a CUE file is of another package" },
  "config.import": { exit: EXIT.badInput, says: "a CUE file imports what is not known" },
  "config.reference": { exit: EXIT.badInput, says: "a CUE file refers to what is declared nowhere" },
  "config.more": { exit: EXIT.badInput, says: "more is wrong than is shown" },
  "config.unknown": { exit: EXIT.badInput, says: "a field is not in the schema" },
  "config.name": { exit: EXIT.badInput, says: "a name is not one that can be used" },
  "config.missing": { exit: EXIT.badInput, says: "a field that must be there is not" },
  "config.type": { exit: EXIT.badInput, says: "a value is of the wrong type" },
  "config.value": { exit: EXIT.badInput, says: "a value is of the right type and not one of those that are allowed" },
  "config.conflict": { exit: EXIT.badInput, says: "two declarations of one thing disagree" },
  "config.cue": { exit: EXIT.badInput, says: "CUE refuses a file for another reason" },
  "config.limit": { exit: EXIT.badInput, says: "something is larger than the limits allow" },
  "contract.unknown": { exit: EXIT.badInput, says: "a contract is not declared" },
  "contract.capability": {
    exit: EXIT.badInput,
    says: "an endpoint names a capability that its contract does not have",
  },
  "contract.ordinal": { exit: EXIT.badInput, says: "the ordinals of a contract's fields are not 1, 2, 3 and so on" },
  "contract.since": { exit: EXIT.badInput, says: "a field or a value can't have come with the version that it says" },
  "contract.version": { exit: EXIT.badInput, says: "a version of a contract is not one that is declared" },
  "contract.breaking": { exit: EXIT.badInput, says: "a contract's new version breaks what an earlier one promises" },
  "contract.size": { exit: EXIT.badInput, says: "a contract's record is too large" },
  "endpoint.twice": { exit: EXIT.badInput, says: "a driver has an input and an output of one name" },
  "driver.builtIn": { exit: EXIT.badInput, says: "there is no built-in driver of that name" },
  "driver.depends": { exit: EXIT.badInput, says: "an output depends on what is no input of its driver" },
  "driver.file": { exit: EXIT.badInput, says: "a program or a file that a driver names is not there" },
  "driver.frame": {
    exit: EXIT.badInput,
    says: "a program's fixed frames have another size than the contract's record",
  },
  "driver.proc": { exit: EXIT.badInput, says: "a program that speaks stdio is given a file of /proc" },
  "driver.path": {
    exit: EXIT.badInput,
    says: "a path leads out of the project, or a cell can't be given what is there",
  },
  "driver.speaks": { exit: EXIT.badInput, says: "a built-in driver is declared to speak stdio" },
  "route.ring": { exit: EXIT.badInput, says: "a ring's size is no power of two, or out of range" },
  "route.frame": { exit: EXIT.badInput, says: "the largest frame does not fit the ring or its contract's record" },
  "route.stall": { exit: EXIT.badInput, says: "a stall is too short to be looked at" },
  "policy.unknown": { exit: EXIT.badInput, says: "policy names what is not declared" },
  "policy.why": { exit: EXIT.badInput, says: "a waiver gives no reason" },
  "mirror.missing": { exit: EXIT.refused, says: "a rendered file is not there" },
  "mirror.broken": { exit: EXIT.refused, says: "a rendered file can't be parsed" },
  "mirror.differs": { exit: EXIT.refused, says: "a rendered file is not what CUE says" },
  "init.exists": { exit: EXIT.badInput, says: "a file that `rtt init` would write is there" },
};

/** The log, the apply and the keeper. What happens after something was prepared ends as a rollback. */
const APPLYING: Readonly<Record<string, Code>> = {
  "wal.damaged": { exit: EXIT.refused, says: "a record of the log is not what was written" },
  "wal.broken": { exit: EXIT.refused, says: "a record of the log can't be read" },
  "wal.unwritable": { exit: EXIT.failed, says: "the log that was read can't be made durable" },
  "wal.full": { exit: EXIT.rolledBack, says: "the log has no room for an act" },
  "wal.unsynced": { exit: EXIT.rolledBack, says: "the disk refused a record" },
  "store.full": { exit: EXIT.rolledBack, says: "the disk has no room for what a plan runs" },
  "disk.full": { exit: EXIT.failed, says: "the disk is full" },
  "store.missing": { exit: EXIT.failed, says: "an object that an act needs is not in the store" },
  "store.broken": { exit: EXIT.failed, says: "an object of the store can't be read" },
  "plan.unsafe": { exit: EXIT.refused, says: "a plan's graph breaks an invariant" },
  "rollback.none": { exit: EXIT.refused, says: "no plan is committed" },
  "move.refused": { exit: EXIT.refused, says: "the committed plan does not permit a move, or not now" },
  "panel.busy": { exit: EXIT.refused, says: "too many acts wait" },
  "panel.frozen": { exit: EXIT.failed, says: "the panel changes nothing until it is restarted" },
  "panel.ending": { exit: EXIT.refused, says: "the panel is ending and begins nothing more" },
  "panel.ended": { exit: EXIT.rolledBack, says: "the panel ended under an act" },
  "driver.late": { exit: EXIT.rolledBack, says: "a driver did not answer in time" },
  "driver.exited": { exit: EXIT.rolledBack, says: "a driver ended while it was needed" },
  "driver.failed": { exit: EXIT.rolledBack, says: "a driver said that it can't" },
  "keeper.lost": { exit: EXIT.rolledBack, says: "the keeper went away under an act" },
  "keeper.refused": { exit: EXIT.rolledBack, says: "the keeper refused what an act asked" },
  "apply.differs": { exit: EXIT.rolledBack, says: "after the flip, Observed was not Desired" },
  "repair.unfinished": { exit: EXIT.rolledBack, says: "a repair did not come to an end" },
};

/** The keeper, as its panel meets it. */
const KEEPER: Readonly<Record<string, Code>> = {
  "keeper.start": { exit: EXIT.failed, says: "a keeper ended before it listened" },
  "keeper.attach": { exit: EXIT.refused, says: "the keeper that runs belongs to another version of rtt" },
  "keeper.gone": { exit: EXIT.failed, says: "one keeper after the other was lost" },
  "keeper.silent": { exit: EXIT.failed, says: "the keeper does not answer, or does not end" },
  "keeper.tooLarge": { exit: EXIT.rolledBack, says: "a driver's cell is more than a control message holds" },
};

export const CODES: Readonly<Record<string, Code>> = { ...PLANNING, ...CONFIG, ...APPLYING, ...KEEPER };

/** The exit code of a list of issues: bad input before refusals, since it must be put right first. */
export function exitOf(issues: readonly Issue[]): ExitCode {
  const exits = new Set(issues.map((each) => CODES[each.code]?.exit ?? EXIT.failed));
  return [EXIT.badInput, EXIT.refused].find((each) => exits.has(each)) ?? [...exits][0] ?? EXIT.failed;
}
