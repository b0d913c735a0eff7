/** What every `Solver` does: the exhaustive one that tests use, and HiGHS. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { HIGHS_NAME, loadHighs } from "../../cli/adapters/solver.ts";
import { exhaustiveSolver } from "../../core/plan/exhaustive.ts";
import { lpText } from "../../core/plan/lp.ts";
import { checkedValues } from "../../core/plan/solve.ts";
import type { Program, Row, Solver } from "../../core/ports.ts";

const highs = await loadHighs();
const solvers: readonly Solver[] = [exhaustiveSolver(), highs];

const row = (sense: Row["sense"], rhs: number, ...terms: [number, number][]): Row => ({
  name: "row",
  terms,
  sense,
  rhs,
});
const program = (variables: number, objective: Program["objective"], ...rows: Row[]): Program => ({
  variables: Array.from({ length: variables }, (_, at) => `v${at}`),
  objective,
  rows,
});

for (const solver of solvers) {
  const test = (says: string, body: () => void) => Deno.test(`${solver.name}: ${says}`, body);

  test("finds the one optimum", () => {
    const knapsack = program(4, [[0, -5], [1, -4], [2, -3], [3, -1]], row("<=", 7, [0, 4], [1, 3], [2, 4], [3, 1]));
    assertEquals(solver.solve(knapsack), { status: "optimal", values: [1, 1, 0, 0], objective: -9 });
  });

  test("says infeasible, and nothing else, of a contradiction", () => {
    const contradiction = program(2, [[0, 1]], row(">=", 2, [0, 1], [1, 1]), row("<=", 1, [0, 1], [1, 1]));
    assertEquals(solver.solve(contradiction), { status: "infeasible" });
    assertEquals(solver.solve(program(1, [], row("=", 1))), { status: "infeasible" });
  });

  test("solves what has no rows, no objective or no variables", () => {
    assertEquals(solver.solve(program(0, [])), { status: "optimal", values: [], objective: 0 });
    assertEquals(solver.solve(program(2, [[0, -1], [1, 1]])), { status: "optimal", values: [1, 0], objective: -1 });
    const free = solver.solve(program(2, [], row("=", 1, [0, 1], [1, 1])));
    assert(free.status === "optimal" && free.objective === 0);
  });

  test("gives whole numbers that hold in every row, each time the same", () => {
    fc.assert(
      fc.property(programs, (each) => {
        const solution = solver.solve(each);
        assertEquals(solver.solve(each), solution);
        if (solution.status === "infeasible") return;
        assert(checkedValues(solution, each.rows, each.objective, each.variables.length));
      }),
      { numRuns: 60 },
    );
  });
}

const coefficient = fc.integer({ min: -6, max: 6 });
const terms = fc.uniqueArray(fc.tuple(fc.nat(7), coefficient), { selector: ([variable]) => variable, maxLength: 6 });
const programs: fc.Arbitrary<Program> = fc.record({
  objective: terms,
  rows: fc.array(
    fc.record({
      name: fc.constant("row"),
      terms,
      sense: fc.constantFrom("<=" as const, ">=" as const, "=" as const),
      rhs: fc.integer({ min: -8, max: 8 }),
    }),
    { maxLength: 6 },
  ),
}).map(({ objective, rows }) => program(8, objective, ...rows));

Deno.test("both solvers agree on what is feasible and how good the best is", () => {
  const exhaustive = exhaustiveSolver();
  fc.assert(
    fc.property(programs, (each) => {
      const [one, other] = [exhaustive.solve(each), highs.solve(each)];
      assertEquals(one.status, other.status);
      if (one.status === "optimal" && other.status === "optimal") assertEquals(one.objective, other.objective);
    }),
    { numRuns: 300 },
  );
});

Deno.test("an exhaustive solver with too few steps says so", () => {
  assertEquals(exhaustiveSolver(3).solve(program(8, [[0, 1]], row("=", 4, [0, 1], [5, 3], [7, 1]))), {
    status: "limit",
  });
});

Deno.test("the version in a plan's inputs is that of the locked package", async () => {
  const lock = JSON.parse(await Deno.readTextFile(new URL("../../deno.lock", import.meta.url)));
  assertEquals(lock.specifiers[`npm:highs@${HIGHS_NAME.split(" ")[1]}`], HIGHS_NAME.split(" ")[1]);
});

Deno.test("an answer that doesn't hold is never used", () => {
  const rows = [row("=", 1, [0, 1], [1, 1])];
  const objective: [number, number][] = [[0, 2]];
  const good = { status: "optimal" as const, values: [1, 0], objective: 2 };
  assertEquals(checkedValues(good, rows, objective, 2), [1, 0]);
  const bad = [
    { ...good, values: [1, 1], objective: 2 },
    { ...good, values: [0.999999, 0], objective: 2 },
    { ...good, values: [1], objective: 2 },
    { ...good, values: [1, NaN], objective: 2 },
    { ...good, objective: 1 },
    { status: "limit" as const },
  ];
  for (const each of bad) assertEquals(checkedValues(each, rows, objective, 2), undefined);
});

Deno.test("a program's text names each variable once and keeps lines short", () => {
  const wide = program(40, Array.from({ length: 40 }, (_, at): [number, number] => [at, at % 2 ? -at : at]));
  const text = lpText(wide);
  assert(text.split("\n").every((line) => line.length < 200));
  assertEquals(text.match(/\bx39\b/g)?.length, 2);
});
