/**
 * Admission: from a plan file whose bytes are in order to an `AdmittedPlan`, or to the one reason why not. Each rule has its
 * own code, in this order: signatures, panel, (already committed?), base, gates, policy, then threshold, serial and window
 * of each grant. Until its signatures are good, nothing that a plan names is looked at.
 */
import { type Issue, issue, ok, refuse, type Result } from "../errors.ts";
import { type Hash, type PlanId, saddr } from "../model/names.ts";
import type { AdmittedPlan, Envelope, Grant } from "../model/plan.ts";
import { type AccessRules, judgeAccess, ruleWords } from "../plan/acl.ts";
import type { Signer } from "../ports.ts";
import { open, unsigned } from "./envelope.ts";
import type { KeyId, TrustRoot } from "./keys.ts";
import { parseGrant, type ReadPlan } from "./plan_file.ts";

/** What holds here and now, gathered by the shell before it asks. */
export interface Circumstances {
  readonly panel: string;
  readonly committed: { readonly plan: PlanId | null; readonly graph: Hash; readonly serial: number };
  readonly nowMs: number;
  /** Distinct keys that a plan needs, from the policy that the plan is gated on. */
  readonly threshold: number;
  /** Hashes of what is on disk now. A driver that has none is missing. */
  readonly policy: Hash;
  readonly manifests: Readonly<Record<string, Hash>>;
  readonly closures: Readonly<Record<string, Hash>>;
  /** Of the policy: what may be joined, and which drivers may use the network. */
  readonly access: AccessRules;
  readonly network: readonly string[];
  /** Drivers whose manifest asks for network. */
  readonly networked: readonly string[];
}

declare const believed: unique symbol;
/** A plan file all of whose signatures are good, by keys that may sign plans. Made by `believe` alone. */
export interface BelievedPlan {
  readonly read: ReadPlan;
  readonly grants: readonly BelievedGrant[];
  readonly [believed]: true;
}

export interface Admission {
  readonly admitted: AdmittedPlan;
  /** It is the committed plan: applying it repairs drift, or does nothing. */
  readonly again: boolean;
}

/** Believes all grants of a file; one that is not good refuses the file. */
export function believe(read: ReadPlan, trust: TrustRoot, signer: Signer): Result<BelievedPlan> {
  if (read.envelopes.length === 0) return refuse(unsigned("plan"));
  const grants: BelievedGrant[] = [];
  for (const envelope of read.envelopes) {
    const grant = believedGrant(envelope, read.id, trust, signer);
    if (!grant.ok) return grant;
    grants.push(grant.value);
  }
  return ok({ read, grants } as unknown as BelievedPlan);
}

export function admit({ read, grants }: BelievedPlan, here: Circumstances): Result<Admission> {
  const again = read.id === here.committed.plan;
  const planIssue = panelIssue(read, here) ?? (again ? undefined : baseIssue(read, here)) ?? gateIssue(read, here) ??
    policyIssue(read, here);
  let refusal: Issue | undefined = planIssue;
  // The newest grant that holds: a plan may be granted again when its window has passed.
  for (const { grant, signers } of [...grants].reverse()) {
    const grantRefusal = signers.length < here.threshold
      ? belowThreshold(signers.length, here.threshold)
      : grantIssue(grant, here, again);
    if (!planIssue && !grantRefusal) {
      const admitted = { id: read.id, plan: read.plan, bytes: read.bytes, grant, signers } as AdmittedPlan;
      return ok({ admitted, again });
    }
    refusal ??= grantRefusal;
  }
  return refuse(refusal ?? unsigned("plan"));
}

export interface BelievedGrant {
  readonly grant: Grant;
  readonly signers: readonly KeyId[];
}

function believedGrant(envelope: Envelope, id: PlanId, trust: TrustRoot, signer: Signer): Result<BelievedGrant> {
  const believed = open(envelope, "plan", trust, signer);
  if (!believed.ok) return believed;
  if (believed.value.subject !== id) {
    return refuse(
      issue(
        "plan.signature",
        "cannot accept the plan because a grant in its file is for another plan",
        "get the file again, or sign it again with `rtt sign PLAN`",
      ),
    );
  }
  const grant = parseGrant(believed.value.predicate);
  if (!grant) {
    return refuse(
      issue(
        "plan.signature",
        "cannot accept the plan because its grant can't be read",
        "sign it again with `rtt sign PLAN`",
      ),
    );
  }
  return ok({ grant, signers: believed.value.signers });
}

function panelIssue({ plan }: ReadPlan, here: Circumstances): Issue | undefined {
  if (plan.panel === here.panel) return undefined;
  return issue(
    "plan.otherPanel",
    `cannot apply the plan because it is for panel \`${plan.panel}\` and this is \`${here.panel}\``,
    "plan in this panel's project with `rtt plan`",
  );
}

function baseIssue({ plan }: ReadPlan, here: Circumstances): Issue | undefined {
  if (plan.base.graph === here.committed.graph && plan.base.plan === here.committed.plan) return undefined;
  return issue(
    "plan.stale",
    `cannot apply the plan because it starts from ${name(plan.base.plan)} and ${
      name(here.committed.plan)
    } is committed`,
    "run `rtt plan` again",
  );
}

function gateIssue({ plan }: ReadPlan, here: Circumstances): Issue | undefined {
  const free = plan.to.drivers.find(({ driver, manifest, closure }) =>
    plan.gates.manifests[driver] !== manifest || plan.gates.closures[driver] !== closure
  );
  if (free) {
    return issue(
      "plan.gates",
      `cannot apply the plan because it runs driver \`${free.driver}\` from other files than it is gated on`,
      "make it again with `rtt plan`",
    );
  }
  if (plan.gates.policy !== here.policy) {
    return issue(
      "plan.policyChanged",
      "cannot apply the plan because policy.json is not the one it was made for",
      "write and sign it with `rtt render` and `rtt sign`, then plan again with `rtt plan`; or restore policy.json",
    );
  }
  for (const [driver, hash] of Object.entries(plan.gates.manifests)) {
    if (here.manifests[driver] !== hash) {
      return issue(
        "plan.manifestChanged",
        `cannot apply the plan because manifests/${driver}.json is ${
          here.manifests[driver] ? "not the one it was made for" : "missing"
        }`,
        "write and sign it with `rtt render` and `rtt sign`, then plan again with `rtt plan`; or restore it",
      );
    }
  }
  for (const [driver, hash] of Object.entries(plan.gates.closures)) {
    if (here.closures[driver] !== hash) {
      return issue(
        "plan.closureChanged",
        `cannot apply the plan because a file that driver \`${driver}\` runs is ${
          here.closures[driver] ? "not the one it was made for" : "missing"
        }`,
        "run `rtt plan` again, or restore the file",
      );
    }
  }
  return undefined;
}

/** The planner keeps to the policy; this holds whoever made the plan to it, since another key signs the policy. */
function policyIssue({ plan }: ReadPlan, here: Circumstances): Issue | undefined {
  const fallbacks = plan.moves.flatMap((move) => move.kind === "fallback" ? move.link : []);
  for (const { route, from, to } of [...plan.to.links, ...fallbacks]) {
    const { allowed, rule } = judgeAccess(here.access, from, to);
    if (allowed) continue;
    const pair = `${saddr(from.driver, from.endpoint)} → ${saddr(to.driver, to.endpoint)}`;
    const why = rule ? `policy denies it by ${ruleWords(rule)}` : "no rule of policy allows it";
    return issue(
      "plan.denied",
      `cannot apply the plan because its route \`${route}\` joins ${pair} and ${why}`,
      "plan again with `rtt plan`, which keeps to the policy",
    );
  }
  const online = plan.to.drivers.find(({ driver }) =>
    here.networked.includes(driver) && !here.network.includes(driver)
  );
  if (!online) return undefined;
  return issue(
    "plan.network",
    `cannot apply the plan because driver \`${online.driver}\` asks for network and policy does not grant it`,
    "plan again with `rtt plan`, which keeps to the policy",
  );
}

function grantIssue(grant: Grant, here: Circumstances, again: boolean): Issue | undefined {
  if (grant.panel !== here.panel) {
    return issue(
      "grant.otherPanel",
      `cannot apply the plan because its grant is for panel \`${grant.panel}\``,
      "sign it for this panel with `rtt sign PLAN`",
    );
  }
  if (again) return undefined;
  if (grant.predecessor !== here.committed.plan) {
    return issue(
      "grant.stale",
      `cannot apply the plan because its grant follows ${name(grant.predecessor)} and ${
        name(here.committed.plan)
      } is committed`,
      "run `rtt plan` again",
    );
  }
  if (grant.serial <= here.committed.serial) {
    return issue(
      "grant.serial",
      `cannot apply the plan because its serial ${grant.serial} is not above the last, ${here.committed.serial}`,
      "sign it again with `rtt sign PLAN`, which takes the next serial",
    );
  }
  if (here.nowMs < grant.notBefore) {
    return issue(
      "grant.early",
      `cannot apply the plan because its grant begins at ${new Date(grant.notBefore).toISOString()}`,
      "wait, or grant it from now on with `rtt sign PLAN --renew`",
    );
  }
  if (here.nowMs > grant.notAfter) {
    return issue(
      "grant.expired",
      `cannot apply the plan because its grant ended at ${new Date(grant.notAfter).toISOString()}`,
      "sign it again with `rtt sign PLAN`",
    );
  }
  return undefined;
}

function belowThreshold(have: number, need: number): Issue {
  return issue(
    "plan.threshold",
    `cannot apply the plan because ${have} of ${need} needed keys signed it`,
    "have it signed by another key: `rtt sign PLAN --key KEY`",
  );
}

function name(plan: PlanId | null): string {
  return plan === null ? "the empty graph" : `plan ${plan.slice(0, 12)}`;
}
