/** Planning with the real solver: what it decides is the best, always the same, and never breaks a rule. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { loadHighs } from "../../cli/adapters/solver.ts";
import { openCrypto } from "../../cli/adapters/crypto.ts";
import type { Graph } from "../../core/model/graph.ts";
import type { Change, Plan } from "../../core/model/plan.ts";
import { type Base, EMPTY_BASE, fingerprint } from "../../core/model/scenario.ts";
import { examine } from "../../core/plan/check.ts";
import { applyBatches } from "../../core/plan/diff.ts";
import { minimalConflict } from "../../core/plan/conflict.ts";
import { exhaustiveSolver } from "../../core/plan/exhaustive.ts";
import { distancesOf, groupsOf } from "../../core/plan/groups.ts";
import { type Model, modelOf, programOf, type TaggedRow } from "../../core/plan/model.ts";
import { draftPlan, makePlan } from "../../core/plan/plan.ts";
import { faultsOf, objectiveOf, type Problem, problemOf } from "../../core/plan/problem.ts";
import { searchDecision } from "../../core/plan/search.ts";
import { solveProblem } from "../../core/plan/solve.ts";
import { scenario } from "../../core/plan/testing.ts";
import { canonical, canonicalText } from "../../core/trust/canonical.ts";
import { parsePlan, planId } from "../../core/trust/plan_file.ts";
import { bestByTryingAll, type Case, cases, shuffled } from "./plan_cases.ts";

const solver = await loadHighs();
const { hasher } = openCrypto();

/** A project and, for a base, another one whose plan is committed. */
const changed: fc.Arbitrary<{ each: Case; base: Base }> = fc.tuple(cases, fc.option(cases)).map(([each, before]) => {
  if (!before) return { each, base: EMPTY_BASE };
  const plan = draftPlan(scenario(before.config, each.topology, solver.name), solver, hasher);
  return { each, base: plan.ok ? baseAfter(plan.value) : EMPTY_BASE };
});

function baseAfter(plan: Plan): Base {
  return { plan: planId(canonical(plan), hasher), graph: plan.to, moves: plan.moves, gates: plan.gates };
}

function problemFor({ config, topology }: Case, base: Base): Problem | undefined {
  const { wanted, issues } = examine(config, () => true);
  if (issues.length > 0) return undefined;
  const given = scenario(config, topology, solver.name, base);
  return problemOf(config, wanted, groupsOf(topology), distancesOf(topology), {
    graph: base.graph,
    same: (name, manifest, closure) =>
      given.manifests.get(name) === manifest && given.closures.get(name)?.hash === closure,
  });
}

Deno.test("HiGHS decides what trying everything decides, in every stage", () => {
  let [solvable, contradictory] = [0, 0];
  fc.assert(
    fc.property(changed, ({ each, base }) => {
      const problem = problemFor(each, base);
      if (!problem) return;
      const best = bestByTryingAll(problem);
      const solved = solveProblem(problem, solver);
      assertEquals(solved.ok, best !== undefined);
      if (best) solvable++;
      else contradictory++;
      if (!solved.ok || !best) return;
      assert(solved.value.exact);
      assertEquals(solved.value.objective, best.objective);
      assertEquals(solved.value.decision, best.decision);
    }),
    { numRuns: 120 },
  );
  // The generator would be of no use if it made only one kind: of 120 about 40 are solvable, and never fewer than 10.
  assert(solvable > 10 && contradictory > 2, `${solvable} solvable, ${contradictory} contradictory`);
});

Deno.test("a contradiction is a smallest one: without any one of its requirements the others can hold", () => {
  let seen = 0;
  fc.assert(
    fc.property(cases, (each) => {
      const problem = problemFor(each, EMPTY_BASE);
      const solved = problem && solveProblem(problem, solver);
      if (!problem || !solved || solved.ok) return;
      assertEquals(solved.issues.map((issue) => issue.code), ["plan.infeasible"]);
      const model = modelOf(problem);
      // What only cycles make impossible is found while solving, and is not in the rows yet.
      if (!isContradiction(model.rows, model)) return;
      seen++;
      const conflict = minimalConflict(model.rows, model, solver);
      const needs = new Set(conflict.map((each) => JSON.stringify(each)));
      const standing = model.rows.filter((row) => row.needs.every((need) => needs.has(JSON.stringify(need))));
      assert(isContradiction(standing, model));
      for (const gone of needs) {
        const rest = standing.filter((row) => row.needs.every((need) => JSON.stringify(need) !== gone));
        assert(!isContradiction(rest, model), `${gone} is not needed`);
      }
    }),
    { numRuns: 150 },
  );
  assert(seen > 3, `${seen} contradictions`);
});

function isContradiction(rows: readonly TaggedRow[], model: Model): boolean {
  return solver.solve(programOf(model, rows.map((each) => each.row), [])).status === "infeasible";
}

Deno.test("the same project in any order has the same fingerprint and the same plan, byte for byte", () => {
  fc.assert(
    fc.property(changed, fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 7, maxLength: 7 }), (
      { each, base },
      noise,
    ) => {
      let at = 0;
      const random = () => noise[at++ % noise.length] ?? 0;
      const one = scenario(each.config, each.topology, solver.name, base);
      const other = { ...shuffled(one, random), base };
      assertEquals(fingerprint(other, hasher), fingerprint(one, hasher));
      assertEquals(textOf(draftPlan(other, solver, hasher)), textOf(draftPlan(one, solver, hasher)));
    }),
    { numRuns: 100 },
  );
});

const textOf = (result: ReturnType<typeof draftPlan>): string =>
  result.ok ? canonicalText(result.value) : JSON.stringify(result.issues.map(({ code, message }) => [code, message]));

Deno.test("any solver that is exact makes the same plan", () => {
  const exhaustive = exhaustiveSolver();
  fc.assert(
    fc.property(cases, ({ config, topology }) => {
      const one = draftPlan(scenario(config, topology, solver.name), solver, hasher);
      const other = draftPlan(scenario(config, topology, exhaustive.name), exhaustive, hasher);
      assertEquals(one.ok, other.ok);
      if (!one.ok || !other.ok) return;
      const inputs = one.value.inputs;
      assertEquals(canonicalText({ ...other.value, inputs }), canonicalText(one.value));
    }),
    { numRuns: 60 },
  );
});

Deno.test("planning on what was planned changes nothing", () => {
  fc.assert(
    fc.property(changed, ({ each, base }) => {
      const first = draftPlan(scenario(each.config, each.topology, solver.name, base), solver, hasher);
      if (!first.ok) return;
      const again = scenario(each.config, each.topology, solver.name, baseAfter(first.value));
      assertEquals(makePlan(again, solver, hasher), { ok: true, value: "noChange" });
    }),
    { numRuns: 100 },
  );
});

Deno.test("a plan reads back, leads from its base to its graph and back, and holds its rules at every step", () => {
  fc.assert(
    fc.property(changed, ({ each, base }) => {
      const made = draftPlan(scenario(each.config, each.topology, solver.name, base), solver, hasher);
      if (!made.ok) return;
      const plan = made.value;
      const read = parsePlan(canonical(plan), hasher);
      assert(read.ok, read.ok ? "" : read.issues[0]?.message);
      assertEquals(applyBatches(plan.from, plan.batches), plan.to);
      assertEquals(applyBatches(plan.to, plan.inverse), plan.from);
      holdsAtEveryStep(plan.from, plan.batches);
      holdsAtEveryStep(plan.to, plan.inverse);
    }),
    { numRuns: 150 },
  );
});

/** No dangling link, and no two active links of one `from`. */
function holdsAtEveryStep(start: Graph, batches: readonly (readonly Change[])[]): void {
  for (let count = 0; count <= batches.length; count++) {
    const { drivers, links } = applyBatches(start, batches.slice(0, count));
    const running = new Set<string>(drivers.map((each) => each.driver));
    for (const { from, to } of links) assert(running.has(from.driver) && running.has(to.driver), "a dangling link");
    const froms = links.map(({ from }) => `${from.driver}/${from.endpoint}`);
    assertEquals(new Set(froms).size, froms.length);
  }
}

Deno.test("the search never breaks a rule, and is never better than the best", () => {
  let [found, missed, equal] = [0, 0, 0];
  fc.assert(
    fc.property(changed, ({ each, base }) => {
      const problem = problemFor(each, base);
      const best = problem && bestByTryingAll(problem);
      if (!problem || !best) return;
      const decision = searchDecision(problem);
      if (!decision) return void missed++;
      found++;
      assertEquals(faultsOf(problem, decision), []);
      const { latencyMilli } = objectiveOf(problem, decision);
      assert(latencyMilli >= best.objective.latencyMilli);
      if (latencyMilli === best.objective.latencyMilli) equal++;
    }),
    { numRuns: 100 },
  );
  assert(found > missed * 4 && equal * 2 > found, `${found} found, ${missed} missed, ${equal} as good as the best`);
});
