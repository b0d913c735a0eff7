/** After a failed sync the panel freezes; another one, opened from disk in its place, decides what was in doubt. */
import { assertEquals, assertRejects } from "@std/assert";
import { initial } from "../../core/apply/machine.ts";
import type { Outcome } from "../../core/apply/types.ts";
import { Log, openLog } from "../../core/apply/wal.ts";
import { demand, EXIT } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { FakeDisk } from "../../tests/fakes/disk.ts";
import { hasher } from "../../tests/fakes/hasher.ts";
import { FakeKeeperPort } from "../../tests/fakes/keeper_port.ts";
import { Random } from "../../tests/fakes/random.ts";
import { admittedPlan, link, makeProject, placed } from "../../tests/sim/project.ts";
import { Engine } from "./engine.ts";
import { type Ended, keepServing } from "./serving.ts";
import { Tries } from "./tries.ts";

const PREPARE_WITHIN_NS = 10_000_000_000;
const clock = { monotonicNs: () => performance.now() * 1e6, wallMs: () => 1_700_000_000_000 };
const soon = () => new Tries(clock, { ...LIMITS.tries, firstNs: 1, longestNs: 1 });

/** A disk and a keeper, and one panel after the other over them. */
class Place {
  readonly random = new Random(1);
  readonly disk = new FakeDisk(this.random);
  readonly keeper = new FakeKeeperPort();
  readonly project = makeProject(this.random);
  engine: Engine | undefined;

  async open(): Promise<{ engine: Engine; frozen: Promise<void> }> {
    const log = demand(Log.open(this.disk, hasher), EXIT.refused);
    const { store } = this.project;
    const tools = { hasher, entropy: this.random, store, isolated: () => true, project: "/project" };
    const machine = demand(initial(log.records, tools, { prepareWithinNs: PREPARE_WITHIN_NS }), EXIT.failed);
    const frozen = Promise.withResolvers<void>();
    const engine = new Engine(machine, log, clock, {
      stepped: ({ phase }) => phase.kind === "frozen" ? frozen.resolve() : undefined,
      noted: () => {},
      settling: () => {},
      lost: () => {},
    });
    const found = await this.keeper.request({ kind: "inventory" });
    if (found.kind === "done" && found.inventory) engine.attach(this.keeper, found.inventory);
    this.engine = engine;
    return { engine, frozen: frozen.promise };
  }

  apply(engine: Engine, version: number, failing?: "sync"): Promise<Outcome> {
    const { store } = this.project;
    const graph = {
      drivers: [placed(store, "ant", 1), placed(store, "bee", version)],
      links: [link("flow", 7, "ant/out0", "bee/in0")],
    };
    const admitted = admittedPlan(store, engine.machine.committed, graph, () => []);
    return engine.run({ kind: "apply", admitted }, (step) => {
      if (step === "commit" && failing) this.disk.failing = failing;
    });
  }
}

Deno.test("C can't be synced: in doubt; the panel is opened anew, knows what is true, and goes on", async () => {
  const place = new Place();
  const outcomes: string[] = [];
  const serve = async (): Promise<Ended> => {
    const { engine, frozen } = await place.open();
    if (outcomes.length === 0) {
      outcomes.push((await place.apply(engine, 1)).kind, (await place.apply(engine, 2, "sync")).kind);
      await frozen;
      engine.stop();
      return "frozen";
    }
    outcomes.push((await place.apply(engine, 3)).kind);
    engine.stop();
    return "done";
  };
  assertEquals(await keepServing(serve, soon(), () => {}), EXIT.done);
  assertEquals([outcomes, place.keeper.protests], [["committed", "inDoubt", "committed"], []]);
  const log = demand(openLog(place.disk.durable(), hasher), EXIT.refused);
  assertEquals(
    new Set(log.records.map((each) => each.body.at)),
    new Set([clock.wallMs()]),
    "every record has its date",
  );
  place.keeper.close();
});

Deno.test(`a log that stays poisoned: opened anew ${LIMITS.tries.most} times, then the failure is the panel's end`, async () => {
  let opened = 0;
  const frozen = () => Promise.resolve<Ended>(opened++ < 0 ? "done" : "frozen");
  assertEquals(await keepServing(frozen, soon(), () => {}), EXIT.failed);
  assertEquals(opened, 1 + LIMITS.tries.most);
  opened = 0;
  const unreadable = () => opened++ === 0 ? Promise.resolve<Ended>("frozen") : Promise.reject(new Error("no disk"));
  await assertRejects(() => keepServing(unreadable, soon(), () => {}), Error, "no disk");
  assertEquals(opened, 1 + LIMITS.tries.most);
});

Deno.test("a panel that can't be opened at all is not tried again", async () => {
  let opened = 0;
  const serve = () => Promise.reject(new Error(`refused ${++opened}`));
  await assertRejects(() => keepServing(serve, soon(), () => {}), Error, "refused 1");
});

Deno.test("a panel that ends answers who waits, and begins nothing more", async () => {
  const place = new Place();
  const { engine } = await place.open();
  await place.apply(engine, 1);
  const waits = place.apply(engine, 2);
  engine.stop();
  const [cut, refused] = [await waits, await place.apply(engine, 3)];
  assertEquals([cut, refused].map((each) => [each.kind, "issues" in each && each.issues[0]?.code]), [
    ["rolledBack", "panel.ended"],
    ["refused", "panel.ending"],
  ]);
  place.keeper.close();
});
