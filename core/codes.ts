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
  "route.inputs": { exit: EXIT.badInput, says: "more active routes lead to one `in` than it can read" },
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
  "wal.none": { exit: EXIT.badInput, says: "there is no log; with objects in the store it is lost (3)" },
  "wal.unwritable": { exit: EXIT.refused, says: "the log that was read can't be made durable" },
  "wal.full": { exit: EXIT.rolledBack, says: "the log has no room for an act" },
  "wal.unsynced": { exit: EXIT.failed, says: "the disk refused a record; a decision is rolled back then (4)" },
  "store.full": { exit: EXIT.rolledBack, says: "the disk has no room for what a plan runs" },
  "disk.full": { exit: EXIT.failed, says: "the disk is full" },
  "store.missing": { exit: EXIT.failed, says: "an object that an act needs is not in the store" },
  "store.broken": { exit: EXIT.failed, says: "an object of the store can't be read" },
  "plan.unsafe": { exit: EXIT.refused, says: "a plan's graph breaks an invariant" },
  "rollback.none": { exit: EXIT.refused, says: "no plan is committed" },
  "move.refused": { exit: EXIT.refused, says: "the committed plan does not permit a move, or not now" },
  "panel.busy": { exit: EXIT.refused, says: "too many acts wait" },
  "panel.frozen": { exit: EXIT.refused, says: "the panel changes nothing until it is restarted" },
  "panel.denied": { exit: EXIT.refused, says: "the panel's socket belongs to another user" },
  "panel.ending": { exit: EXIT.refused, says: "the panel is ending and begins nothing more" },
  "panel.ended": { exit: EXIT.rolledBack, says: "the panel ended under an act" },
  "driver.late": { exit: EXIT.rolledBack, says: "a driver did not answer in time" },
  "driver.exited": { exit: EXIT.rolledBack, says: "a driver ended while it was needed" },
  "driver.down": { exit: EXIT.rolledBack, says: "a driver ended under an act that was undone, and stays down" },
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

/** What each role's signatures can lack: of plans, manifests and the policy alike. */
function signing(role: "plan" | "manifest" | "policy"): Readonly<Record<string, Code>> {
  const refused = (says: string): Code => ({ exit: EXIT.refused, says: `${says} (${role})` });
  return {
    [`${role}.unsigned`]: refused("nobody has signed it"),
    [`${role}.signature`]: refused("a signature, or what it is under, is wrong"),
    [`${role}.threshold`]: refused("fewer keys have signed it than the policy asks"),
    [`${role}.key.unknown`]: refused("it is signed by a key that is not trusted"),
    [`${role}.key.revoked`]: refused("it is signed by a key that is revoked"),
    [`${role}.key.role`]: refused("it is signed by a key that may sign other things"),
  };
}

const TRUST: Readonly<Record<string, Code>> = {
  ...signing("plan"),
  ...signing("manifest"),
  ...signing("policy"),
  "manifest.changed": { exit: EXIT.refused, says: "a manifest is not what was signed" },
  "manifest.name": { exit: EXIT.refused, says: "a manifest is another driver's than its file's name says" },
  "policy.changed": { exit: EXIT.refused, says: "policy.json is not what was signed" },
  "policy.missing": { exit: EXIT.refused, says: "there is no policy.json" },
  "policy.broken": { exit: EXIT.refused, says: "policy.json is not as it is rendered" },
  "policy.expired": { exit: EXIT.done, says: "a warning: a waiver is over" },
  "plan.broken": { exit: EXIT.refused, says: "a file is no plan, or not in its one form" },
  "plan.otherPanel": { exit: EXIT.refused, says: "a plan is for another panel" },
  "plan.stale": { exit: EXIT.refused, says: "a plan starts from another graph than the committed one" },
  "plan.gates": { exit: EXIT.refused, says: "a plan runs what its gates do not name" },
  "plan.policyChanged": { exit: EXIT.refused, says: "policy.json is not the one that a plan was made for" },
  "plan.manifestChanged": { exit: EXIT.refused, says: "a manifest is not the one that a plan was made for" },
  "plan.closureChanged": {
    exit: EXIT.refused,
    says: "a file that a driver runs is not the one that a plan was made for",
  },
  "plan.denied": { exit: EXIT.refused, says: "a plan joins what the policy does not allow" },
  "plan.network": { exit: EXIT.refused, says: "a plan runs a driver with network that the policy does not grant" },
  "grant.otherPanel": { exit: EXIT.refused, says: "a grant is for another panel" },
  "grant.stale": { exit: EXIT.refused, says: "a grant follows another plan than the committed one" },
  "grant.serial": { exit: EXIT.refused, says: "a grant's serial is not above the last" },
  "grant.early": { exit: EXIT.refused, says: "a grant's window has not begun" },
  "grant.expired": { exit: EXIT.refused, says: "a grant's window is over" },
  "key.none": { exit: EXIT.refused, says: "no secret key is at hand that may sign" },
  "key.mode": { exit: EXIT.refused, says: "others may read a secret key" },
  "key.revoked": { exit: EXIT.refused, says: "a revoked key is to sign, or to be trusted" },
  "key.limit": { exit: EXIT.refused, says: "more keys would be known than can be read" },
  "key.weak": { exit: EXIT.badInput, says: "a public key for which anybody can sign" },
  "key.unreadable": { exit: EXIT.badInput, says: "a file is no key, or no list of keys" },
  "sign.full": { exit: EXIT.refused, says: "a document has as many grants or signatures as can be read" },
  "sign.nothing": { exit: EXIT.badInput, says: "there is nothing to sign" },
};

/** The command line and the local API. */
const COMMANDS: Readonly<Record<string, Code>> = {
  "usage": { exit: EXIT.badInput, says: "a command is not used so" },
  "usage.command": { exit: EXIT.badInput, says: "there is no such command" },
  "input.unreadable": { exit: EXIT.badInput, says: "a file that a command was given can't be read" },
  "output.unwritable": { exit: EXIT.badInput, says: "a command was told to write where it can't" },
  "record.field": { exit: EXIT.badInput, says: "a record's bytes, or a record's value, break its contract at a field" },
  "record.size": { exit: EXIT.badInput, says: "a record's bytes are of another size than its contract's" },
  "facts.broken": { exit: EXIT.badInput, says: "a file is no facts of a host" },
  "route.unknown": { exit: EXIT.badInput, says: "a plan has no route of that name" },
  "logs.none": { exit: EXIT.badInput, says: "no driver of that name has said anything" },
  "file.missing": { exit: EXIT.failed, says: "a file that rtt keeps is not there" },
  "file.denied": { exit: EXIT.failed, says: "the system denies a file that rtt keeps" },
  "file.unusable": { exit: EXIT.failed, says: "a file that rtt keeps can't be used" },
  "unexpected": { exit: EXIT.failed, says: "a fault in rtt" },
  "demo.failed": { exit: EXIT.failed, says: "the demo did not see what it must show" },
  "panel.none": { exit: EXIT.noPanel, says: "no panel serves the folder" },
  "panel.gone": { exit: EXIT.failed, says: "the panel went away before an act ended" },
  "panel.start": { exit: EXIT.failed, says: "a panel that was started does not answer" },
  "panel.second": { exit: EXIT.refused, says: "another panel serves the folder" },
  "api.path": { exit: EXIT.badInput, says: "the local API has no such path" },
  "api.stranger": { exit: EXIT.refused, says: "a peer of another user or namespace was connected" },
  "api.tooLarge": { exit: EXIT.badInput, says: "a request is too large" },
};

export const CODES: Readonly<Record<string, Code>> = {
  ...PLANNING,
  ...CONFIG,
  ...TRUST,
  ...COMMANDS,
  ...APPLYING,
  ...KEEPER,
};

/** The exit code of a list of issues: bad input before refusals, since it must be put right first. */
export function exitOf(issues: readonly Issue[]): ExitCode {
  const exits = new Set(issues.map((each) => CODES[each.code]?.exit ?? EXIT.failed));
  return [EXIT.badInput, EXIT.refused].find((each) => exits.has(each)) ?? [...exits][0] ?? EXIT.failed;
}
