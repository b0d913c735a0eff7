/**
 * Plans, word for word: what `rtt plan`, `rtt show` and `rtt explain` say of the rover's twelve drivers on machines of one
 * and two nodes, and of a project that no machine of that size can hold.
 * After a change of the words, `RTT_GOLDEN=write deno test -A tests/golden/plan.test.ts` writes them anew, for review.
 */
import { assertEquals } from "@std/assert";
import { openCrypto } from "../../cli/adapters/crypto.ts";
import { cueValidator } from "../../cli/adapters/cue.ts";
import { loadHighs } from "../../cli/adapters/solver.ts";
import { problemText } from "../../cli/output.ts";
import { readPart } from "../../cli/parts.ts";
import { checkProject } from "../../cli/project/check.ts";
import { exitOf } from "../../core/codes.ts";
import { EXIT, type Result } from "../../core/errors.ts";
import type { Plan } from "../../core/model/plan.ts";
import type { Topology } from "../../core/model/topology.ts";
import { explain, show } from "../../core/plan/explain.ts";
import { draftPlan } from "../../core/plan/plan.ts";
import { scenario } from "../../core/plan/testing.ts";
import { explainWords, showWords } from "../../core/plan/words.ts";
import { ONE_NODE, TWO_CPUS_APART, TWO_SOCKETS } from "../fixtures/topology/machines.ts";

const WRITE = Deno.env.get("RTT_GOLDEN") === "write";
const SCREEN = { width: 100 };
const rover = new URL("../fixtures/twelve-drivers", import.meta.url).pathname;
const validator = cueValidator(() => readPart("cue.wasm"));
const solver = await loadHighs();

async function plannedOn(dir: string, host: Topology): Promise<Result<Plan>> {
  const checked = await checkProject(dir, validator, null);
  if (!checked.ok) return checked;
  return draftPlan(scenario(checked.value.config, host, solver.name), solver, openCrypto().hasher);
}

function assertGolden(name: string, lines: readonly string[]): void {
  const file = new URL(`plan/${name}.txt`, import.meta.url);
  const said = `${lines.join("\n")}\n`;
  if (WRITE) Deno.writeTextFileSync(file, said);
  assertEquals(said, Deno.readTextFileSync(file));
}

for (const [name, host] of Object.entries({ ONE_NODE, TWO_CPUS_APART, TWO_SOCKETS })) {
  const file = name.toLowerCase().replaceAll("_", "-");

  Deno.test(`plan: the rover on ${file}`, async () => {
    const plan = await plannedOn(rover, host);
    if (!plan.ok) throw new Error(plan.issues.map((each) => problemText(each)).join("\n"));
    const told = plan.value.reasons.map(({ route }) => explain(plan.value, route));
    assertGolden(file, [
      ...showWords(show(plan.value), { ...SCREEN, id: null }),
      ...told.flatMap((each) => each ? ["", ...explainWords(each, SCREEN)] : []),
    ]);
  });
}

Deno.test("plan: what no placement can hold is bad input, in the words of the project", async () => {
  const plan = await plannedOn(new URL("plan/infeasible", import.meta.url).pathname, TWO_CPUS_APART);
  const issues = plan.ok ? [] : plan.issues;
  assertGolden("infeasible/expected", issues.map((each) => problemText(each)));
  assertEquals(exitOf(issues), EXIT.badInput);
});
