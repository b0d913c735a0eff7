/**
 * Whatever lies on a disk or comes on a command line: a reader answers a value, or issues that say what to do. It never throws
 * anything else.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { openCrypto } from "../../cli/adapters/crypto.ts";
import { readCall } from "../../cli/arguments.ts";
import type { Command } from "../../cli/command.ts";
import { openOutput } from "../../cli/output.ts";
import { exportFacts, parseFacts } from "../../cli/project/facts.ts";
import { parsePolicy } from "../../cli/project/policy.ts";
import { CODES } from "../../core/codes.ts";
import { EXIT, type Issue, type Result, RttError } from "../../core/errors.ts";
import { EMPTY_GRAPH } from "../../core/model/graph.ts";
import type { Hash } from "../../core/model/names.ts";
import { PLAN_VERSION } from "../../core/model/plan.ts";
import { admit, believe } from "../../core/trust/admit.ts";
import { encodeHex } from "../../core/trust/base64.ts";
import { canonical } from "../../core/trust/canonical.ts";
import { readSignatures } from "../../core/trust/endorse.ts";
import { seal } from "../../core/trust/envelope.ts";
import { keyDocument, parsePublicKey, parseSecretKey, parseTrustRoot } from "../../core/trust/keys.ts";
import { graphHash, planId, readPlanFile, writePlanFile } from "../../core/trust/plan_file.ts";

const { hasher, signer } = openCrypto();
const RUNS = { numRuns: 300 };
const ZERO = "0".repeat(64) as Hash;

/** JSON whose strings are well formed, which is all that can be made canonical. */
const json = fc.jsonValue({ stringUnit: "grapheme" });
/** Bytes of all kinds: any at all, those of JSON, and those of JSON that are in their one form. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.json().map((text) => new TextEncoder().encode(text)),
  json.map(canonicalOf),
);

function canonicalOf(value: unknown): Uint8Array {
  try {
    return canonical(value);
  } catch {
    return new Uint8Array(); // A number that has no canonical form.
  }
}

/** The object with one member, at any depth of its first two, replaced by any JSON. */
function spoilt(good: Readonly<Record<string, unknown>>): fc.Arbitrary<unknown> {
  return fc.tuple(fc.constantFrom(...Object.keys(good), "more"), json).map(([name, value]) => ({
    ...good,
    [name]: value,
  }));
}

function isAnswer(result: Result<unknown>): boolean {
  return result.ok || (result.issues.length > 0 && result.issues.every(isComplete));
}

function isComplete({ code, message, remedy }: Issue): boolean {
  return Object.hasOwn(CODES, code) && / because |^cannot /.test(message) && remedy.length > 0;
}

Deno.test("facts of a host", () => {
  const good = JSON.parse(new TextDecoder().decode(exportFacts({
    topology: { cpus: [{ id: 0, node: 0, cache: 0, core: 0 }], nodes: [0], distance: [[10]] },
    closures: new Map(),
    committed: { plan: null, document: null, graph: EMPTY_GRAPH, graphHash: ZERO, serial: 3, moves: [] },
  })));
  const read = parseFacts(canonical(good), hasher);
  assert(read.ok && read.value.committed.serial === 3);
  const any = fc.oneof(bytes, spoilt(good).map(canonicalOf));
  fc.assert(fc.property(any, (each) => isAnswer(parseFacts(each, hasher))), RUNS);
});

const pair = signer.keyPair(new Uint8Array(32).fill(7));
const KEY = { ...keyDocument(pair, ["plan"], "mine") };

Deno.test("keys, secret keys and lists of trusted ones", () => {
  const points = fc.uint8Array({ minLength: 30, maxLength: 34 }).map((each) => ({ ...KEY, public: encodeHex(each) }));
  const any = fc.oneof(json, spoilt(KEY), points);
  fc.assert(
    fc.property(any, (each) =>
      isAnswer(parsePublicKey(each, "key.json", hasher, signer)) &&
      isAnswer(parseSecretKey(each, "key.json", hasher, signer)) &&
      isAnswer(parseTrustRoot(each, "trust.json", hasher, signer)) &&
      isAnswer(parseTrustRoot({ keys: [KEY, each] }, "trust.json", hasher, signer))),
    RUNS,
  );
});

Deno.test("files of signatures", () => {
  const key = { id: hasher.sha256(pair.public), secret: pair.secret, roles: ["policy"] as const };
  const good = seal("policy", ZERO, {}, [key], signer);
  const any = fc.oneof(
    bytes,
    json.map((each) => canonicalOf({ envelopes: each })),
    spoilt({ ...good }).map((each) => canonicalOf({ envelopes: [each] })),
  );
  fc.assert(fc.property(any, (each) => isAnswer(readSignatures(each, "policy.json", "policy"))), RUNS);
});

Deno.test("the policy", () => {
  const good = {
    strict: true,
    allow: [{ from: "a/*", to: "b/*" }],
    deny: [{ from: "a/*", to: "c/*", why: "private" }],
    network: ["a"],
    fanout: [],
    sign: { plan: 1, manifest: 1, policy: 1 },
    waive: [{ driver: "a", what: "isolation", why: "vendor", until: "2027-01-31" }],
  };
  assertEquals(parsePolicy(good), good as ReturnType<typeof parsePolicy>);
  for (const none of [{ plan: 0 }, { manifest: 0 }, { policy: 0 }]) {
    assertEquals(parsePolicy({ ...good, sign: { ...good.sign, ...none } }), undefined);
  }
  fc.assert(
    fc.property(fc.oneof(json, spoilt(good)), (each) => {
      const policy = parsePolicy(each);
      return policy === undefined || [...policy.allow, ...policy.deny].every(({ from }) => typeof from === "string");
    }),
    RUNS,
  );
});

Deno.test("grants that a trusted key signed, whatever they say", () => {
  const key = { id: hasher.sha256(pair.public), secret: pair.secret, roles: ["plan"] as const };
  const trust = parseTrustRoot({ keys: [KEY] }, "trust.json", hasher, signer);
  assert(trust.ok);
  const plan = canonical({
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
    gates: { policy: ZERO, manifests: {}, closures: {} },
    inputs: { config: ZERO, facts: ZERO, solver: "test", planner: "test", fingerprint: ZERO },
    objective: { latency: 0, crossNode: 0, churn: 0 },
  });
  const good = { panel: "cell7", predecessor: null, serial: 1, notBefore: 0, notAfter: 2_000 };
  const number = fc.oneof(fc.maxSafeNat(), fc.constantFrom(8.64e15, 8.64e15 + 1, 2 ** 53 - 1));
  const times = fc.record({ notBefore: number, notAfter: number, serial: number }).map((each) => ({
    ...good,
    ...each,
  }));
  const here = {
    panel: "cell7",
    committed: { plan: null, graph: graphHash(EMPTY_GRAPH, hasher), serial: 0 },
    nowMs: 1_000,
    threshold: 1,
    policy: ZERO,
    manifests: {},
    closures: {},
    access: { allow: [], deny: [] },
    network: [],
    networked: [],
  };
  const judge = (predicate: unknown): Result<unknown> => {
    const read = readPlanFile(
      writePlanFile(plan, [seal("plan", planId(plan, hasher), predicate, [key], signer)]),
      hasher,
    );
    assert(read.ok);
    const believed = believe(read.value, trust.value, signer);
    return believed.ok ? admit(believed.value, here) : believed;
  };
  assert(judge(good).ok);
  const any = fc.oneof(json, spoilt(good), times).filter((each) => canonicalOf(each).length > 0);
  fc.assert(fc.property(any, (each) => isAnswer(judge(each))), RUNS);
});

const COMMAND: Command = {
  name: "try",
  operands: "[FILE]",
  arity: [0, 1],
  summary: "",
  options: [{ name: "key", value: "FILE", help: "" }, { name: "renew", help: "" }],
  examples: [],
  run: () => Promise.resolve(EXIT.done),
};

Deno.test("a command line: one use of the command, or bad usage that says why", () => {
  const output = openOutput(true);
  const words = fc.array(
    fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom("--key", "--key=x", "--renew", "--renew=1", "--json=1", "--dir", "--", "-", "-k", "--no-renew"),
      fc.constantFrom(
        "--__proto__",
        "--__proto__=x",
        "--constructor",
        "--_",
        "--_=x",
        "-_",
        "-=",
        "--=x",
        "--key.a=1",
        "007",
      ),
    ),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(words, (args) => {
      try {
        const call = readCall(COMMAND, args, output);
        return call.operands.length <= 1 && call.dir.startsWith("/") &&
          call.operands.every((each) => args.includes(each));
      } catch (thrown) {
        return thrown instanceof RttError && thrown.exit === EXIT.badInput && thrown.issues.every(isComplete);
      }
    }),
    { numRuns: 2_000 },
  );
  for (const args of [["--json=1"], ["--renew=yes"], ["--help=x"], ["--key"], ["--key=a", "--key=b"], ["--no-renew"]]) {
    assertThrows(() => readCall(COMMAND, args, output), RttError, "cannot run `rtt try` because", args.join(" "));
  }
});
