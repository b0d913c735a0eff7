/** What holds on this host right now, for admission: hashes of what is on disk, signatures over it, trust, the clock. */
import type { Committed } from "../../core/apply/types.ts";
import { issue, ok, refuse, type Result } from "../../core/errors.ts";
import { type Manifest, parseManifest } from "../../core/model/manifest.ts";
import type { Hash } from "../../core/model/names.ts";
import type { Plan } from "../../core/model/plan.ts";
import type { Closure } from "../../core/model/scenario.ts";
import type { Clock } from "../../core/ports.ts";
import type { Circumstances } from "../../core/trust/admit.ts";
import { parseCanonical } from "../../core/trust/canonical.ts";
import { endorsed } from "../../core/trust/endorse.ts";
import type { TrustRoot } from "../../core/trust/keys.ts";
import type { Crypto } from "../adapters/crypto.ts";
import { readIfThere } from "../files.ts";
import type { Layout } from "../layout.ts";
import { closureOfManifest } from "../project/closure.ts";
import { readTrust } from "../project/keyring.ts";
import { parsePolicy, type PolicyDocument } from "../project/policy.ts";

/** The circumstances, and what they were read from: an applied plan pins these very bytes. */
export interface Gathered {
  readonly circumstances: Circumstances;
  readonly policy: Uint8Array;
  readonly manifests: ReadonlyMap<
    string,
    { readonly bytes: Uint8Array; readonly manifest: Manifest; readonly closure: Closure }
  >;
}

interface Place {
  readonly at: Layout;
  readonly panel: string;
  readonly committed: Committed;
  readonly clock: Clock;
  readonly crypto: Crypto;
  /** The built-in drivers' binary. */
  readonly drivers: Uint8Array;
}

/** Refuses what is not signed as the policy asks. A file that is missing or has changed is left to admission to name. */
export function gather(plan: Plan, place: Place): Result<Gathered> {
  const { at, crypto } = place;
  const trust = readTrust(at);
  const policy = readPolicy(at, trust, crypto);
  if (!policy.ok) return policy;
  const manifests: Record<string, Hash> = {};
  const closures: Record<string, Hash> = {};
  const pinned = new Map<string, { bytes: Uint8Array; manifest: Manifest; closure: Closure }>();
  for (const driver of Object.keys(plan.gates.manifests)) {
    const bytes = readIfThere(`${at.manifests}/${driver}.json`);
    if (!bytes) continue;
    manifests[driver] = crypto.hasher.sha256(bytes);
    if (manifests[driver] !== plan.gates.manifests[driver]) continue;
    const manifest = readManifest(driver, bytes, policy.value.document, place, trust);
    if (!manifest.ok) return manifest;
    const closure = closureOfManifest(manifest.value, { dir: at.dir, drivers: place.drivers, hasher: crypto.hasher });
    if (!closure.ok) continue;
    closures[driver] = closure.value.hash;
    pinned.set(driver, { bytes, manifest: manifest.value, closure: closure.value });
  }
  const { committed } = place;
  return ok({
    policy: policy.value.bytes,
    manifests: pinned,
    circumstances: {
      panel: place.panel,
      committed: { plan: committed.plan, graph: committed.graphHash, serial: committed.serial },
      nowMs: place.clock.wallMs(),
      trust,
      threshold: policy.value.document.sign.plan,
      policy: crypto.hasher.sha256(policy.value.bytes),
      manifests,
      closures,
    },
  });
}

/** The policy is signed always: it is what says how strict the rest is. */
function readPolicy(
  at: Layout,
  trust: TrustRoot,
  crypto: Crypto,
): Result<{ bytes: Uint8Array; document: PolicyDocument }> {
  const bytes = readIfThere(at.policy);
  if (!bytes) {
    return refuse(
      issue(
        "policy.missing",
        "cannot accept the plan because there is no policy.json",
        "run `rtt render`, then `rtt sign`",
      ),
    );
  }
  const parsed = parseCanonical(bytes, "policy.json", "policy.broken");
  if (!parsed.ok) return parsed;
  const document = parsePolicy(parsed.value);
  if (!document) {
    return refuse(
      issue("policy.broken", "cannot read policy.json because it is not as `rtt render` writes it", "run `rtt render`"),
    );
  }
  const signatures = readIfThere(`${at.policy}.sig`);
  const signers = endorsed(
    "policy",
    "policy.json",
    bytes,
    signatures,
    document.sign.policy,
    trust,
    crypto.hasher,
    crypto.signer,
  );
  return signers.ok ? ok({ bytes, document }) : signers;
}

function readManifest(
  driver: string,
  bytes: Uint8Array,
  policy: PolicyDocument,
  { at, crypto }: Place,
  trust: TrustRoot,
): Result<Manifest> {
  const what = `manifests/${driver}.json`;
  if (policy.strict) {
    const signatures = readIfThere(`${at.manifests}/${driver}.json.sig`);
    const signers = endorsed(
      "manifest",
      what,
      bytes,
      signatures,
      policy.sign.manifest,
      trust,
      crypto.hasher,
      crypto.signer,
    );
    if (!signers.ok) return signers;
  }
  const parsed = parseCanonical(bytes, what, "manifest.broken");
  return parsed.ok ? parseManifest(parsed.value) : parsed;
}
