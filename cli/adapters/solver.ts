/**
 * `Solver` by HiGHS in wasm. It is loaded when something is planned and not before. Its options leave nothing to chance:
 * one thread, a fixed seed, no gap, limits in nodes and never in seconds. An answer counts only when its status says
 * optimal (or infeasible, which binary variables can't be by running away) and every value is 0 or 1; text that HiGHS
 * can't read is not an error to it, and so nothing else is believed.
 */
import type { Highs, LegacyHighsSolution } from "highs";
import { assert } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { lpText } from "../../core/plan/lp.ts";
import type { Program, Solution, Solver } from "../../core/ports.ts";
import { readPart } from "../parts.ts";

const VERSION = "1.15.3";
/** Name and version, as in a plan's inputs; known without loading the solver. */
export const HIGHS_NAME = `highs ${VERSION}`;

/** How far from a whole number a value may be: HiGHS works in floating point. */
const INTEGRALITY = 1e-5;

const OPTIONS = {
  output_flag: false,
  threads: 1,
  parallel: "off",
  random_seed: 0,
  mip_rel_gap: 0,
  mip_abs_gap: 0,
  // What these find is found by branching as well, on models of this size sooner.
  mip_heuristic_effort: 0,
  mip_detect_symmetry: false,
  mip_allow_restart: false,
} as const;

let loaded: Promise<Solver> | undefined;

/** Made once; takes 35 to 110 ms. */
export function loadHighs(): Promise<Solver> {
  return loaded ??= load();
}

async function load(): Promise<Solver> {
  // Only a literal is seen by `deno compile`, which puts the package into the executable; its wasm is there as a part.
  const imported = await import("highs");
  // The package's types are those of its CommonJS form; what Deno imports is its ES module, whose default is the loader.
  const highsLoader = imported.default as unknown as typeof imported.default.default;
  // The types know only half of what the loader takes.
  const options: object = Deno.build.standalone ? { instantiateWasm: instantiatePart } : {};
  const highs = await highsLoader(options);
  return { name: HIGHS_NAME, solve: (program) => solve(highs, program) };
}

/** The package's loader would look for its wasm beside itself; in the executable it is a part. */
function instantiatePart(imports: WebAssembly.Imports, receive: (instance: WebAssembly.Instance) => void): object {
  WebAssembly.instantiate(readPart("highs.wasm"), imports).then(({ instance }) => receive(instance));
  return {};
}

function solve(highs: Highs, program: Program): Solution {
  const trivial = withoutVariables(program);
  if (trivial) return trivial;
  const nodes = Math.ceil(LIMITS.plan.mipWork / program.variables.length);
  const answer = highs.solve(lpText(program), { ...OPTIONS, mip_max_nodes: nodes });
  switch (answer.Status) {
    case "Optimal":
      return optimal(program, answer);
    case "Infeasible":
    // Binary variables can't be unbounded.
    case "Primal infeasible or unbounded":
      return { status: "infeasible" };
    case "Iteration limit reached":
    case "Bound on objective reached":
    case "Target for objective reached":
    case "Unknown":
      return { status: "limit" };
    default:
      // "Solution limit reached" and others that are not in the package's types.
      if (/limit/i.test(answer.Status)) return { status: "limit" };
      throw new Error(`bug: HiGHS says "${answer.Status}" to a program of ${program.rows.length} rows`);
  }
}

/** Rows without terms hold or don't, whatever is chosen; HiGHS is not asked about a program of nothing else. */
function withoutVariables(program: Program): Solution | undefined {
  const broken = program.rows.some(({ terms, sense, rhs }) =>
    terms.length === 0 && !(sense === "<=" ? 0 <= rhs : sense === ">=" ? 0 >= rhs : rhs === 0)
  );
  if (broken) return { status: "infeasible" };
  return program.variables.length === 0 ? { status: "optimal", values: [], objective: 0 } : undefined;
}

function optimal(program: Program, answer: LegacyHighsSolution): Solution {
  const columns: Readonly<Record<string, { readonly Index: number }>> = answer.Columns;
  assert(Object.keys(columns).length === program.variables.length, "HiGHS read every variable");
  const values = program.variables.map((_, at) => {
    const column = columns[`x${at}`];
    const value = column && "Primal" in column && typeof column.Primal === "number" ? column.Primal : NaN;
    const whole = Math.round(value);
    return Math.abs(value - whole) <= INTEGRALITY && (whole === 0 || whole === 1) ? whole : NaN;
  });
  if (values.some(Number.isNaN)) return { status: "limit" };
  const objective = program.objective.reduce((sum, [variable, each]) => sum + each * (values[variable] ?? 0), 0);
  return { status: "optimal", values, objective };
}
