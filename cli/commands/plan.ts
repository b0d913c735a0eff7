import { exitOf } from "../../core/codes.ts";
import { EXIT, type ExitCode, type Result, RttError } from "../../core/errors.ts";
import type { Envelope, Plan } from "../../core/model/plan.ts";
import { waiverWarnings } from "../../core/model/waiver.ts";
import { show } from "../../core/plan/explain.ts";
import { makePlan } from "../../core/plan/plan.ts";
import { showWords } from "../../core/plan/words.ts";
import { canonical } from "../../core/trust/canonical.ts";
import { planId, type ReadPlan, readPlanFile, writePlanFile } from "../../core/trust/plan_file.ts";
import { openCrypto } from "../adapters/crypto.ts";
import { loadHighs } from "../adapters/solver.ts";
import type { Call, Command } from "../command.ts";
import { readIfThere, writeWhole } from "../files.ts";
import { type Layout, layout } from "../layout.ts";
import { terminalWidth } from "../output.ts";
import { type Asked, askedOf, grantPlan, isGranted } from "../project/grant.ts";
import { signingKeys } from "../project/keyring.ts";
import { demandMirrors } from "../project/mirrors.ts";
import { demandPromises } from "../project/promises.ts";
import { openScenario } from "../project/scenario.ts";

export const command: Command = {
  name: "plan",
  operands: "",
  arity: [0, 0],
  summary: "solve the wiring, write plans/<id>.json, and grant it if a key is at hand",
  options: [
    { name: "facts", value: "FILE", help: "plan for the host of this `rtt scan --export`" },
    { name: "no-sign", help: "write the plan without adding a grant" },
    { name: "key", value: "FILE", help: "the secret key that grants it (default: those of .rtt/keys)" },
    { name: "for", value: "TIME", help: "make a new grant that holds so long: 30m, 12h, 7d (default 24h)" },
    { name: "detailed-exitcode", help: "exit 10 when the plan changes something" },
  ],
  examples: ["rtt plan", "rtt plan --no-sign", "rtt plan --facts robot-facts.json --json"],
  async run(call: Call): Promise<ExitCode> {
    const at = layout(call.dir);
    const { hasher } = openCrypto();
    const asked = askedOf(call.value("for"), false);
    const { scenario, checked, committed } = await openScenario(at, call.value("facts"));
    demandPromises(scenario.config, at, committed);
    demandMirrors(checked, at);
    call.output.warnings(waiverWarnings(checked.config.policy, Date.now()));
    const plan = demand(makePlan(scenario, await loadHighs(), hasher));
    if (plan === "noChange") {
      call.output.line("nothing to do: what is committed is what the configuration asks for");
      call.output.object({ changes: 0, plan: null });
      return EXIT.done;
    }
    const read = written(call, at, plan, { asked, serial: committed.serial });
    const file = at.plan(read.id);
    const shown = show(plan);
    for (const line of showWords(shown, { id: read.id, width: terminalWidth() })) call.output.line(line);
    const granted = isGranted(read, read.envelopes, committed.serial);
    if (!granted) call.output.note(`not granted yet: sign it with \`rtt sign ${file}\``);
    call.output.line(file);
    call.output.object({ id: read.id, file, granted, ...shown });
    return call.has("detailed-exitcode") ? EXIT.pending : EXIT.done;
  },
};

/** A grant as it is asked for, and the last serial on the host that it is for. */
interface Wanted {
  readonly asked: Asked;
  readonly serial: number;
}

/** A plan of the same bytes that is there already keeps its grants: others may have signed it. */
function written(call: Call, at: Layout, plan: Plan, wanted: Wanted): ReadPlan {
  const { hasher } = openCrypto();
  const bytes = canonical(plan);
  const file = at.plan(planId(bytes, hasher));
  const there = readIfThere(file);
  const before = there && readPlanFile(there, hasher);
  const read = before?.ok ? before.value : demand(readPlanFile(writePlanFile(bytes, []), hasher));
  const envelopes = call.has("no-sign") ? read.envelopes : grants(call, at, read, wanted);
  writeWhole(file, writePlanFile(bytes, envelopes));
  return { ...read, envelopes };
}

function grants(call: Call, at: Layout, read: ReadPlan, { asked, serial }: Wanted): readonly Envelope[] {
  const { keys, skipped } = signingKeys(at, "plan", call.value("key"));
  for (const { id, why } of skipped) call.output.note(`key ${id.slice(0, 16)} does not sign because ${why}`);
  if (keys.length === 0) return read.envelopes;
  const { envelopes, dropped } = grantPlan(at, read, keys, asked, serial);
  for (const { message } of dropped) call.output.note(`dropped a signature of the plan: ${message}`);
  return envelopes;
}

function demand<T>(result: Result<T>): T {
  if (!result.ok) throw new RttError(exitOf(result.issues), result.issues);
  return result.value;
}
