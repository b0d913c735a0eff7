/** Grants of a plan, made here: for its panel, after what is committed, from now on for a while. */
import { demand, EXIT, issue, RttError } from "../../core/errors.ts";
import type { Envelope, Grant } from "../../core/model/plan.ts";
import { grantAgain, type Granted, grantHolds } from "../../core/trust/grants.ts";
import type { SecretKey } from "../../core/trust/keys.ts";
import type { ReadPlan } from "../../core/trust/plan_file.ts";
import { openCrypto } from "../adapters/crypto.ts";
import type { Layout } from "../layout.ts";
import { readCommitted } from "./committed.ts";
import { readTrust } from "./keyring.ts";

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const DEFAULT_WINDOW = "24h";
/** A grant may begin a little before now, since clocks of two hosts differ. */
const SLACK_MS = 60_000;

/** What was asked of a new grant on the command line, judged before anything is done. */
export interface Asked {
  readonly windowMs: number;
  /** A new one is wanted for sure: by `--renew`, or since a window was named, which a co-signature can't change. */
  readonly renew: boolean;
}

export function askedOf(window: string | undefined, renew: boolean): Asked {
  return { windowMs: windowMs(window ?? DEFAULT_WINDOW), renew: renew || window !== undefined };
}

/**
 * The plan's grants after these keys have signed it. `serial` is the last one on the host that it is for, in place of this
 * folder's own.
 */
export function grantPlan(
  at: Layout,
  read: ReadPlan,
  keys: readonly SecretKey[],
  asked: Asked,
  serial = readCommitted(at).serial,
): Granted {
  const nowMs = Date.now();
  const fresh = freshGrant(read, serial, nowMs, asked.windowMs);
  const granting = { keys, trust: readTrust(at), fresh, nowMs, renew: asked.renew };
  return demand(grantAgain(read, granting, openCrypto().signer), EXIT.refused);
}

/** Whether one of the grants would hold now, as far as this host knows. */
export function isGranted(read: ReadPlan, envelopes: readonly Envelope[], serial: number): boolean {
  const fresh = freshGrant(read, serial, Date.now(), 0);
  return envelopes.some((each) => grantHolds(each, fresh, Date.now()));
}

/** The predecessor is the plan's base, so that the grant of a plan made elsewhere is good on the host that it is for. */
function freshGrant({ plan }: ReadPlan, serial: number, nowMs: number, windowMs: number): Grant {
  return {
    panel: plan.panel,
    predecessor: plan.base.plan,
    serial: serial + 1,
    notBefore: nowMs - SLACK_MS,
    notAfter: nowMs + windowMs,
  };
}

function windowMs(text: string): number {
  const match = /^([1-9][0-9]{0,3})([mhd])$/.exec(text);
  const unit = UNITS[match?.[2] ?? ""];
  if (!match || unit === undefined) {
    throw new RttError(EXIT.badInput, [
      issue("usage", `cannot make a grant for \`${text}\` because it is no time`, "write 30m, 12h or 7d"),
    ]);
  }
  return Number(match[1]) * unit;
}
