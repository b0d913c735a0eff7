/** Which grants a plan has after it was signed once more: what is believed stays, and what holds is co-signed, not doubled. */
import { type Issue, issue, ok, refuse, type Result } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Envelope, Grant } from "../model/plan.ts";
import type { Signer } from "../ports.ts";
import { cosign, prune, seal, statementOf } from "./envelope.ts";
import type { PublicKey, SecretKey, TrustRoot } from "./keys.ts";
import { parseGrant, type ReadPlan } from "./plan_file.ts";

export interface Granting {
  readonly keys: readonly SecretKey[];
  /** Empty where nobody is believed yet: then nothing is dropped. */
  readonly trust: TrustRoot;
  /** What a new grant would say: the next serial, from now on. */
  readonly fresh: Grant;
  readonly nowMs: number;
  /** A new grant is wanted, even where one could be co-signed. */
  readonly renew: boolean;
}

export interface Granted {
  readonly envelopes: readonly Envelope[];
  /** Why signatures that were in the file are not in it any more. */
  readonly dropped: readonly Issue[];
}

export function grantAgain(read: ReadPlan, granting: Granting, signer: Signer): Result<Granted> {
  const { keys, fresh, nowMs, renew } = granting;
  const { envelopes, dropped } = believed(read, granting, signer);
  const newest = envelopes.at(-1);
  if (newest && !renew && grantHolds(newest, fresh, nowMs)) {
    const cosigned = cosignAll(newest, keys, "the newest grant of the plan", signer);
    return cosigned.ok ? ok({ envelopes: [...envelopes.slice(0, -1), cosigned.value], dropped }) : cosigned;
  }
  const full = envelopes.length >= LIMITS.envelopesOfAPlan;
  const kept = full ? envelopes.filter((each) => grantHolds(each, fresh, nowMs)) : envelopes;
  if (kept.length >= LIMITS.envelopesOfAPlan) {
    return refuse(issue(
      "sign.full",
      `cannot grant the plan again because it has ${kept.length} grants that hold, the most there may be`,
      "co-sign the newest with `rtt sign PLAN`; or remove the file, and make it again with `rtt plan`",
    ));
  }
  return ok({ envelopes: [...kept, seal("plan", read.id, fresh, keys, signer)], dropped });
}

/** Whether a panel that has come no further than `fresh` says would take this grant, now or when its window begins. */
export function grantHolds(envelope: Envelope, fresh: Grant, nowMs: number): boolean {
  const grant = parseGrant(statementOf(envelope)?.predicate);
  return grant !== undefined && grant.panel === fresh.panel && grant.predecessor === fresh.predecessor &&
    grant.serial >= fresh.serial && nowMs <= grant.notAfter;
}

/** With the signature of each of these keys. Refused when there is no room for one. */
export function cosignAll(
  envelope: Envelope,
  keys: readonly SecretKey[],
  what: string,
  signer: Signer,
): Result<Envelope> {
  const signed = keys.reduce((each, key) => cosign(each, key, signer) ?? each, envelope);
  if (signed.signatures.length <= LIMITS.signaturesOfAnEnvelope) return ok(signed);
  const most = `${LIMITS.signaturesOfAnEnvelope} signatures are the most there may be`;
  return refuse(
    issue(
      "sign.full",
      `cannot sign ${what} because ${most}`,
      "revoke the keys that are no longer in use, and sign again",
    ),
  );
}

/** What this project believes, and whoever is signing now. */
export function trustWith(trust: TrustRoot, keys: readonly SecretKey[], signer: Signer): TrustRoot {
  const own = keys.filter(({ id }) => !trust.has(id)).map(({ id, secret, roles }): [string, PublicKey] => [
    id,
    { id, bytes: signer.keyPair(secret).public, roles, comment: "", revoked: false },
  ]);
  return new Map([...trust, ...own]);
}

function believed(read: ReadPlan, { trust, keys }: Granting, signer: Signer): Granted {
  if (trust.size === 0) return { envelopes: read.envelopes, dropped: [] };
  const all = trustWith(trust, keys, signer);
  const pruned = read.envelopes.map((each) => prune(each, "plan", all, signer));
  const kept = pruned.flatMap(({ envelope }) => envelope ?? []);
  // One that is about another plan, or says nothing that can be read, refuses the whole file.
  const good = kept.filter((each) => {
    const statement = statementOf(each);
    return statement?.subject === read.id && parseGrant(statement.predicate) !== undefined;
  });
  return { envelopes: good, dropped: pruned.flatMap((each) => each.dropped) };
}
