import { exitOf } from "../../core/codes.ts";
import { EXIT, type ExitCode, type Result, RttError } from "../../core/errors.ts";
import type { Envelope, Plan } from "../../core/model/plan.ts";
import { show } from "../../core/plan/explain.ts";
import { makePlan } from "../../core/plan/plan.ts";
import { showWords } from "../../core/plan/words.ts";
import { canonical } from "../../core/trust/canonical.ts";
import { type ReadPlan, readPlanFile, writePlanFile } from "../../core/trust/plan_file.ts";
import { openCrypto } from "../adapters/crypto.ts";
import { loadHighs } from "../adapters/solver.ts";
import type { Call, Command } from "../command.ts";
import { writeWhole } from "../files.ts";
import { type Layout, layout } from "../layout.ts";
import { terminalWidth } from "../output.ts";
import { grantPlan } from "../project/grant.ts";
import { secretKeys } from "../project/keyring.ts";
import { demandPromises } from "../project/promises.ts";
import { openScenario } from "../project/scenario.ts";

export const command: Command = {
  name: "plan",
  operands: "",
  arity: [0, 0],
  summary: "solve the wiring, write plans/<id>.json, and grant it if a key is at hand",
  options: [
    { name: "facts", value: "FILE", help: "plan for the host of this `rtt scan --export`" },
    { name: "no-sign", help: "write the plan without a grant" },
    { name: "key", value: "FILE", help: "the secret key that grants it (default: those of .rtt/keys)" },
    { name: "for", value: "TIME", help: "how long the grant holds: 30m, 12h, 7d (default 24h)" },
    { name: "detailed-exitcode", help: "exit 10 when the plan changes something" },
  ],
  examples: ["rtt plan", "rtt plan --no-sign", "rtt plan --facts robot-facts.json --json"],
  async run(call: Call): Promise<ExitCode> {
    const at = layout(call.dir);
    const { hasher } = openCrypto();
    const { scenario } = await openScenario(at, call.value("facts"));
    demandPromises(scenario.config, at);
    const plan = demand(makePlan(scenario, await loadHighs(), hasher));
    if (plan === "noChange") {
      call.output.line("nothing to do: what is committed is what the configuration asks for");
      call.output.object({ changes: 0, plan: null });
      return EXIT.done;
    }
    const read = written(call, at, plan);
    const file = at.plan(read.id);
    const shown = show(plan);
    for (const line of showWords(shown, { id: read.id, width: terminalWidth() })) call.output.line(line);
    if (read.envelopes.length === 0) call.output.note("not granted yet: sign it with `rtt sign`");
    call.output.line(file);
    call.output.object({ id: read.id, file, granted: read.envelopes.length > 0, ...shown });
    return call.has("detailed-exitcode") ? EXIT.pending : EXIT.done;
  },
};

function written(call: Call, at: Layout, plan: Plan): ReadPlan {
  const bytes = canonical(plan);
  const bare = demand(readPlanFile(writePlanFile(bytes, []), openCrypto().hasher));
  const envelopes = call.has("no-sign") ? [] : grants(call, at, bare);
  writeWhole(at.plan(bare.id), writePlanFile(bytes, envelopes));
  return { ...bare, envelopes };
}

function grants(call: Call, at: Layout, read: ReadPlan): readonly Envelope[] {
  const keys = secretKeys(at, "plan", call.value("key"));
  return keys.length === 0 ? [] : [grantPlan(at, read, keys, call.value("for"))];
}

function demand<T>(result: Result<T>): T {
  if (!result.ok) throw new RttError(exitOf(result.issues), result.issues);
  return result.value;
}
