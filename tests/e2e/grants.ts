/** Grants as somebody with a key of the project could make them, right ones and wrong ones. */
import { assert } from "@std/assert";
import { openCrypto } from "../../cli/adapters/crypto.ts";
import { layout } from "../../cli/layout.ts";
import { readCommitted } from "../../cli/project/committed.ts";
import { secretKeys, signingKeys } from "../../cli/project/keyring.ts";
import type { Envelope, Grant } from "../../core/model/plan.ts";
import { seal } from "../../core/trust/envelope.ts";
import type { Role, SecretKey } from "../../core/trust/keys.ts";
import { type ReadPlan, readPlanFile, writePlanFile } from "../../core/trust/plan_file.ts";
import type { Project } from "./project.ts";

const HOUR_MS = 3_600_000;

export function readPlan(path: string): ReadPlan {
  const read = readPlanFile(Deno.readFileSync(path), openCrypto().hasher);
  assert(read.ok, `${path} is no plan`);
  return read.value;
}

/** Secret keys at hand, whoever believes them. */
export function keys(project: Project, role: Role = "plan"): readonly SecretKey[] {
  return secretKeys(layout(project.dir), role);
}

function trustedKeys(project: Project): readonly SecretKey[] {
  return signingKeys(layout(project.dir), "plan").keys;
}

/** A grant that is good now, but for what is said otherwise. */
export function grantOf(
  project: Project,
  path: string,
  otherwise: Partial<Grant> = {},
  by = trustedKeys(project),
): Envelope {
  const { id, plan } = readPlan(path);
  const { serial } = readCommitted(layout(project.dir));
  const now = Date.now();
  const good = { panel: plan.panel, predecessor: plan.base.plan, serial: serial + 1 };
  const grant: Grant = { ...good, notBefore: now - HOUR_MS, notAfter: now + HOUR_MS, ...otherwise };
  return seal("plan", id, grant, by, openCrypto().signer);
}

/** The bytes of the plan file with these grants and no others. */
export function granted(path: string, envelopes: readonly Envelope[]): Uint8Array {
  return writePlanFile(readPlan(path).bytes, envelopes);
}

/** Gives the plan a new grant with the next serial, in place of those that it had. */
export function renew(project: Project, path: string): void {
  Deno.writeFileSync(path, granted(path, [grantOf(project, path)]));
}
