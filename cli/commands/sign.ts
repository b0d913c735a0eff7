import { basename, dirname, resolve } from "node:path";
import { demand, EXIT, type ExitCode, issue, RttError } from "../../core/errors.ts";
import { endorse, readSignatures } from "../../core/trust/endorse.ts";
import { cosign } from "../../core/trust/envelope.ts";
import type { Role, SecretKey } from "../../core/trust/keys.ts";
import { canonical } from "../../core/trust/canonical.ts";
import { readPlanFile, writePlanFile } from "../../core/trust/plan_file.ts";
import { openCrypto } from "../adapters/crypto.ts";
import type { Call, Command } from "../command.ts";
import { namesIn, readIfThere, writeWhole } from "../files.ts";
import { type Layout, layout } from "../layout.ts";
import { grantPlan } from "../project/grant.ts";
import { secretKeys } from "../project/keyring.ts";

export const command: Command = {
  name: "sign",
  operands: "[FILE...]",
  arity: [0, 1_000],
  summary: "sign a plan, a manifest or the policy; without a file, the policy and all manifests",
  options: [
    { name: "key", value: "FILE", help: "the secret key (default: those of .rtt/keys that have the role)" },
    { name: "for", value: "TIME", help: "how long a plan's grant holds: 30m, 12h, 7d (default 24h)" },
    { name: "renew", help: "add a new grant with the next serial, even where one could be co-signed" },
  ],
  examples: [
    "rtt sign",
    "rtt sign plans/3f9c….json --key night-shift.json",
    "rtt sign plans/3f9c….json --renew --for 2h",
  ],
  run(call: Call): Promise<ExitCode> {
    const at = layout(call.dir);
    const files = call.operands.length > 0 ? call.operands.map((each) => resolve(each)) : documents(at);
    for (const file of files) {
      const signers = roleOf(at, file) === "plan" ? signPlan(call, at, file) : signDocument(call, at, file);
      call.output.line(
        `signed ${file.replace(`${call.dir}/`, "")} with ${signers.map((id) => id.slice(0, 16)).join(", ")}`,
      );
      call.output.object({ file, keys: signers });
    }
    return Promise.resolve(EXIT.done);
  },
};

function documents(at: Layout): readonly string[] {
  const manifests = namesIn(at.manifests).filter((name) => name.endsWith(".json"));
  if (manifests.length === 0) {
    throw new RttError(EXIT.badInput, [
      issue("sign.nothing", `cannot sign anything because ${at.manifests} holds no manifest`, "run `rtt render` first"),
    ]);
  }
  return [at.policy, ...manifests.map((name) => `${at.manifests}/${name}`)];
}

function roleOf(at: Layout, file: string): Role {
  if (file === at.policy || basename(file) === "policy.json") return "policy";
  return basename(dirname(file)) === "manifests" ? "manifest" : "plan";
}

/** Adds this key's signature to those that are good for the same bytes; signatures of older bytes are dropped. */
function signDocument(call: Call, at: Layout, file: string): readonly string[] {
  const role = roleOf(at, file) === "policy" ? "policy" : "manifest";
  const keys = keysFor(call, at, role);
  const bytes = Deno.readFileSync(file);
  const { hasher, signer } = openCrypto();
  const fresh = demand(readSignatures(endorse(role, bytes, keys, hasher, signer), file, role), EXIT.refused);
  const written = readIfThere(`${file}.sig`);
  const before = written ? demand(readSignatures(written, file, role), EXIT.refused) : [];
  const [kept] = before.filter((each) => each.payload === fresh[0]?.payload);
  const envelopes = kept ? [keys.reduce((envelope, key) => cosign(envelope, key, signer) ?? envelope, kept)] : fresh;
  writeWhole(`${file}.sig`, canonical({ envelopes }));
  return keys.map((key) => key.id);
}

/** Co-signs the newest grant; makes a new one where there is none or a new one is asked for. */
function signPlan(call: Call, at: Layout, file: string): readonly string[] {
  const { hasher, signer } = openCrypto();
  const keys = keysFor(call, at, "plan");
  const read = demand(readPlanFile(Deno.readFileSync(file), hasher), EXIT.refused);
  const newest = read.envelopes.at(-1);
  const cosigned = newest && !call.has("renew")
    ? keys.reduce((envelope, key) => cosign(envelope, key, signer) ?? envelope, newest)
    : undefined;
  const envelopes = cosigned
    ? [...read.envelopes.slice(0, -1), cosigned]
    : [...read.envelopes, grantPlan(at, read, keys, call.value("for"))];
  writeWhole(file, writePlanFile(read.bytes, envelopes));
  return keys.map((key) => key.id);
}

function keysFor(call: Call, at: Layout, role: Role): readonly SecretKey[] {
  const keys = secretKeys(at, role, call.value("key"));
  if (keys.length > 0) return keys;
  throw new RttError(EXIT.refused, [
    issue(
      "key.none",
      `cannot sign because no secret key of the role ${role} is at hand`,
      `make one with \`rtt keys new --role ${role}\`, or give one with --key`,
    ),
  ]);
}
