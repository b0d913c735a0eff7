/** One run: random acts and random faults for a while, then peace, and then everything must be as the log says. */
import type { Act } from "../../core/apply/types.ts";
import { possibleMoves } from "../../core/apply/moves.ts";
import { openLog } from "../../core/apply/wal.ts";
import type { AdmittedPlan } from "../../core/model/plan.ts";
import { hasher } from "../fakes/hasher.ts";
import { afterEvent, atRest } from "./checks.ts";
import { randomPlan } from "./project.ts";
import { type Tamper, Violation, World } from "./world.ts";

export interface Ran {
  readonly steps: number;
  readonly committed: number;
  readonly rolledBack: number;
  readonly faults: number;
  readonly moves: number;
}

const MOST_STEPS = 20_000;

/** Throws a `Violation` that carries the trace when anything does not hold. */
export function run(seed: number, tamper: Tamper = {}): Ran {
  const world = new World(seed, tamper, afterEvent);
  try {
    const faults = play(world);
    const kinds = world.told.map((each) => each.outcome.kind);
    return {
      steps: world.steps,
      committed: kinds.filter((each) => each === "committed").length,
      rolledBack: kinds.filter((each) => each === "rolledBack").length,
      faults,
      moves: (world.log?.records ?? []).filter((each) => each.body.kind === "M").length,
    };
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    const replay = `replay: ./x run deno run tests/sim/replay.ts ${seed}`;
    throw new Violation(`seed ${seed}: ${thrown.message}\n${replay}\n${world.trace.slice(-60).join("\n")}`, {
      cause: thrown,
    });
  }
}

function play(world: World): number {
  const { random } = world;
  const asked = new Map<number, Act>();
  world.said = ({ id, outcome }) => {
    const act = asked.get(id);
    if (act && outcome.kind === "committed" && outcome.changed) mustBeDurable(world, act, outcome.serial);
    if (act?.kind === "apply" && outcome.kind === "rolledBack") mustNotBeCommitted(world, act.admitted);
  };
  world.startPanel();
  let faults = 0;
  const rounds = 2 + random.below(4);
  for (let round = 1; round <= rounds; round++) {
    if (world.machine) ask(world, round, asked);
    if (random.chance(0.55)) {
      plan(world);
      faults++;
    }
    const until = world.timeline.monotonicNs() + (random.chance(0.5) ? 20_000_000 : 400_000_000);
    while (world.timeline.monotonicNs() < until && tick(world));
    if (!world.machine) world.startPanel();
  }
  makePeace(world);
  atRest(world);
  wordsKept(world, asked);
  return faults;
}

function ask(world: World, id: number, asked: Map<number, Act>): void {
  const { random, machine } = world;
  if (!machine) return;
  const { committed } = machine;
  const kind = random.below(10);
  const moves = [...possibleMoves(committed), ...committed.moves.map((each) => `return:${each}`)];
  const move = random.pick(moves);
  let act: Act;
  if (kind < 5) act = { kind: "apply", admitted: randomPlan(world.project, committed) };
  else if (kind < 7 || (kind < 9 && move === undefined)) act = { kind: "rollback" };
  else if (kind < 9 && move !== undefined) act = { kind: "move", move, why: "test" };
  else act = again(world) ?? { kind: "restore" };
  asked.set(id, act);
  world.begin(id, act);
}

/** The committed plan once more. */
function again({ machine, random }: World): Act | undefined {
  const committed = machine?.committed;
  if (!committed?.document || !committed.plan || random.chance(0.3)) return undefined;
  const grant = { panel: "sim", predecessor: null, serial: committed.serial, notBefore: 0, notAfter: 1 };
  const admitted = { id: committed.plan, plan: committed.document, grant, signers: [] } as unknown as AdmittedPlan;
  return { kind: "apply", admitted };
}

/** One fault, at some moment of what comes. */
function plan(world: World): void {
  const { random, timeline } = world;
  const at = random.below(3_000_000);
  switch (random.below(10)) {
    case 0:
    case 1:
      world.crashAtEffect = random.below(40);
      return;
    case 2:
      return timeline.later(at, () => world.killPanel());
    case 3:
      return timeline.later(at, () => world.killKeeper());
    case 4:
    case 5:
      return timeline.later(at, () => world.killDriver());
    case 6:
      return timeline.later(at, () => world.cutPower());
    case 7:
      return timeline.later(random.below(1_500_000), () => {
        world.disk.failing = random.pick(["write", "sync", "renew"] as const);
      });
    case 8:
      return timeline.later(at, () => world.stopKeeper());
    case 9:
      world.disk.full = true;
      return timeline.later(at, () => {
        world.disk.full = false;
      });
  }
}

/** One thing that is due. False: nothing is. */
function tick(world: World): boolean {
  if (world.steps > MOST_STEPS) throw new Violation("it does not come to rest");
  return world.timeline.step();
}

function mustBeDurable(world: World, act: Act, serial: number): void {
  const log = openLog(world.disk.durable(), hasher);
  if (!log.ok) throw new Violation("success was said and the disk holds no log");
  const last = log.value.records.findLast((each) => each.body.kind === "C" || each.body.kind === "M")?.body;
  if (act.kind === "restore") return;
  const holds = act.kind === "apply" || act.kind === "rollback"
    ? log.value.records.some((each) => each.body.kind === "C" && each.body.serial === serial)
    : last !== undefined;
  if (!holds) throw new Violation(`success of serial ${serial} was said before the disk held it`);
}

/** Exit 4 is said of what the log does not commit. A committed plan that was applied again stays committed, of course. */
function mustNotBeCommitted(world: World, { id, grant, signers }: AdmittedPlan): void {
  const isNew = signers.length > 0;
  const records = world.log?.records ?? [];
  const isThere = records.some(({ body }) => body.kind === "C" && body.plan === id && body.serial === grant.serial);
  if (isNew && isThere) throw new Violation("exit 4 was said of a plan that is committed");
}

/** What people were told stays true to the end: success is on the disk, and what was rolled back is not. */
function wordsKept(world: World, asked: ReadonlyMap<number, Act>): void {
  const log = openLog(world.disk.durable(), hasher);
  if (!log.ok) throw new Violation("the disk holds no log");
  const isCommitted = ({ id, grant }: AdmittedPlan): boolean =>
    log.value.records.some(({ body }) => body.kind === "C" && body.plan === id && body.serial === grant.serial);
  for (const { id, outcome } of world.told) {
    const act = asked.get(id);
    if (act?.kind !== "apply" || act.admitted.signers.length === 0) continue;
    const others = [...asked].some(([other, { kind, ...rest }]) =>
      other !== id && kind === "apply" && "admitted" in rest && rest.admitted.id === act.admitted.id
    );
    const there = isCommitted(act.admitted);
    if (outcome.kind === "committed" && !there) throw new Violation(`act ${id} was said to be committed and is not`);
    if (outcome.kind === "rolledBack" && there && !others) {
      throw new Violation(`act ${id}: exit 4 was said and it is committed`);
    }
  }
}

/** No more faults; a panel and a keeper are there; all that is due happens. */
function makePeace(world: World): void {
  world.trouble = false;
  world.crashAtEffect = -1;
  world.disk.failing = undefined;
  world.disk.full = false;
  world.note("peace");
  // A fault that was planned may still come: the panel is started as often as it takes.
  for (let starts = 0; starts < 10; starts++) {
    while (tick(world));
    if (world.machine && world.keeper && !world.keeper.dead) return;
    if (!world.machine) world.startPanel();
  }
  throw new Violation("panel and keeper do not stay");
}
