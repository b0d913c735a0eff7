/** Signatures over manifests and the policy: `manifests/imu.json.sig`, `policy.json.sig`. */
import { issue, ok, refuse, type Result } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Envelope } from "../model/plan.ts";
import { anything, list, object } from "../model/shape.ts";
import type { Hasher, Signer } from "../ports.ts";
import { canonical, parseCanonical } from "./canonical.ts";
import { open, parseEnvelope, seal, unsigned } from "./envelope.ts";
import type { KeyId, SecretKey, TrustRoot } from "./keys.ts";

type Endorsed = "manifest" | "policy";

const FILE = object({ envelopes: list(anything, LIMITS.envelopesOfAPlan) });

/** The signature file for these bytes, signed by these keys. */
export function endorse(
  role: Endorsed,
  bytes: Uint8Array,
  keys: readonly SecretKey[],
  hasher: Hasher,
  signer: Signer,
): Uint8Array {
  const envelope = seal(role, hasher.sha256(bytes), {}, keys, signer);
  return canonical({ envelopes: [envelope] });
}

/** Who signed these bytes, when at least `threshold` distinct trusted keys did; `what` names the document in a refusal. */
export function endorsed(
  role: Endorsed,
  what: string,
  bytes: Uint8Array,
  signatures: Uint8Array | undefined,
  threshold: number,
  trust: TrustRoot,
  hasher: Hasher,
  signer: Signer,
): Result<readonly KeyId[]> {
  if (!signatures) return refuse({ ...unsigned(role), message: `cannot accept ${what} because nobody has signed it` });
  const envelopes = readSignatures(signatures, what, role);
  if (!envelopes.ok) return envelopes;
  const subject = hasher.sha256(bytes);
  const signers = new Set<KeyId>();
  for (const envelope of envelopes.value) {
    const believed = open(envelope, role, trust, signer);
    if (!believed.ok) return believed;
    if (believed.value.subject !== subject) {
      return refuse(issue(
        `${role}.changed`,
        `cannot accept ${what} because it has changed since it was signed`,
        "look at what changed, then write it again with `rtt render` and sign it with `rtt sign`",
      ));
    }
    for (const each of believed.value.signers) signers.add(each);
  }
  if (signers.size < threshold) {
    return refuse(issue(
      `${role}.threshold`,
      `cannot accept ${what} because ${signers.size} of ${threshold} needed keys signed it`,
      "have it signed by another key with `rtt sign --key KEY`",
    ));
  }
  return ok([...signers].sort());
}

/** The envelopes of a signature file, for adding one. */
export function readSignatures(file: Uint8Array, what: string, role: Endorsed): Result<readonly Envelope[]> {
  const parsed = parseCanonical(file, `the signatures of ${what}`, `${role}.signature`, SIGN_AGAIN);
  if (!parsed.ok) return parsed;
  const wrong = FILE(parsed.value);
  const envelopes = wrong === undefined
    ? (parsed.value as { envelopes: unknown[] }).envelopes.map(parseEnvelope)
    : [undefined];
  const known = envelopes.filter((each) => each !== undefined);
  if (known.length !== envelopes.length) {
    return refuse(issue(`${role}.signature`, `cannot read the signatures of ${what}`, SIGN_AGAIN));
  }
  return ok(known);
}

const SIGN_AGAIN = "sign it again with `rtt sign`";
