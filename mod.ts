/**
 * RTT as a library, for `deno run` with the narrowest permissions: beside each function stands what it needs, and nothing
 * else is asked for. It works from a checkout that is built (`./x build` makes `dist/parts` and `wasm/generated`), with the
 * checkout's configuration, which names its packages: `deno run --config RTT/deno.json --no-prompt … program.ts`.
 *
 * In the permissions RTT is the checkout's folder, PROJECT the project's, and NPM the `npmCache` of `deno info --json`.
 *
 * @example Check a declaration that is at hand
 * ```ts
 * import { checkText } from "./mod.ts";
 *
 * const checked = await checkText({
 *   "panel.cue": `package panel
 *
 * panel: name: "cell7"
 * contracts: load: version: "1.0.0"
 * drivers: gen: {run: ["rtt:gen"], out: load: "load@1.0.0"}
 * drivers: sink: {run: ["rtt:sink"], in: load: "load@^1.0"}
 * routes: load: {from: "gen/load", to: "sink/laod"}
 * policy: allow: [{from: "gen/*", to: "sink/*"}]
 * `,
 * });
 * if (checked.ok) throw new Error("the route's end is misspelt");
 * console.log(checked.issues[0]?.where?.line, checked.issues[0]?.remedy);
 * ```
 *
 * @module
 */
import { openLog } from "./core/apply/wal.ts";
import { ok, type Result } from "./core/errors.ts";
import type { Config } from "./core/model/config.ts";
import { EMPTY_GRAPH } from "./core/model/graph.ts";
import type { Hash, PlanId } from "./core/model/names.ts";
import type { Plan } from "./core/model/plan.ts";
import { makePlan } from "./core/plan/plan.ts";
import { admit, believe } from "./core/trust/admit.ts";
import { type KeyId, parseTrustRoot } from "./core/trust/keys.ts";
import { graphHash, readPlanFile } from "./core/trust/plan_file.ts";
import { openCrypto } from "./cli/adapters/crypto.ts";
import { loadHighs } from "./cli/adapters/solver.ts";
import { type Client, openClient } from "./cli/client.ts";
import { layout } from "./cli/layout.ts";
import { checkFiles } from "./cli/project/check.ts";
import { openChecked, openValidator } from "./cli/project/open.ts";
import { openScenario } from "./cli/project/scenario.ts";

export type { Issue, Result } from "./core/errors.ts";
export type { Config } from "./core/model/config.ts";
export type { Plan } from "./core/model/plan.ts";
export type { Status } from "./core/observe/status.ts";
export type { Client } from "./cli/client.ts";
export { ROUTES } from "./cli/client.ts";

/** Judges CUE text by file name. Needs `--allow-read=RTT/dist/parts/cue.wasm`. */
export async function checkText(files: Readonly<Record<string, string>>): Promise<Result<Config>> {
  const checked = await checkFiles(new Map(Object.entries(files)), openValidator());
  return checked.ok ? { ok: true, value: checked.value.config } : checked;
}

/** Judges a project's folder; throws an `RttError` with every issue. Needs `--allow-read=RTT/dist/parts/cue.wasm,PROJECT`. */
export async function check(dir: string): Promise<Config> {
  return (await openChecked(layout(dir))).config;
}

/**
 * Solves a project's wiring for the host of `facts`, the file of `rtt scan --export`; `"noChange"` when what is committed
 * there is what it asks for. Writes nothing. Without `facts` this host is asked, and Deno lets nobody read /sys and /proc
 * who has not `--allow-all`. Needs
 * `--allow-read=RTT/dist/parts/cue.wasm,RTT/dist/parts/rtt_wasm.wasm,NPM,PROJECT,FACTS`.
 */
export async function plan(dir: string, facts?: string): Promise<Result<Plan | "noChange">> {
  const { scenario } = await openScenario(layout(dir), facts);
  return makePlan(scenario, await loadHighs(), openCrypto().hasher);
}

/**
 * The plan in the bytes of a plan file, if they are in order; `verify` says whether its grants are, too. Needs
 * `--allow-read=RTT/dist/parts/rtt_wasm.wasm`.
 */
export function readPlan(
  file: Uint8Array,
): Result<{ readonly id: string; readonly plan: Plan; readonly grants: number }> {
  const read = readPlanFile(file, openCrypto().hasher);
  if (!read.ok) return read;
  const { id, plan, envelopes } = read.value;
  return { ok: true, value: { id, plan, grants: envelopes.length } };
}

/** Whether policy allows a link is left to the panel. */
const ALL = { allow: [{ from: "*/*", to: "*/*", why: null }], deny: [] };

/** Where and when a plan is to be applied. */
export interface Here {
  readonly panel: string;
  /** What is committed there, as `rtt status --json` says it; none: the empty graph. */
  readonly base?: { readonly plan: string | null; readonly graph: string; readonly serial: number };
  readonly now: Date;
  /** Distinct keys that have to sign a plan, as policy says; 1 if it says nothing. */
  readonly threshold?: number;
}

export interface Verified {
  readonly id: string;
  readonly plan: Plan;
  /** Ids of the keys that granted it. */
  readonly signers: readonly KeyId[];
  readonly serial: number;
  /** It is the committed plan: to apply it repairs drift, or does nothing. */
  readonly again: boolean;
}

/**
 * Whether a panel would admit this plan file: its bytes, every signature, the roles, the panel, the base, serial and window.
 * `trust` is the JSON of `.rtt/trust.json`. Whether policy allows it, and whether policy, manifests and drivers on the disk are
 * those that the plan was made for, is left to the panel, which has them. Needs `--allow-read=RTT/dist/parts/rtt_wasm.wasm`.
 */
export function verify(file: Uint8Array, trust: unknown, { panel, base, now, threshold = 1 }: Here): Result<Verified> {
  const { hasher, signer } = openCrypto();
  const root = parseTrustRoot(trust, "trust.json", hasher, signer);
  if (!root.ok) return root;
  const read = readPlanFile(file, hasher);
  if (!read.ok) return read;
  const { policy, manifests, closures } = read.value.plan.gates;
  const { plan, graph, serial } = base ?? { plan: null, graph: graphHash(EMPTY_GRAPH, hasher), serial: 0 };
  const committed = { plan: plan as PlanId | null, graph: graph as Hash, serial };
  const gates = { policy, manifests, closures, access: ALL, network: [], networked: [] };
  const believed = believe(read.value, root.value, signer);
  if (!believed.ok) return believed;
  const admission = admit(believed.value, { panel, committed, nowMs: now.getTime(), threshold, ...gates });
  if (!admission.ok) return admission;
  const { admitted, again } = admission.value;
  return ok({
    id: admitted.id,
    plan: admitted.plan,
    signers: admitted.signers,
    serial: admitted.grant.serial,
    again,
  });
}

/**
 * Checks the chain of a log, the bytes of `.rtt/wal/log`, as `rtt wal verify` does. Needs
 * `--allow-read=RTT/dist/parts/rtt_wasm.wasm`.
 */
export function verifyLog(
  log: Uint8Array,
): Result<{ readonly records: number; readonly seq: number; readonly root: string }> {
  const opened = openLog(log, openCrypto().hasher);
  if (!opened.ok) return opened;
  const { records, seq, root } = opened.value;
  return ok({ records: records.length, seq, root });
}

/**
 * The panel that serves this folder. Needs `--allow-read=PROJECT/.rtt/run/panel.sock`,
 * `--allow-write=PROJECT/.rtt/run/panel.sock`, and `--allow-net=localhost:80`, which names the request's host and opens no
 * port.
 *
 * @example
 * ```ts ignore
 * using panel = connect("/srv/cell7");
 * const status = await panel.get(ROUTES.status) as Status;
 * ```
 */
export function connect(dir: string): Client {
  return openClient(dir);
}
