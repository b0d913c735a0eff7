/**
 * RTT as a library, for `deno run` with the narrowest permissions. What each function needs stands beside it.
 *
 * @example Check a declaration that is at hand, with no permission but to read RTT's own parts
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
import type { Result } from "./core/errors.ts";
import type { Config } from "./core/model/config.ts";
import type { Plan } from "./core/model/plan.ts";
import { makePlan } from "./core/plan/plan.ts";
import { readPlanFile } from "./core/trust/plan_file.ts";
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

/** Judges CUE text by file name. Needs `--allow-read` of RTT's own folder. */
export async function checkText(files: Readonly<Record<string, string>>): Promise<Result<Config>> {
  const checked = await checkFiles(new Map(Object.entries(files)), openValidator());
  return checked.ok ? { ok: true, value: checked.value.config } : checked;
}

/** Judges a project's folder; throws an `RttError` with every issue. Needs `--allow-read` of it and of RTT's own folder. */
export async function check(dir: string): Promise<Config> {
  return (await openChecked(layout(dir))).config;
}

/**
 * Solves a project's wiring; `"noChange"` when what is committed is what it asks for. Writes nothing. Needs `--allow-read`
 * of the project, of RTT's own folder, of /sys and of the programs that drivers run.
 */
export async function plan(dir: string): Promise<Result<Plan | "noChange">> {
  const { scenario } = await openScenario(layout(dir));
  return makePlan(scenario, await loadHighs(), openCrypto().hasher);
}

/** The plan in the bytes of a plan file, if they are in order. Signatures are judged by a panel, who knows whom it trusts. */
export function readPlan(
  file: Uint8Array,
): Result<{ readonly id: string; readonly plan: Plan; readonly grants: number }> {
  const read = readPlanFile(file, openCrypto().hasher);
  if (!read.ok) return read;
  const { id, plan, envelopes } = read.value;
  return { ok: true, value: { id, plan, grants: envelopes.length } };
}

/**
 * The panel that serves this folder. Needs `--allow-read` and `--allow-write` of its socket, `.rtt/run/panel.sock`, and
 * `--allow-net=localhost:80`, which names the request's host and opens no port.
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
