import { exitOf } from "../../core/codes.ts";
import { EXIT, type ExitCode, issue, RttError } from "../../core/errors.ts";
import { suggestion } from "../../core/model/nearest.ts";
import { parseRouteName } from "../../core/model/names.ts";
import type { Plan } from "../../core/model/plan.ts";
import { explain } from "../../core/plan/explain.ts";
import { draftPlan } from "../../core/plan/plan.ts";
import { explainWords } from "../../core/plan/words.ts";
import { readPlanFile } from "../../core/trust/plan_file.ts";
import { openCrypto } from "../adapters/crypto.ts";
import { loadHighs } from "../adapters/solver.ts";
import type { Call, Command } from "../command.ts";
import { readInput } from "../files.ts";
import { layout } from "../layout.ts";
import { terminalWidth } from "../output.ts";
import { inFile } from "../project/located.ts";
import { openScenario } from "../project/scenario.ts";

export const command: Command = {
  name: "explain",
  operands: "ROUTE",
  arity: [1, 1],
  summary: "why a route is wired as it is, and what else was possible",
  options: [
    { name: "plan", value: "FILE", help: "of this plan (default: of what `rtt plan` would decide now)" },
    { name: "facts", value: "FILE", help: "plan for the host of this `rtt scan --export`" },
  ],
  examples: ["rtt explain control", "rtt explain control --plan plans/3f9c….json"],
  async run(call: Call): Promise<ExitCode> {
    const plan = await decided(call);
    const [word = ""] = call.operands;
    const route = parseRouteName(word);
    const explanation = route && explain(plan, route);
    if (!explanation) {
      throw new RttError(EXIT.badInput, [
        issue(
          "route.unknown",
          `cannot explain \`${word}\` because the plan has no such route`,
          suggestion(word, plan.reasons.map((each) => each.route), "it has no route at all"),
        ),
      ]);
    }
    for (const line of explainWords(explanation, { width: terminalWidth() })) call.output.line(line);
    call.output.object(explanation);
    return EXIT.done;
  },
};

async function decided(call: Call): Promise<Plan> {
  const { hasher } = openCrypto();
  const file = call.value("plan");
  if (file !== undefined) {
    const read = readPlanFile(readInput(file, "the plan"), hasher);
    if (!read.ok) throw new RttError(EXIT.badInput, inFile(file, read.issues));
    return read.value.plan;
  }
  const { scenario } = await openScenario(layout(call.dir), call.value("facts"));
  const plan = draftPlan(scenario, await loadHighs(), hasher);
  if (!plan.ok) throw new RttError(exitOf(plan.issues), plan.issues);
  return plan.value;
}
