/**
 * A tiny exact solver: depth first over all variables, with bounds on each row and on the objective. It needs nothing and
 * is slow; tests use it where the real solver must not be, and to check the real one.
 */
import type { Program, Row, Solution, Solver } from "../ports.ts";

/** Assignments tried before it gives up. */
const MOST_STEPS = 4_000_000;

export function exhaustiveSolver(mostSteps: number = MOST_STEPS): Solver {
  return { name: "exhaustive 1", solve: (program) => new Search(program, mostSteps).run() };
}

interface Bounded {
  readonly row: Row;
  /** Least and greatest value that the row's sum can still have. */
  least: number;
  greatest: number;
}

class Search {
  private readonly rows: Bounded[];
  /** By variable: the rows that it is in, with its coefficient. */
  private readonly uses: { bounded: Bounded; coefficient: number }[][];
  private readonly cost: number[];
  private readonly values: number[];
  private best: number[] | undefined;
  private bestCost = Infinity;
  private steps = 0;

  constructor(program: Program, private readonly mostSteps: number) {
    const count = program.variables.length;
    this.cost = new Array<number>(count).fill(0);
    for (const [variable, coefficient] of program.objective) {
      this.cost[variable] = (this.cost[variable] ?? 0) + coefficient;
    }
    this.values = new Array<number>(count).fill(0);
    this.uses = Array.from({ length: count }, () => []);
    this.rows = program.rows.map((row) => {
      const bounded = { row, least: 0, greatest: 0 };
      for (const [variable, coefficient] of row.terms) {
        this.uses[variable]?.push({ bounded, coefficient });
        bounded.least += Math.min(0, coefficient);
        bounded.greatest += Math.max(0, coefficient);
      }
      return bounded;
    });
  }

  run(): Solution {
    const least = this.cost.reduce((sum, each) => sum + Math.min(0, each), 0);
    if (this.rows.every(possible)) this.descend(0, least);
    if (this.steps > this.mostSteps) return { status: "limit" };
    return this.best ? { status: "optimal", values: this.best, objective: this.bestCost } : { status: "infeasible" };
  }

  private descend(variable: number, least: number): void {
    if (least >= this.bestCost || ++this.steps > this.mostSteps) return;
    if (variable === this.values.length) {
      this.best = [...this.values];
      this.bestCost = least;
      return;
    }
    for (const value of [0, 1]) {
      this.values[variable] = value;
      this.fix(variable, value, 1);
      if (this.uses[variable]?.every(({ bounded }) => possible(bounded))) {
        const cost = this.cost[variable] ?? 0;
        this.descend(variable + 1, least + cost * value - Math.min(0, cost));
      }
      this.fix(variable, value, -1);
    }
  }

  /** Narrows the bounds of a variable's rows (`sign` 1), or widens them back (−1). */
  private fix(variable: number, value: number, sign: number): void {
    for (const { bounded, coefficient } of this.uses[variable] ?? []) {
      bounded.least += sign * (coefficient * value - Math.min(0, coefficient));
      bounded.greatest += sign * (coefficient * value - Math.max(0, coefficient));
    }
  }
}

function possible({ row, least, greatest }: Bounded): boolean {
  if (row.sense !== ">=" && least > row.rhs) return false;
  return row.sense === "<=" || greatest >= row.rhs;
}
