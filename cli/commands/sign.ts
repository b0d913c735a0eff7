import { basename, dirname, resolve } from "node:path";
import { demand, EXIT, type ExitCode, type Issue, issue, RttError } from "../../core/errors.ts";
import type { Envelope } from "../../core/model/plan.ts";
import { canonical } from "../../core/trust/canonical.ts";
import { endorse, readSignatures } from "../../core/trust/endorse.ts";
import { prune } from "../../core/trust/envelope.ts";
import { cosignAll, trustWith } from "../../core/trust/grants.ts";
import type { Role, SecretKey } from "../../core/trust/keys.ts";
import { readPlanFile, writePlanFile } from "../../core/trust/plan_file.ts";
import { openCrypto } from "../adapters/crypto.ts";
import type { Call, Command } from "../command.ts";
import { namesIn, readIfThere, readInput, writeWhole } from "../files.ts";
import { type Layout, layout } from "../layout.ts";
import { type Asked, askedOf, grantPlan } from "../project/grant.ts";
import { readTrust, type SigningKeys, signingKeys } from "../project/keyring.ts";

export const command: Command = {
  name: "sign",
  operands: "[FILE...]",
  arity: [0, 1_000],
  summary: "sign a plan, a manifest or the policy; without a file, the policy and all manifests",
  options: [
    { name: "key", value: "FILE", help: "the secret key (default: those of .rtt/keys that have the role)" },
    { name: "for", value: "TIME", help: "make a new grant that holds so long: 30m, 12h, 7d (default 24h)" },
    { name: "renew", help: "add a new grant with the next serial, even where one could be co-signed" },
  ],
  examples: [
    "rtt sign",
    "rtt sign plans/3f9c….json --key night-shift.json",
    "rtt sign plans/3f9c….json --renew --for 2h",
  ],
  run(call: Call): Promise<ExitCode> {
    const at = layout(call.dir);
    const asked = askedOf(call.value("for"), call.has("renew"));
    const files = call.operands.length > 0 ? call.operands.map((each) => resolve(each)) : documents(at);
    const roles = new Map(files.map((file) => [file, roleOf(at, file)]));
    if ((call.has("renew") || call.value("for") !== undefined) && ![...roles.values()].includes("plan")) {
      throw noGrant();
    }
    const keys = new Map([...new Set(roles.values())].map((role) => [role, keysFor(call, at, role)]));
    for (const [file, role] of roles) {
      const signers = keys.get(role)?.keys ?? [];
      const signed = role === "plan" ? signPlan(at, file, signers, asked) : signDocument(at, file, role, signers);
      tell(call, file, signers, signed);
    }
    return Promise.resolve(EXIT.done);
  },
};

/** What signing did to a file. */
interface Signed {
  readonly changed: boolean;
  readonly dropped: readonly Issue[];
}

function tell(call: Call, file: string, keys: readonly SecretKey[], { changed, dropped }: Signed): void {
  const name = file.replace(`${call.dir}/`, "");
  const by = keys.map(({ id }) => id.slice(0, 16)).join(", ");
  for (const { message } of dropped) call.output.note(`dropped a signature of ${name}: ${message}`);
  call.output.line(changed ? `signed ${name} with ${by}` : `nothing to do: ${name} is signed with ${by} already`);
  call.output.object({ file, keys: keys.map(({ id }) => id), changed, dropped: dropped.map(({ message }) => message) });
}

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

/** Adds signatures to those that are good for the same bytes; those of older bytes and of nobody believed are dropped. */
function signDocument(at: Layout, file: string, role: "policy" | "manifest", keys: readonly SecretKey[]): Signed {
  const { hasher, signer } = openCrypto();
  const endorsing = endorse(role, readInput(file, `the ${role}`), keys, hasher, signer);
  const [fresh] = demand(readSignatures(endorsing, file, role), EXIT.refused);
  const written = readIfThere(`${file}.sig`);
  const before = written && readSignatures(written, file, role);
  const kept = before?.ok ? before.value.find((each) => each.payload === fresh?.payload) : undefined;
  const { envelope, dropped } = kept ? believedPart(at, kept, role, keys) : { envelope: undefined, dropped: [] };
  const signed = envelope ? demand(cosignAll(envelope, keys, file, signer), EXIT.refused) : fresh;
  return { changed: writeWhole(`${file}.sig`, canonical({ envelopes: [signed] })), dropped };
}

function believedPart(at: Layout, envelope: Envelope, role: Role, keys: readonly SecretKey[]) {
  const { signer } = openCrypto();
  const trust = readTrust(at);
  return trust.size === 0 ? { envelope, dropped: [] } : prune(envelope, role, trustWith(trust, keys, signer), signer);
}

/** Co-signs the newest grant that holds; makes a new one where none does or a new one is asked for. */
function signPlan(at: Layout, file: string, keys: readonly SecretKey[], asked: Asked): Signed {
  const read = demand(readPlanFile(readInput(file, "the plan"), openCrypto().hasher), EXIT.refused);
  const { envelopes, dropped } = grantPlan(at, read, keys, asked);
  return { changed: writeWhole(file, writePlanFile(read.bytes, envelopes)), dropped };
}

function keysFor(call: Call, at: Layout, role: Role): SigningKeys {
  const named = call.value("key");
  const found = signingKeys(at, role, named);
  for (const { id, why } of found.skipped) call.output.note(`key ${id.slice(0, 16)} does not sign because ${why}`);
  if (found.keys.length > 0) return found;
  const of = found.skipped.length > 0 ? "that is trusted here is" : "is";
  const why = named === undefined
    ? `no secret key of the role ${role} ${of} at hand`
    : `${named} has not the role ${role}`;
  throw new RttError(EXIT.refused, [
    issue(
      "key.none",
      `cannot sign because ${why}`,
      `make one with \`rtt keys new --role ${role}\`, or give one with --key`,
    ),
  ]);
}

function noGrant(): RttError {
  return new RttError(EXIT.badInput, [
    issue(
      "usage",
      "cannot run `rtt sign` because --for and --renew are of a plan's grant, and no plan is given",
      "name the plan's file, or leave them out",
    ),
  ]);
}
