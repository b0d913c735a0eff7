/** What the panel says of itself when it has nothing to do. */
import { assertEquals } from "@std/assert";
import { Host, pair } from "../../tests/sim/host.ts";
import { brokenRest } from "./invariants.ts";

function rested() {
  const host = new Host();
  host.apply(pair(host));
  return host.machine;
}

Deno.test("a machine at rest finds nothing broken, and sees what a keeper forgot or kept", () => {
  const machine = rested();
  const { facts } = machine;
  assertEquals(brokenRest(machine), []);
  const without = brokenRest({ ...machine, facts: { ...facts, regions: facts.regions.slice(1) } });
  assertEquals(without.map((each) => /which is gone$/.test(each)), [true, true]);
  const [region] = facts.regions;
  const more = region ? [...facts.regions, { ...region, region: 999_999 }] : [];
  assertEquals(brokenRest({ ...machine, facts: { ...facts, regions: more } }), ["region 999999 has no lane"]);
  assertEquals(brokenRest({ ...machine, serving: { ant: machine.serving["ant"] } as typeof machine.serving }), [
    "instance bee.1 serves nobody",
  ]);
});

Deno.test("while something is under way, facts are not judged", () => {
  const machine = rested();
  const facts = { ...machine.facts, regions: [] };
  assertEquals(brokenRest({ ...machine, facts, phase: { kind: "detached" } }), []);
});
