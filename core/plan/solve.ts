/**
 * The stages, one after the other, each minimised and then kept. An answer is used only when every row holds for it in
 * whole numbers, its objective is what it says, and `judge` finds no fault; anything else, and anything too large, is
 * searched instead. Cycles that depend on choices are forbidden when they turn up.
 */
import { assert, type Issue, issue, ok, refuse, type Result } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Row, Solution, Solver } from "../ports.ts";
import { conflictIssue } from "./conflict.ts";
import { type Model, modelOf, programOf, type TaggedRow } from "./model.ts";
import { type Decision, faultsOf, type Objective, objectiveOf, type Problem } from "./problem.ts";
import { SEARCH_NAME, searchDecision } from "./search.ts";
import type { Stage, Term } from "./terms.ts";

export interface Solved {
  readonly decision: Decision;
  readonly objective: Objective;
  /** True: proved best in every stage. False: found by search. */
  readonly exact: boolean;
  /** What decided. */
  readonly solver: string;
}

export function solveProblem(problem: Problem, solver: Solver): Result<Solved> {
  const model = sizeOf(problem) > LIMITS.plan.exactVariables ? undefined : modelOf(problem);
  if (!model || model.variables.length > LIMITS.plan.exactVariables) return searched(problem);
  const answer = new Staged(problem, model, solver).run();
  switch (answer.kind) {
    case "conflict":
      return refuse(answer.issue);
    case "given up":
      return searched(problem);
    case "decided": {
      const { decision } = answer;
      return ok({ decision, objective: objectiveOf(problem, decision), exact: true, solver: solver.name });
    }
  }
}

function searched(problem: Problem): Result<Solved> {
  const decision = searchDecision(problem);
  if (decision) return ok({ decision, objective: objectiveOf(problem, decision), exact: false, solver: SEARCH_NAME });
  const message = "cannot plan because a search found no placement in which every driver has room and every rule holds";
  return refuse(issue("plan.noRoom", message, "lower `load`s, take drivers away, or plan for a larger host"));
}

/** A lower bound of the model's size, so that a huge one is not even built. */
function sizeOf({ wanted, drivers, groups }: Problem): number {
  return wanted.reduce((sum, each) => sum + each.pairs.length, 0) + drivers.length * groups.length;
}

type Answer =
  | { readonly kind: "decided"; readonly decision: Decision }
  | { readonly kind: "conflict"; readonly issue: Issue }
  | { readonly kind: "given up" };

class Staged {
  private readonly cuts: TaggedRow[] = [];
  private readonly kept: Row[] = [];

  constructor(private readonly problem: Problem, private readonly model: Model, private readonly solver: Solver) {}

  run(): Answer {
    if (this.model.variables.length === 0) return { kind: "decided", decision: { pair: [], group: [] } };
    let current: { values: readonly number[]; decision: Decision } | undefined;
    for (const stage of this.model.stages) {
      const reached = current ? sum(stage.terms, current.values) : Infinity;
      if (reached > leastOf(stage.terms, current !== undefined)) {
        const found = this.stage(stage);
        if (found === "infeasible") {
          if (current) return { kind: "given up" };
          return { kind: "conflict", issue: conflictIssue(this.problem, this.rows(), this.model, this.solver) };
        }
        if (!found) return { kind: "given up" };
        current = found;
      }
      const value = sum(stage.terms, current?.values ?? []);
      if (stage.terms.length > 0) {
        this.kept.push({ name: `keep ${stage.name}`, terms: stage.terms, sense: "<=", rhs: value });
      }
    }
    assert(current !== undefined, "there is at least one stage");
    return { kind: "decided", decision: current.decision };
  }

  private rows(): readonly TaggedRow[] {
    return [...this.model.rows, ...this.cuts];
  }

  /** The best of one stage that has no cycle. */
  private stage(stage: Stage): { values: readonly number[]; decision: Decision } | "infeasible" | undefined {
    while (this.cuts.length <= LIMITS.plan.cycleCuts) {
      const rows = [...this.rows().map((each) => each.row), ...this.kept];
      const solution = this.solver.solve(programOf(this.model, rows, stage.terms));
      if (solution.status === "infeasible") return "infeasible";
      const values = checkedValues(solution, rows, stage.terms, this.model.variables.length);
      if (!values) return undefined;
      const decision = this.model.decode(values);
      const faults = faultsOf(this.problem, decision);
      const cycles = faults.flatMap((each) => each.kind === "cycle" ? [each.cycle] : []);
      if (cycles.length < faults.length) return undefined;
      if (cycles.length === 0) return this.agrees(stage, values, decision) ? { values, decision } : undefined;
      for (const cycle of cycles) this.cuts.push(this.model.cut(cycle, decision));
    }
    return undefined;
  }

  /** The model's figure for a stage is the objective's own, worked out from the decision alone. */
  private agrees(stage: Stage, values: readonly number[], decision: Decision): boolean {
    if (stage.name === "tie") return true;
    const { latencyMilli, crossNode, churn } = objectiveOf(this.problem, decision);
    const meant = { latency: latencyMilli, crossNode, churn }[stage.name];
    return sum(stage.terms, values) * stage.factor + stage.constant === meant;
  }
}

/** The values of an optimal solution that holds in whole numbers; undefined for every other answer. */
export function checkedValues(
  solution: Solution,
  rows: readonly Row[],
  objective: readonly Term[],
  variables: number,
): readonly number[] | undefined {
  if (solution.status !== "optimal" || solution.values.length !== variables) return undefined;
  if (!solution.values.every((each) => each === 0 || each === 1)) return undefined;
  if (sum(objective, solution.values) !== solution.objective) return undefined;
  return rows.every((row) => holds(row, solution.values)) ? solution.values : undefined;
}

function holds({ terms, sense, rhs }: Row, values: readonly number[]): boolean {
  const value = sum(terms, values);
  switch (sense) {
    case "<=":
      return value <= rhs;
    case ">=":
      return value >= rhs;
    case "=":
      return value === rhs;
  }
}

function sum(terms: readonly Term[], values: readonly number[]): number {
  return terms.reduce((total, [variable, coefficient]) => total + coefficient * (values[variable] ?? 0), 0);
}

/** What no assignment can be below. A first stage is solved whatever its terms are: it finds out what is feasible. */
function leastOf(terms: readonly Term[], solved: boolean): number {
  return solved ? terms.reduce((total, [, coefficient]) => total + Math.min(0, coefficient), 0) : -Infinity;
}
