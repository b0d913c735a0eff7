/** What becomes of an act when its panel ends, or its keeper is stopped. */
import { assert, assertEquals } from "@std/assert";
import { Host, pair } from "../../tests/sim/host.ts";
import { cutShort } from "./machine.ts";

Deno.test("an act whose panel ends under it is rolled back before its D, and in doubt from then on", () => {
  const host = new Host();
  host.apply(pair(host));
  host.begin({ kind: "apply", admitted: host.plan(pair(host, 2)) });
  const ends = new Map<string, string>();
  while (!host.world.told.some((each) => each.id === 2)) {
    ends.set(host.machine.phase.kind, cutShort(host.machine, 2).kind);
    assertEquals(cutShort(host.machine, 3).kind, "rolledBack", "one that waits has left no trace");
    assert(host.world.timeline.step());
  }
  const before = { looking: "rolledBack", starting: "rolledBack", staging: "rolledBack", sealing: "rolledBack" };
  const after = { flipping: "inDoubt", acknowledging: "inDoubt", verifying: "inDoubt" };
  assertEquals(Object.fromEntries(ends), { ...before, ...after });
});

for (const phase of ["looking", "staging", "flipping", "verifying", "undoing", "cleaning"] as const) {
  Deno.test(`a keeper that is stopped while the panel is ${phase}: its link is given up, and recovery decides`, () => {
    const host = new Host();
    host.apply(pair(host));
    if (phase === "undoing") host.world.habits.set("bee.2 acknowledge", "exit");
    host.begin({ kind: "apply", admitted: host.plan(pair(host, 2)) });
    while (host.machine.phase.kind !== phase) assert(host.world.timeline.step());
    host.world.stopKeeper();
    host.rest();
    const isDone = phase === "cleaning";
    assertEquals(host.outcome().kind, isDone ? "committed" : "rolledBack");
    assertEquals(
      [host.running, host.wired],
      isDone ? ["ant.1 bee.2", "flow:ant.1>bee.2"] : ["ant.1 bee.1", "flow:ant.1>bee.1"],
    );
    host.clean();
    assertEquals(host.apply(pair(host, 3)).kind, "committed");
  });
}
