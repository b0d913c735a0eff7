/** Admission with the real cryptography: what is signed holds, and nothing else does. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { openCrypto } from "../../cli/adapters/crypto.ts";
import { EMPTY_GRAPH } from "../../core/model/graph.ts";
import type { Link } from "../../core/model/graph.ts";
import type { ContractName, DriverName, EndpointName, Hash, PlanId, RouteName } from "../../core/model/names.ts";
import { type Grant, type Move, type Plan, PLAN_VERSION } from "../../core/model/plan.ts";
import { admit, believe, type Circumstances } from "../../core/trust/admit.ts";
import { LIMITS } from "../../core/limits.ts";
import { canonical } from "../../core/trust/canonical.ts";
import { endorse, endorsed } from "../../core/trust/endorse.ts";
import { cosign, seal } from "../../core/trust/envelope.ts";
import { cosignAll } from "../../core/trust/grants.ts";
import {
  keyDocument,
  parsePublicKey,
  type PublicKey,
  type Role,
  type SecretKey,
  type TrustRoot,
} from "../../core/trust/keys.ts";
import { graphHash, planId, readPlanFile, writePlanFile } from "../../core/trust/plan_file.ts";

const { hasher, signer } = openCrypto();
const zero = "0".repeat(64) as Hash;

function key(
  seed: number,
  roles: readonly Role[] = ["plan", "manifest", "policy"],
): { secret: SecretKey; public: PublicKey } {
  const pair = signer.keyPair(new Uint8Array(32).fill(seed));
  const parsed = parsePublicKey(keyDocument(pair, roles, ""), "test", hasher, signer);
  assert(parsed.ok);
  return { public: parsed.value, secret: { id: parsed.value.id, secret: pair.secret, roles } };
}

const alice = key(1);
const bob = key(2);
const clerk = key(3, ["manifest"]);
const stranger = key(4);

const plan: Plan = {
  version: PLAN_VERSION,
  panel: "cell7",
  base: { plan: null, graph: graphHash(EMPTY_GRAPH, hasher) },
  from: EMPTY_GRAPH,
  to: EMPTY_GRAPH,
  batches: [],
  inverse: [],
  moves: [],
  reasons: [],
  placements: [],
  predictions: [],
  gates: { policy: zero, manifests: { imu: zero }, closures: { imu: zero } },
  inputs: { config: zero, facts: zero, solver: "test", planner: "test", fingerprint: zero },
  objective: { latency: 0, crossNode: 0, churn: 0 },
};

const grant: Grant = { panel: "cell7", predecessor: null, serial: 1, notBefore: 1_000, notAfter: 2_000 };

const here: Circumstances = {
  panel: "cell7",
  committed: { plan: null, graph: graphHash(EMPTY_GRAPH, hasher), serial: 0 },
  nowMs: 1_500,
  threshold: 1,
  policy: zero,
  manifests: { imu: zero },
  closures: { imu: zero },
  access: { allow: [{ from: "imu/*", to: "*/*", why: null }], deny: [{ from: "*/*", to: "log/*", why: "private" }] },
  network: [],
  networked: [],
};

const trusted: TrustRoot = new Map([alice, bob, clerk].map((each) => [each.public.id, each.public]));

function file(
  over: { plan?: Plan; grant?: Partial<Grant>; keys?: readonly SecretKey[]; subject?: Hash } = {},
): Uint8Array {
  const bytes = canonical(over.plan ?? plan);
  const subject = over.subject ?? planId(bytes, hasher);
  return writePlanFile(bytes, [
    seal("plan", subject, { ...grant, ...over.grant }, over.keys ?? [alice.secret], signer),
  ]);
}

function codeOf(bytes: Uint8Array, at: Partial<Circumstances & { trust: TrustRoot }> = {}): string {
  const read = readPlanFile(bytes, hasher);
  const believed = read.ok ? believe(read.value, at.trust ?? trusted, signer) : read;
  const admission = believed.ok ? admit(believed.value, { ...here, ...at }) : believed;
  return admission.ok ? "admitted" : admission.issues[0]?.code ?? "no code";
}

Deno.test("a signed plan for this panel, base and window is admitted", () => {
  assertEquals(codeOf(file()), "admitted");
});

Deno.test("each rule of admission has its own code", () => {
  const other = "1".repeat(64) as Hash;
  const refusals: readonly (readonly [string, Uint8Array, Partial<Circumstances & { trust: TrustRoot }>?])[] = [
    ["plan.unsigned", writePlanFile(canonical(plan), [])],
    ["plan.key.unknown", file({ keys: [stranger.secret] })],
    ["plan.key.role", file({ keys: [clerk.secret] })],
    ["plan.key.revoked", file(), { trust: new Map([[alice.public.id, { ...alice.public, revoked: true }]]) }],
    ["plan.threshold", file(), { threshold: 2 }],
    ["plan.signature", file({ subject: other })],
    ["plan.otherPanel", file({ plan: { ...plan, panel: "cell8" } })],
    ["plan.stale", file(), { committed: { ...here.committed, plan: other as PlanId } }],
    ["plan.policyChanged", file(), { policy: other }],
    ["plan.manifestChanged", file(), { manifests: { imu: other } }],
    ["plan.manifestChanged", file(), { manifests: {} }],
    ["plan.closureChanged", file(), { closures: { imu: other } }],
    ["grant.otherPanel", file({ grant: { panel: "cell8" } })],
    ["grant.stale", file({ grant: { predecessor: other as PlanId } })],
    ["grant.serial", file(), { committed: { ...here.committed, serial: 1 } }],
    ["grant.early", file(), { nowMs: 999 }],
    ["grant.expired", file(), { nowMs: 2_001 }],
  ];
  for (const [code, bytes, at] of refusals) assertEquals(codeOf(bytes, at), code);
});

/** A plan that runs these drivers, each gated on the files that it runs, and joins the first to the second. */
function joining(from: string, to: string, over: Partial<Plan> = {}): Plan {
  const drivers = [from, to].map((driver) => ({
    driver: driver as DriverName,
    manifest: zero,
    closure: zero,
    cpus: [0],
    node: 0,
  }));
  const gates = Object.fromEntries([["imu", zero], [from, zero], [to, zero]]);
  return {
    ...plan,
    to: { drivers, links: [link(from, to)] },
    gates: { ...plan.gates, manifests: gates, closures: gates },
    ...over,
  };
}

function link(from: string, to: string): Link {
  const end = (driver: string) => ({ driver: driver as DriverName, endpoint: "out" as EndpointName });
  return {
    route: "r" as RouteName,
    routeId: 1,
    class: "bus",
    from: end(from),
    to: end(to),
    contract: "load" as ContractName,
    version: "1.0.0",
    critical: false,
    budgetNs: null,
    stallNs: null,
    rateHz: null,
    onTrip: "alarm",
    backpressure: "block",
    blockNs: 1,
    wait: "sleep",
    spinNs: 0,
    ringBytes: 4096,
    maxFrameBytes: 64,
    drainWithinNs: 1,
    ttl: null,
    dedupe: false,
  };
}

Deno.test("a plan that a key signed is held to the policy that another key signed", () => {
  const gates = { manifests: { imu: zero, sink: zero, log: zero, gen: zero }, closures: {} };
  const at = { ...gates, closures: gates.manifests };
  const fallback: Move = { kind: "fallback", trip: "r" as RouteName, unlink: [], link: [link("gen", "sink")] };
  const other = "1".repeat(64) as Hash;
  const runs = joining("imu", "sink");
  const foreign = runs.to.drivers.map((each) => ({ ...each, manifest: other }));
  const stray = runs.to.drivers.map((each) => ({ ...each, closure: other }));
  const ungated = { ...runs, gates: { ...runs.gates, manifests: { sink: zero } } };
  const cases: readonly (readonly [string, Plan, Partial<Circumstances>?])[] = [
    ["admitted", runs],
    ["plan.denied", joining("gen", "sink")],
    ["plan.denied", joining("imu", "log")],
    ["plan.denied", joining("imu", "sink", { moves: [fallback] })],
    ["plan.network", runs, { networked: ["imu"] }],
    ["plan.network", runs, { networked: ["imu"], network: ["sink"] }],
    ["admitted", runs, { networked: ["imu"], network: ["imu"] }],
    ["plan.gates", { ...runs, to: { ...runs.to, drivers: foreign } }],
    ["plan.gates", { ...runs, to: { ...runs.to, drivers: stray } }],
    ["plan.gates", ungated],
  ];
  for (const [code, wanted, more] of cases) assertEquals(codeOf(file({ plan: wanted }), { ...at, ...more }), code);
});

Deno.test("what a plan gates is named by drivers' names, and by no path", () => {
  for (const name of ["../imu", "imu/../x", "", ".", "imu.json", "__proto__", "a".repeat(64)]) {
    for (const what of ["manifests", "closures"] as const) {
      const gates = { ...plan.gates, [what]: Object.fromEntries([[name, zero]]) };
      assertEquals(codeOf(file({ plan: { ...plan, gates } })), "plan.broken", `${what} ${name}`);
    }
  }
});

Deno.test("a window holds at its first and its last millisecond", () => {
  assertEquals([codeOf(file(), { nowMs: 1_000 }), codeOf(file(), { nowMs: 2_000 })], ["admitted", "admitted"]);
});

Deno.test("the committed plan is admitted again, whatever its serial and window", () => {
  const id = planId(canonical(plan), hasher);
  const read = readPlanFile(file(), hasher);
  assert(read.ok);
  const believed = believe(read.value, trusted, signer);
  assert(believed.ok);
  const admission = admit(believed.value, { ...here, nowMs: 9_999, committed: { plan: id, graph: zero, serial: 7 } });
  assert(admission.ok && admission.value.again);
});

Deno.test("two keys meet a threshold of two, one key twice does not", () => {
  const bytes = canonical(plan);
  const once = seal("plan", planId(bytes, hasher), grant, [alice.secret], signer);
  const twice = cosign(once, bob.secret, signer);
  assert(twice);
  assertEquals(codeOf(writePlanFile(bytes, [twice]), { threshold: 2 }), "admitted");
  assertEquals(cosign(once, alice.secret, signer), undefined);
  const doubled = { ...once, signatures: [...once.signatures, ...once.signatures] };
  assertEquals(codeOf(writePlanFile(bytes, [doubled]), { threshold: 2 }), "plan.signature");
});

Deno.test("an envelope takes as many signatures as can be believed, and no more", () => {
  const bytes = canonical(plan);
  const keys = Array.from({ length: LIMITS.signaturesOfAnEnvelope + 1 }, (_, at) => key(100 + at).secret);
  const [first, ...rest] = keys;
  const once = seal("plan", planId(bytes, hasher), grant, first ? [first] : [], signer);
  const full = cosignAll(once, rest.slice(0, -1), "the plan", signer);
  assert(full.ok && full.value.signatures.length === LIMITS.signaturesOfAnEnvelope);
  const over = cosignAll(once, rest, "the plan", signer);
  assertEquals(over.ok || over.issues[0]?.code, "sign.full");
});

Deno.test("a plan file with any bit flipped is refused", () => {
  const good = file({ keys: [alice.secret, bob.secret] });
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(7), (at, bit) => {
      const bad = good.slice();
      bad[at] = (bad[at] ?? 0) ^ (1 << bit);
      return codeOf(bad) !== "admitted";
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("bytes that are no plan file are refused and never throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => codeOf(bytes) === "plan.broken"), {
    numRuns: 500,
  });
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const bytes = new TextEncoder().encode(JSON.stringify({ plan: value, envelopes: [value] }));
      return codeOf(bytes) === "plan.broken";
    }),
    { numRuns: 500 },
  );
});

Deno.test("a signed manifest that changed is refused with its own code", () => {
  const bytes = canonical({ name: "imu" });
  const signatures = endorse("manifest", bytes, [clerk.secret], hasher, signer);
  const look = (document: Uint8Array, threshold: number) =>
    endorsed("manifest", "manifests/imu.json", document, signatures, threshold, trusted, hasher, signer);
  assert(look(bytes, 1).ok);
  const changed = look(canonical({ name: "imv" }), 1);
  assertEquals(changed.ok || changed.issues[0]?.code, "manifest.changed");
  const few = look(bytes, 2);
  assertEquals(few.ok || few.issues[0]?.code, "manifest.threshold");
});

Deno.test("our Ed25519 and the run-time's agree on what it signs", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ maxLength: 200 }),
      async (seed, message) => {
        const pair = signer.keyPair(seed);
        const signature = signer.sign(pair.secret, message);
        const imported = await crypto.subtle.importKey("raw", new Uint8Array(pair.public), "Ed25519", true, ["verify"]);
        return await crypto.subtle.verify("Ed25519", imported, new Uint8Array(signature), new Uint8Array(message));
      },
    ),
    { numRuns: 50 },
  );
});
