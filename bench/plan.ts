/** Planning in a warm process, against native HiGHS on the very programs that the planner poses. */
import { openCrypto } from "../cli/adapters/crypto.ts";
import { loadHighs } from "../cli/adapters/solver.ts";
import { layout } from "../cli/layout.ts";
import { openScenario } from "../cli/project/scenario.ts";
import type { Scenario } from "../core/model/scenario.ts";
import { lpText } from "../core/plan/lp.ts";
import { draftPlan } from "../core/plan/plan.ts";
import type { Program, Solver } from "../core/ports.ts";
import { inScratch, interleaved, timed } from "./measure.ts";
import { type NativeHighs, openNativeHighs } from "./native_highs.ts";
import { demoProject, twelveDrivers } from "./projects.ts";
import { absolute, type Bench, compared, type Row } from "./row.ts";

const ROUNDS = 15;

/** Projects that are planned, by the name of their row. */
const PROJECTS = [
  ["plan of the demo", demoProject],
  ["plan of 12 drivers", twelveDrivers],
] as const;

type MakeProject = (typeof PROJECTS)[number][1];

/** Every program that planning this scenario poses, in order. */
function posed(scenario: Scenario, solver: Solver): Program[] {
  const programs: Program[] = [];
  const recording: Solver = {
    name: solver.name,
    solve: (program) => {
      programs.push(program);
      return solver.solve(program);
    },
  };
  plan(scenario, recording);
  return programs;
}

function plan(scenario: Scenario, solver: Solver): void {
  const made = draftPlan(scenario, solver, openCrypto().hasher);
  if (!made.ok) throw new Error(`cannot measure planning because it was refused: ${made.issues[0]?.message}`);
}

async function measured(name: string, make: MakeProject, solver: Solver, native: NativeHighs): Promise<Row> {
  return await inScratch(async (folder) => {
    const { scenario } = await openScenario(layout(await make(folder)));
    const files = posed(scenario, solver).map((program, index) => {
      const file = `${folder}/${index}.lp`;
      Deno.writeTextFileSync(file, lpText(program));
      return file;
    });
    const [value = 0, reference = 0] = await interleaved([
      () => plan(scenario, solver),
      () => files.forEach((file) => native.solve(file)),
    ], ROUNDS);
    return compared(name, "ms", { value, reference, against: "native HiGHS, same programs", mark: "<= 2.5x" });
  });
}

export const planning: Bench = {
  name: "plan",
  says: "planning of the demo and of 12 drivers, in a warm process",
  run: async () => {
    const folder = Deno.env.get("HIGHS_FOLDER");
    if (folder === undefined) throw new Error("cannot measure because HIGHS_FOLDER is not set; remedy: ./x bench plan");
    const native = openNativeHighs(folder);
    let solver: Solver | undefined;
    const load = await timed(async () => solver = await loadHighs());
    if (solver === undefined) throw new Error("bug: HiGHS was loaded and is not there");
    const rows: Row[] = [absolute("HiGHS as wasm, loading", "ms", load)];
    for (const [name, make] of PROJECTS) rows.push(await measured(name, make, solver, native));
    native.close();
    return rows;
  },
};
