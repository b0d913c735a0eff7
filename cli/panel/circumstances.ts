/** What holds on this host right now, for admission: hashes of what is on disk, signatures over it, trust, the clock. */
import type { Committed } from "../../core/apply/types.ts";
import { demand, EXIT, issue, ok, refuse, type Result } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { type Manifest, parseManifest } from "../../core/model/manifest.ts";
import type { Hash } from "../../core/model/names.ts";
import type { Closure } from "../../core/model/scenario.ts";
import type { AccessRules } from "../../core/plan/acl.ts";
import type { Clock } from "../../core/ports.ts";
import type { BelievedPlan, Circumstances } from "../../core/trust/admit.ts";
import { parseCanonical } from "../../core/trust/canonical.ts";
import { endorsed } from "../../core/trust/endorse.ts";
import type { TrustRoot } from "../../core/trust/keys.ts";
import type { Crypto } from "../adapters/crypto.ts";
import { readIfThere } from "../files.ts";
import type { Layout } from "../layout.ts";
import { closureOfManifest } from "../project/closure.ts";
import { parseTrust } from "../project/keyring.ts";
import { parsePolicy, type PolicyDocument, type SignedRule } from "../project/policy.ts";
import { Remembered } from "./remembered.ts";

export interface HashedFile {
  readonly bytes: Uint8Array;
  readonly hash: Hash;
}

export interface Pinned {
  readonly file: HashedFile;
  readonly closure: Closure;
}

/** The circumstances, and what they were read from: an applied plan pins these very bytes. */
export interface Gathered {
  readonly circumstances: Circumstances;
  readonly policy: HashedFile;
  readonly manifests: ReadonlyMap<string, Pinned>;
}

interface Place {
  readonly at: Layout;
  readonly panel: string;
  readonly committed: Committed;
  readonly clock: Clock;
  readonly crypto: Crypto;
  /** The built-in drivers' binary. */
  readonly drivers: Uint8Array;
  readonly memory: Memory;
}

/** Judgements by the very bytes that they were made of: what lies on the disk is read and hashed each time. */
export class Memory {
  readonly trust = new Remembered<TrustRoot>(1);
  readonly policies = new Remembered<PolicyDocument>(LIMITS.judgementsRemembered);
  readonly manifests = new Remembered<Manifest>(LIMITS.judgementsRemembered);
}

/** The keys that this panel believes now, and a name for what they were read from. */
export interface Trust {
  readonly root: TrustRoot;
  readonly hash: string;
}

export function readTrust({ at, crypto, memory }: Pick<Place, "at" | "crypto" | "memory">): Trust {
  const file = readFile(at.trust, crypto);
  if (!file) return { root: new Map(), hash: "" };
  const root = demand(memory.trust.ask(file.hash, () => parseTrust(file.bytes, at)), EXIT.badInput);
  return { root, hash: file.hash };
}

/**
 * Refuses what is not signed as the policy asks. A file that is missing or has changed is left to admission to name. The
 * plan is believed before its names are looked for: nobody without a key chooses what is read here.
 */
export function gather({ read: { plan } }: BelievedPlan, trust: Trust, place: Place): Result<Gathered> {
  const { at, crypto, committed } = place;
  const policy = readPolicy(place, trust);
  if (!policy.ok) return policy;
  const manifests: Record<string, Hash> = {};
  const closures: Record<string, Hash> = {};
  const pinned = new Map<string, Pinned>();
  const networked: string[] = [];
  for (const driver of Object.keys(plan.gates.manifests)) {
    const file = readFile(`${at.manifests}/${driver}.json`, crypto);
    if (!file) continue;
    manifests[driver] = file.hash;
    if (file.hash !== plan.gates.manifests[driver]) continue;
    const manifest = readManifest(driver, file, policy.value, trust, place);
    if (!manifest.ok) return manifest;
    if (manifest.value.network) networked.push(driver);
    const closure = closureOfManifest(manifest.value, { dir: at.dir, drivers: place.drivers, hasher: crypto.hasher });
    if (!closure.ok) continue;
    closures[driver] = closure.value.hash;
    pinned.set(driver, { file, closure: closure.value });
  }
  return ok({
    policy: policy.value.file,
    manifests: pinned,
    circumstances: {
      panel: place.panel,
      committed: { plan: committed.plan, graph: committed.graphHash, serial: committed.serial },
      nowMs: place.clock.wallMs(),
      threshold: policy.value.document.sign.plan,
      policy: policy.value.file.hash,
      manifests,
      closures,
      access: accessOf(policy.value.document),
      network: policy.value.document.network,
      networked,
    },
  });
}

const RENDER_AGAIN = "write it with `rtt render`, then sign it with `rtt sign`";

function readFile(path: string, { hasher }: Crypto): HashedFile | undefined {
  const bytes = readIfThere(path);
  return bytes && { bytes, hash: hasher.sha256(bytes) };
}

interface Policy {
  readonly file: HashedFile;
  readonly document: PolicyDocument;
}

/** The policy is signed always: it is what says how strict the rest is. */
function readPolicy({ at, crypto, memory }: Place, trust: Trust): Result<Policy> {
  const file = readFile(at.policy, crypto);
  if (!file) {
    return refuse(
      issue(
        "policy.missing",
        "cannot accept the plan because there is no policy.json",
        RENDER_AGAIN,
      ),
    );
  }
  const signatures = readFile(`${at.policy}.sig`, crypto);
  const judged = memory.policies.ask(`${file.hash} ${signatures?.hash} ${trust.hash}`, () => {
    const document = parseSignedPolicy(file.bytes);
    if (!document.ok) return document;
    const signed = endorsed(
      "policy",
      "policy.json",
      file.bytes,
      signatures?.bytes,
      document.value.sign.policy,
      trust.root,
      crypto.hasher,
      crypto.signer,
    );
    return signed.ok ? document : signed;
  });
  return judged.ok ? ok({ file, document: judged.value }) : judged;
}

function accessOf({ allow, deny }: PolicyDocument): AccessRules {
  const plain = (rules: readonly SignedRule[]) => rules.map(({ from, to, why = null }) => ({ from, to, why }));
  return { allow: plain(allow), deny: plain(deny) };
}

function parseSignedPolicy(bytes: Uint8Array): Result<PolicyDocument> {
  const parsed = parseCanonical(bytes, "policy.json", "policy.broken", RENDER_AGAIN);
  if (!parsed.ok) return parsed;
  const document = parsePolicy(parsed.value);
  if (document) return ok(document);
  return refuse(
    issue("policy.broken", "cannot read policy.json because it is not as `rtt render` writes it", RENDER_AGAIN),
  );
}

function readManifest(
  driver: string,
  file: HashedFile,
  policy: Policy,
  trust: Trust,
  { at, crypto, memory }: Place,
): Result<Manifest> {
  const what = `manifests/${driver}.json`;
  const { strict, sign } = policy.document;
  const signatures = strict ? readFile(`${at.manifests}/${driver}.json.sig`, crypto) : undefined;
  const from = [driver, file.hash, signatures?.hash, policy.file.hash, trust.hash].join(" ");
  return memory.manifests.ask(from, () => {
    if (strict) {
      const { hasher, signer } = crypto;
      const given = signatures?.bytes;
      const signed = endorsed("manifest", what, file.bytes, given, sign.manifest, trust.root, hasher, signer);
      if (!signed.ok) return signed;
    }
    const parsed = parseCanonical(file.bytes, what, "manifest.broken", RENDER_AGAIN);
    const manifest = parsed.ok ? parseManifest(parsed.value) : parsed;
    // The signature is over the content: under another name, it would be what policy says of another driver.
    if (manifest.ok && manifest.value.name !== driver) {
      const why = `it is of driver \`${manifest.value.name}\``;
      return refuse(issue("manifest.name", `cannot accept ${what} because ${why}`, RENDER_AGAIN));
    }
    return manifest;
  });
}
