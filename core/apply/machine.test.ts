/** The table of "Apply", step by step: what is true after each, and what becomes of each failure. */
import { assertEquals } from "@std/assert";
import { codeOf, flow, graph, Host, pair } from "../../tests/sim/host.ts";
import { link } from "../../tests/sim/project.ts";
import type { Inventory } from "../keeper.ts";
import type { Graph } from "../model/graph.ts";
import type { Instance } from "../model/names.ts";
import type { Move } from "../model/plan.ts";
import { desiredGraph } from "./committed.ts";
import { isWaived } from "./facts.ts";

Deno.test("an apply logs D and C, wires what it says, and leaves nothing else behind", () => {
  const host = new Host();
  const outcome = host.apply(pair(host));
  assertEquals(outcome, { kind: "committed", plan: host.machine.committed.plan, serial: 1, changed: true });
  assertEquals([host.log, host.running, host.wired], ["D C", "ant.1 bee.1", "flow:ant.1>bee.1"]);
  host.clean();
});

Deno.test("a new version of a driver takes over in a flip, and the old one ends after C", () => {
  const host = new Host();
  host.apply(pair(host));
  assertEquals(host.apply(pair(host, 2)).kind, "committed");
  assertEquals([host.log, host.running, host.wired], ["D C D C", "ant.1 bee.2", "flow:ant.1>bee.2"]);
  host.clean();
});

Deno.test("what a plan does not change keeps its lane, its region and its place", () => {
  const host = new Host();
  host.apply(pair(host));
  const before = host.keeper.inventory().instances.find((each) => each.instance === "ant.1")?.lanes;
  host.apply(graph(host, { ant: 1, bee: 1, cat: 1 }, [flow, link("more", 8, "bee/out0", "cat/in0")]));
  assertEquals(host.keeper.inventory().instances.find((each) => each.instance === "ant.1")?.lanes, before);
  host.clean();
});

Deno.test("the committed plan applied again is a no-op that says so, or repairs what has drifted", () => {
  const host = new Host();
  const admitted = host.plan(pair(host));
  host.act({ kind: "apply", admitted });
  const again = host.act({ kind: "apply", admitted });
  assertEquals(again.kind === "committed" && again.changed, false);
  host.keeper.exit("bee.1" as Instance, -9);
  host.rest();
  assertEquals(host.machine.down, { bee: "its plan permits no restart: signal 9 ended it" });
  const repaired = host.act({ kind: "apply", admitted });
  assertEquals(repaired.kind === "committed" && repaired.changed, true);
  assertEquals([host.log, host.wired, host.machine.down], ["D C M", "flow:ant.1>bee.2", {}] as never);
  host.clean();
});

for (const moment of ["hello", "open", "park", "map", "ready"] as const) {
  for (const takes of [Infinity, "exit", "fail"] as const) {
    Deno.test(`a driver that ${takes === Infinity ? "says nothing" : `${takes}s`} at ${moment} rolls back with nothing changed`, () => {
      const host = new Host();
      host.apply(pair(host));
      host.world.habits.set(`bee.2 ${moment}`, takes);
      const outcome = host.apply(pair(host, 2));
      assertEquals(outcome.kind, "rolledBack");
      assertEquals(
        codeOf(outcome),
        takes === Infinity ? "driver.late" : takes === "exit" ? "driver.exited" : "driver.failed",
      );
      assertEquals([host.log, host.running, host.wired], ["D C", "ant.1 bee.1", "flow:ant.1>bee.1"]);
      host.clean();
      assertEquals(host.apply(pair(host, 3)).kind, "committed");
    });
  }
}

for (const takes of [Infinity, "exit", "fail"] as const) {
  Deno.test(`a driver that ${takes === Infinity ? "does not acknowledge" : `${takes}s after`} the flip is flipped back, and R closes D`, () => {
    const host = new Host();
    host.apply(pair(host));
    host.world.habits.set("bee.2 acknowledge", takes);
    assertEquals(host.apply(pair(host, 2)).kind, "rolledBack");
    assertEquals([host.log, host.running, host.wired], ["D C D R", "ant.1 bee.1", "flow:ant.1>bee.1"]);
    assertEquals(host.machine.committed.serial, 1);
    host.clean();
  });
}

Deno.test("who does not go back at a rollback is killed, and then restarted as the plan permits", () => {
  const host = new Host();
  host.apply(pair(host), [{ kind: "restart", driver: "ant" as never, budget: 1, withinNs: 1e9 }]);
  host.world.habits.set("ant.1 acknowledge", Infinity);
  assertEquals(host.apply(pair(host, 2)).kind, "rolledBack");
  assertEquals([host.log, host.wired], ["D C D R M", "flow:ant.2>bee.1"]);
  host.clean();
});

Deno.test("when D can't be synced nothing is flipped, and the next panel undoes what the disk may hold", () => {
  const host = new Host();
  host.apply(pair(host));
  host.begin({ kind: "apply", admitted: host.plan(pair(host, 2)) });
  host.world.disk.failing = "sync";
  host.rest();
  assertEquals([host.outcome().kind, codeOf(host.outcome())], ["rolledBack", "wal.unsynced"]);
  if (!host.world.machine) host.world.startPanel();
  host.rest();
  assertEquals([host.running, host.wired, host.machine.open], ["ant.1 bee.1", "flow:ant.1>bee.1", null] as never);
  host.clean();
});

Deno.test("when C can't be synced the outcome is in doubt, nothing is inverted, and the next panel reads what is true", () => {
  const host = new Host();
  host.apply(pair(host));
  host.begin({ kind: "apply", admitted: host.plan(pair(host, 2)) });
  while (host.machine.phase.kind !== "verifying") host.world.timeline.step();
  host.world.disk.failing = "sync";
  while (host.world.machine && host.world.timeline.step());
  assertEquals(host.outcome().kind, "inDoubt");
  assertEquals(host.wired, "flow:ant.1>bee.2");
  if (!host.world.machine) host.world.startPanel();
  host.rest();
  assertEquals([host.log, host.wired, host.machine.committed.serial], ["D C D C", "flow:ant.1>bee.2", 2] as never);
  host.clean();
});

Deno.test("a full disk rolls back with nothing prepared", () => {
  const host = new Host();
  host.world.disk.full = true;
  assertEquals(codeOf(host.apply(pair(host))), "wal.full");
  assertEquals([host.outcome().kind, host.log, host.running], ["rolledBack", "", ""]);
  host.world.disk.full = false;
  assertEquals(host.apply(pair(host)).kind, "committed");
});

Deno.test("a rollback makes the predecessor the committed plan, keeps the serial, and can be rolled back in turn", () => {
  const host = new Host();
  host.apply(pair(host));
  const first = host.machine.committed.plan;
  const undone = host.plan(pair(host, 2));
  host.act({ kind: "apply", admitted: undone });
  assertEquals(host.act({ kind: "rollback" }), { kind: "committed", plan: first, serial: 2, changed: true });
  assertEquals(host.wired, "flow:ant.1>bee.3");
  assertEquals(codeOf(host.act({ kind: "apply", admitted: undone })), "plan.stale");
  assertEquals(host.act({ kind: "rollback" }), { kind: "committed", plan: null, serial: 2, changed: true });
  assertEquals([host.running, host.wired], ["", ""]);
  assertEquals(codeOf(host.act({ kind: "rollback" })), "rollback.none");
  host.clean();
});

Deno.test("what a serving driver reports of a lane is kept, until another instance serves", () => {
  const host = new Host();
  host.apply(pair(host), [{ kind: "restart", driver: "bee" as never, budget: 1, withinNs: 60e9 }]);
  const [ant, bee] = ["ant.1", "bee.1"] as [Instance, Instance];
  host.keeper.fail(bee, "lane.broken", "cannot read lane 1");
  host.keeper.fail("stranger.1" as Instance, "x.y", "nobody knows it");
  host.keeper.fail(ant, "lane.broken", "first");
  host.keeper.fail(ant, "lane.broken", "last");
  host.rest();
  assertEquals(host.machine.said, {
    ant: { instance: ant, code: "lane.broken", message: "last" },
    bee: { instance: bee, code: "lane.broken", message: "cannot read lane 1" },
  });
  host.keeper.exit(bee, 1);
  host.rest();
  host.keeper.fail(ant, "lane.broken", "again");
  host.rest();
  assertEquals(Object.keys(host.machine.said), ["ant"]);
});

Deno.test("a driver that dies is restarted within its budget, and then stays down as degraded", () => {
  const host = new Host();
  host.apply(pair(host), [{ kind: "restart", driver: "bee" as never, budget: 2, withinNs: 60e9 }]);
  for (const number of [1, 2, 3]) {
    host.keeper.exit(`bee.${number}` as Instance, -9);
    host.rest();
  }
  assertEquals(host.log, "D C M M");
  assertEquals(host.machine.down, { bee: "its restart budget of 2 is used up: signal 9 ended it" });
  // What was down before and is not changed never blocks a plan: it is named in D.
  const more = graph(host, { ant: 1, bee: 1, cat: 1, dog: 1 }, [flow, link("more", 8, "cat/out0", "dog/in0")]);
  assertEquals(host.apply(more).kind, "committed");
  const decision = host.world.log?.records.findLast((each) => each.body.kind === "D")?.body;
  assertEquals(decision?.kind === "D" && decision.exempt, ["bee"]);
  assertEquals(host.wired.includes("more:cat.1>dog.1"), true);
});

Deno.test("a driver that fails while it serves is stopped and started again within its budget, and it is said why", () => {
  const host = new Host();
  const record = () => host.world.log?.records.at(-1)?.body;
  host.apply(pair(host), [{ kind: "restart", driver: "bee" as never, budget: 1, withinNs: 60e9 }]);
  host.keeper.fail("bee.1" as Instance, "driver.test", "cannot go on");
  host.rest();
  assertEquals([host.log, host.running, host.wired], ["D C M", "ant.1 bee.2", "flow:ant.1>bee.2"]);
  assertEquals(record()?.kind === "M" && record(), { ...record(), why: "cannot go on [driver.test]" } as never);
  host.clean();
  host.keeper.fail("bee.2" as Instance, "driver.test", "cannot go on");
  host.rest();
  assertEquals([host.log, host.running], ["D C M", "ant.1"]);
  assertEquals(host.machine.down, { bee: "its restart budget of 1 is used up: cannot go on [driver.test]" });
});

Deno.test("a driver that fails while something else is applied is started again after it", () => {
  const host = new Host();
  const moves: readonly Move[] = [{ kind: "restart", driver: "bee" as never, budget: 9, withinNs: 60e9 }];
  host.apply(pair(host), moves);
  const more = graph(host, { ant: 1, bee: 1, cat: 1, dog: 1 }, [flow, link("more", 8, "cat/out0", "dog/in0")]);
  host.begin({ kind: "apply", admitted: host.plan(more, moves) });
  host.keeper.fail("bee.1" as Instance, "driver.test", "cannot go on");
  host.rest();
  assertEquals(host.running.includes("bee.2") && !host.running.includes("bee.1"), true, host.running);
  host.clean();
});

Deno.test("a waiver that begins, ends or has run out replaces the running driver, and nothing else does", () => {
  const host = new Host();
  const isolated = () => host.machine.facts.instances.map((each) => `${each.instance} ${!isWaived(each)}`).join(", ");
  const admitted = host.plan(pair(host));
  host.act({ kind: "apply", admitted });
  assertEquals(isolated(), "ant.1 true, bee.1 true");
  host.world.waived.add("bee");
  assertEquals(host.act({ kind: "apply", admitted }).kind, "committed");
  assertEquals([isolated(), host.log, host.wired], ["ant.1 true, bee.2 false", "D C M", "flow:ant.1>bee.2"]);
  host.clean();
  host.world.waived.delete("bee");
  host.world.killPanel();
  host.world.startPanel();
  host.rest();
  assertEquals([isolated(), host.wired], ["ant.1 true, bee.3 true", "flow:ant.1>bee.3"]);
  const again = host.act({ kind: "apply", admitted });
  assertEquals(again.kind === "committed" && again.changed, false);
  host.clean();
});

const spare = link("flow-spare", 9, "ant/out0", "cat/in0");
const fallback: Move = { kind: "fallback", trip: flow.route, unlink: [flow.route], link: [spare] };
const threesome = (host: Host): Graph => graph(host, { ant: 1, bee: 1, cat: 1 }, [flow]);

Deno.test("a fallback does not wait for the driver that it gives up", () => {
  const host = new Host();
  host.apply(threesome(host), [fallback]);
  for (const moment of ["map", "ready", "acknowledge"]) host.world.habits.set(`bee.1 ${moment}`, Infinity);
  assertEquals(host.act({ kind: "move", move: "fallback:flow", why: "stall" }).kind, "committed");
  assertEquals(
    [host.log, host.wired, host.machine.committed.moves],
    ["D C M", "flow-spare:ant.1>cat.1", ["fallback:flow"]] as never,
  );
  assertEquals(codeOf(host.act({ kind: "move", move: "fallback:flow", why: "stall" })), "move.refused");
  host.clean();
});

Deno.test("the plan applied again returns from its fallback, and a rollback ends it", () => {
  const host = new Host();
  const admitted = host.plan(threesome(host), [fallback]);
  host.act({ kind: "apply", admitted });
  host.act({ kind: "move", move: "fallback:flow", why: "stall" });
  assertEquals(host.act({ kind: "apply", admitted }).kind, "committed");
  assertEquals([host.wired, host.machine.committed.moves], ["flow:ant.1>bee.1", []] as never);
  host.act({ kind: "move", move: "fallback:flow", why: "stall" });
  host.act({ kind: "rollback" });
  assertEquals([host.running, host.machine.committed.moves], ["", []] as never);
  host.clean();
});

Deno.test("what the plan does not permit is no move", () => {
  const host = new Host();
  host.apply(threesome(host));
  for (const move of ["fallback:flow", "cut:flow", "return:fallback:flow", "restart:ant", "anything", ""]) {
    assertEquals(codeOf(host.act({ kind: "move", move, why: "test" })), "move.refused", move);
  }
  assertEquals(host.log, "D C");
});

Deno.test("a move that was made and not logged is logged by the next panel", () => {
  const host = new Host();
  host.apply(threesome(host), [fallback]);
  host.begin({ kind: "move", move: "fallback:flow", why: "stall" });
  while (host.machine.phase.kind !== "verifying") host.world.timeline.step();
  host.world.killPanel();
  host.rest();
  if (!host.world.machine) host.world.startPanel();
  host.rest();
  assertEquals([host.log, host.machine.committed.moves], ["D C M", ["fallback:flow"]] as never);
  assertEquals(host.wired, "flow-spare:ant.1>cat.1");
  host.clean();
});

Deno.test("after the power was gone, everything of the last commit is started anew, moves and all", () => {
  const host = new Host();
  host.apply(threesome(host), [fallback]);
  host.act({ kind: "move", move: "fallback:flow", why: "stall" });
  host.world.cutPower();
  host.rest();
  if (!host.world.machine) host.world.startPanel();
  host.rest();
  assertEquals([host.running, host.wired], ["ant.2 bee.2 cat.2", "flow-spare:ant.2>cat.2"]);
  assertEquals(desiredGraph(host.machine.committed).links.map((each) => `${each.route}`), ["flow-spare"]);
  host.clean();
});

Deno.test("a keeper that dies under an apply is replaced, and the asker hears exit 4", () => {
  const host = new Host();
  host.apply(pair(host));
  host.begin({ kind: "apply", admitted: host.plan(pair(host, 2)) });
  while (host.machine.phase.kind !== "acknowledging") host.world.timeline.step();
  host.world.killKeeper();
  host.rest();
  assertEquals([host.outcome().kind, codeOf(host.outcome())], ["rolledBack", "keeper.lost"]);
  assertEquals([host.log, host.wired], ["D C D R M", "flow:ant.2>bee.3"]);
  host.clean();
});

for (
  const [what, lie] of Object.entries<(facts: Inventory) => Inventory>({
    "a region without its seals": (facts) => ({
      ...facts,
      regions: facts.regions.map((each) => ({ ...each, seals: ["grow"] })),
    }),
    "a region of another writer": (facts) => ({
      ...facts,
      regions: facts.regions.map((each) => ({ ...each, writer: each.reader })),
    }),
    "a driver that does not run": (facts) => ({
      ...facts,
      instances: facts.instances.map((each) => ({ ...each, state: "parked" as const })),
    }),
    "a driver without its lane": (facts) => ({
      ...facts,
      instances: facts.instances.map((each) => ({ ...each, lanes: [] })),
    }),
    "an acknowledgement that was never given": (facts) => ({
      ...facts,
      instances: facts.instances.map((each) => ({ ...each, acknowledged: 0 })),
    }),
    "another epoch": (facts) => ({ ...facts, epoch: facts.epoch + 7 }),
  })
) {
  Deno.test(`verify sees ${what} in the keeper's facts, and rolls back`, () => {
    const host = new Host({
      reply: (request, keeper) =>
        request.kind === "inventory" && keeper.epoch === 1
          ? { kind: "done", epoch: 1, inventory: lie(keeper.inventory()) }
          : undefined,
    });
    assertEquals([host.apply(pair(host)).kind, codeOf(host.outcome())], ["rolledBack", "apply.differs"]);
    assertEquals([host.log, host.running], ["D R", ""]);
    host.clean();
  });
}

Deno.test("verify sees that a lane that stays lies in other memory than before, and rolls back", () => {
  const host = new Host({
    reply: (request, keeper) => {
      if (request.kind !== "inventory" || keeper.epoch !== 3) return undefined;
      const inventory = keeper.inventory();
      const regions = inventory.regions.map((each) => ({ ...each, inode: each.inode + 1_000 }));
      return { kind: "done", epoch: 3, inventory: { ...inventory, regions } };
    },
  });
  host.apply(pair(host));
  const more = graph(host, { ant: 1, bee: 1, cat: 1, dog: 1 }, [flow, link("more", 8, "cat/out0", "dog/in0")]);
  assertEquals([host.apply(more).kind, codeOf(host.outcome())], ["rolledBack", "apply.differs"]);
  assertEquals(host.wired, "flow:ant.1>bee.1");
});

Deno.test("acts wait for their turn, and each is judged by what is committed when it comes", () => {
  const host = new Host();
  const [one, two] = [host.plan(pair(host)), host.plan(pair(host, 2))];
  host.begin({ kind: "apply", admitted: one });
  host.begin({ kind: "apply", admitted: two });
  host.begin({ kind: "rollback" });
  host.rest();
  assertEquals([1, 2, 3].map((id) => host.outcome(id).kind), ["committed", "refused", "committed"]);
  assertEquals(codeOf(host.outcome(2)), "plan.stale");
  assertEquals(host.running, "");
});
