/** Makes the grant of a plan: for this panel, after what is committed, from now on for a while. */
import { EXIT, issue, RttError } from "../../core/errors.ts";
import type { Envelope, Grant } from "../../core/model/plan.ts";
import { seal } from "../../core/trust/envelope.ts";
import type { SecretKey } from "../../core/trust/keys.ts";
import type { ReadPlan } from "../../core/trust/plan_file.ts";
import { openCrypto } from "../adapters/crypto.ts";
import type { Layout } from "../layout.ts";
import { readCommitted } from "./committed.ts";

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const DEFAULT_WINDOW = "24h";
/** A grant may begin a little before now, since clocks of two hosts differ. */
const SLACK_MS = 60_000;

/** The predecessor is the plan's base, so that the grant of a plan made elsewhere is good on the host that it is for. */
export function grantPlan(at: Layout, read: ReadPlan, keys: readonly SecretKey[], window = DEFAULT_WINDOW): Envelope {
  const now = Date.now();
  const grant: Grant = {
    panel: read.plan.panel,
    predecessor: read.plan.base.plan,
    serial: readCommitted(at).serial + 1,
    notBefore: now - SLACK_MS,
    notAfter: now + windowMs(window),
  };
  return seal("plan", read.id, grant, keys, openCrypto().signer);
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
