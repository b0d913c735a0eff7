/** The simulator's gate: thousands of seeds hold, and each deliberate mistake is seen. */
import { assert, assertEquals } from "@std/assert";
import { MUTANTS } from "./mutants.ts";
import { run } from "./run.ts";
import { Violation } from "./world.ts";

const SEEDS = 3_000;
const SEEDS_OF_A_MUTANT = 2_000;

Deno.test(`apply, rollback, moves and recovery hold for ${SEEDS} seeds of crashes and faults`, () => {
  const sum = { steps: 0, committed: 0, rolledBack: 0, faults: 0, moves: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const ran = run(seed);
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += ran[key];
  }
  console.log(`${SEEDS} seeds: ${JSON.stringify(sum)}`);
  // A simulator in which nothing happens would hold as well.
  assert(sum.committed > SEEDS && sum.rolledBack > SEEDS / 4 && sum.faults > SEEDS && sum.moves > SEEDS / 4);
});

Deno.test("the same seed is the same run", () => {
  for (const seed of [7, 77, 777]) {
    const once = run(seed);
    assertEquals(run(seed), once);
  }
});

for (const [name, tamper] of Object.entries(MUTANTS)) {
  Deno.test(`seen when ${name}`, () => {
    const seed = firstCaught(tamper);
    assert(seed !== undefined, `${SEEDS_OF_A_MUTANT} seeds did not see it`);
    console.log(`seen at seed ${seed}`);
  });
}

function firstCaught(tamper: Parameters<typeof run>[1]): number | undefined {
  for (let seed = 1; seed <= SEEDS_OF_A_MUTANT; seed++) {
    try {
      run(seed, tamper);
    } catch (thrown) {
      if (thrown instanceof Violation) return seed;
      throw thrown;
    }
  }
  return undefined;
}
