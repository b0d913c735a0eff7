/** What becomes of an act when its panel ends, or its keeper is stopped. */
import { assert, assertEquals } from "@std/assert";
import { Host, pair } from "../../tests/sim/host.ts";
import type { Instance } from "../model/names.ts";
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

for (const stays of [false, true]) {
  const how = stays ? "can't be started again: it is named in the outcome" : "is started again, whatever its budget";
  Deno.test(`a driver of the base that ends between the flip and C ${how}`, () => {
    const host = new Host();
    host.apply(pair(host));
    host.begin({ kind: "apply", admitted: host.plan(pair(host, 2)) });
    while (host.machine.phase.kind !== "acknowledging") assert(host.world.timeline.step());
    if (stays) host.world.habits.set("bee.3 hello", "exit");
    host.keeper.exit("bee.1" as Instance, -9);
    host.rest();
    const outcome = host.outcome();
    const codes = outcome.kind === "rolledBack" ? outcome.issues.map((each) => each.code) : [];
    assertEquals(codes[0], "driver.exited");
    assertEquals(codes.at(-1) === "driver.down", stays);
    assertEquals(
      [host.log, host.running, host.wired, Object.keys(host.machine.down)],
      stays
        ? ["D C D R", "ant.1 bee.1", "flow:ant.1>bee.1", ["bee"]]
        : ["D C D R M", "ant.1 bee.3", "flow:ant.1>bee.3", []],
    );
    if (!stays) host.clean();
  });
}

Deno.test("who does not go back at a rollback is killed, and serves again though no budget permits a restart", () => {
  const host = new Host();
  host.apply(pair(host));
  host.world.habits.set("ant.1 acknowledge", Infinity);
  assertEquals(host.apply(pair(host, 2)).kind, "rolledBack");
  assertEquals([host.log, host.wired, host.machine.down], ["D C D R M", "flow:ant.2>bee.1", {}]);
  host.clean();
});
