/** The simulator without chance: one thing after another, for tests of the machine case by case. */
import { assert, assertEquals } from "@std/assert";
import { brokenFacts, orphans } from "../../core/apply/invariants.ts";
import type { Outcome } from "../../core/apply/types.ts";
import type { Graph, Link } from "../../core/model/graph.ts";
import type { AdmittedPlan, Move } from "../../core/model/plan.ts";
import { admittedPlan, link, placed } from "./project.ts";
import { type Tamper, World } from "./world.ts";

/** One panel, one keeper, well-behaved drivers; acts are asked one after another. */
export class Host {
  readonly world: World;
  #id = 0;

  constructor(tamper: Tamper = {}) {
    this.world = new World(1, tamper);
    this.world.trouble = false;
    this.world.startPanel();
    this.rest();
  }

  rest(): void {
    while (this.world.timeline.step());
  }

  get machine() {
    assert(this.world.machine);
    return this.world.machine;
  }

  get keeper() {
    assert(this.world.keeper);
    return this.world.keeper;
  }

  plan(graph: Graph, moves: readonly Move[] = []): AdmittedPlan {
    return admittedPlan(this.world.project.store, this.machine.committed, graph, () => moves);
  }

  begin(act: Parameters<World["begin"]>[1]): void {
    this.world.begin(++this.#id, act);
  }

  /** How the act ended, when all has come to rest. */
  act(act: Parameters<World["begin"]>[1]): Outcome {
    this.begin(act);
    this.rest();
    return this.outcome();
  }

  outcome(id = this.#id): Outcome {
    const said = this.world.told.filter((each) => each.id === id);
    assertEquals(said.length, 1, "one answer for one act");
    assert(said[0]);
    return said[0].outcome;
  }

  apply(graph: Graph, moves: readonly Move[] = []): Outcome {
    return this.act({ kind: "apply", admitted: this.plan(graph, moves) });
  }

  /** Records by kind: `D C D R`. */
  get log(): string {
    return (this.world.log?.records ?? []).map((each) => each.body.kind).join(" ");
  }

  get running(): string {
    return this.keeper.inventory().instances.map((each) => each.instance).sort().join(" ");
  }

  get wired(): string {
    const { instances } = this.keeper.inventory();
    return instances.flatMap(({ instance, lanes, state }) =>
      state === "exited"
        ? []
        : lanes.filter((each) => each.side === "producer").map((each) => `${each.route}:${instance}>${each.peer}`)
    ).sort().join(" ");
  }

  clean(): void {
    const facts = this.keeper.inventory();
    assertEquals([...brokenFacts(facts), ...orphans(facts, this.machine.serving), ...this.keeper.protests], []);
    assertEquals(this.machine.phase.kind, "idle");
  }
}

export function graph(host: Host, drivers: Readonly<Record<string, number>>, links: readonly Link[]): Graph {
  const { store } = host.world.project;
  return { drivers: Object.entries(drivers).map(([name, version]) => placed(store, name, version)), links };
}

export const flow = link("flow", 7, "ant/out0", "bee/in0");
export const pair = (host: Host, version = 1): Graph => graph(host, { ant: 1, bee: version }, [flow]);
export const codeOf = (outcome: Outcome): string => "issues" in outcome ? outcome.issues[0]?.code ?? "" : "";
