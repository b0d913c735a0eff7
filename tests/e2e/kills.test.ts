/**
 * The panel or the keeper is killed at a random moment of an apply: what is then in force is the base or the plan. How often
 * is RTT_KILLS (the panel) and RTT_KEEPER_KILLS.
 */
import { assert, assertEquals } from "@std/assert";
import type { StatusView } from "../../cli/panel/views.ts";
import { renew } from "./grants.ts";
import { pair, panel } from "./panels.ts";
import { kill, pause, until } from "./process.ts";
import { Project } from "./project.ts";
import { type Random } from "../fakes/random.ts";
import { seeded } from "./random.ts";

const FILE = "tests/e2e/kills.test.ts";
const PANEL_KILLS = Number(Deno.env.get("RTT_KILLS") ?? 40);
const KEEPER_KILLS = Number(Deno.env.get("RTT_KEEPER_KILLS") ?? 10);

/** Not touched by the change. */
const STEADY = pair("steady");
const SHARED = `
drivers: shared: {run: ["rtt:sink"], in: load: "load@^1.0"}
`;
const source = (name: string): string => `
drivers: ${name}: {run: ["rtt:gen", "--rate=500"], out: load: "load@1.0.0"}
routes: feed: {from: "${name}/load", to: "shared/load"}
`;

/** Two plans that move a running sink from one source to another, and start and end a pair. */
class Subject {
  #links = new Map<string | null, string>();
  #applyMs = 0;

  private constructor(
    readonly project: Project,
    readonly base: string,
    readonly next: string,
  ) {}

  static async make(project: Project): Promise<Subject> {
    await project.serve();
    const base = await project.become({ "panel.cue": panel(STEADY + SHARED + source("old")) });
    const before = await project.settled();
    project.write("panel.cue", panel(STEADY + SHARED + source("fresh") + pair("extra")));
    await project.rendered();
    const next = await project.plan();
    const subject = new Subject(project, base, next);
    const started = performance.now();
    await project.succeed("apply", next);
    subject.#applyMs = performance.now() - started;
    for (const status of [before, await project.settled()]) subject.#links.set(status.plan, links(status));
    assertEquals(subject.#links.size, 2);
    return subject;
  }

  /** Back to the base, with a plan that may be applied again. */
  async rewind(): Promise<void> {
    if ((await this.project.settled()).plan !== null && await this.#isNext()) {
      await this.project.succeed("rollback");
      await this.project.settled();
    }
    assert(!await this.#isNext());
    renew(this.project, this.next);
  }

  async #isNext(): Promise<boolean> {
    return this.next.includes((await this.project.status()).plan ?? "nothing");
  }

  /**
   * Applies, and does something at a random moment: of the whole command, or every other time of what follows its first
   * step, since most of its time goes by before. Answers the exit code.
   */
  async interrupted(random: Random, act: () => void | Promise<void>): Promise<number> {
    const apply = this.project.start("apply", this.next);
    const spoke = Promise.withResolvers<void>();
    const heard = drain(apply.stderr, spoke.resolve);
    const late = random.chance(0.5);
    if (late) await spoke.promise;
    await pause(random.next() * this.#applyMs * (late ? 0.3 : 1.1));
    await act();
    const [{ code }] = await Promise.all([apply.status, heard, drain(apply.stdout, () => {})]);
    return code;
  }

  /** The base or the plan, whole, and what the asker was told is true. */
  async holds(code: number): Promise<"base" | "plan"> {
    const status = await this.project.settled();
    assert([this.base, this.next].includes(this.project.path(`plans/${status.plan}.json`)), `plan ${status.plan}`);
    assertEquals(links(status), this.#links.get(status.plan), "a mix of base and plan");
    assert(status.drivers.every((each) => each.state === "running"));
    const isNext = this.next.includes(status.plan ?? "nothing");
    if (code === 0) assert(isNext, "the asker was told that it is committed");
    if (code === 4) assert(!isNext, "the asker was told that it is rolled back");
    return isNext ? "plan" : "base";
  }

  /** The instance that serves the driver that the change does not touch. */
  async instance(): Promise<string | null | undefined> {
    return (await this.project.status()).drivers.find((each) => each.name === "steadySink")?.instance;
  }

  /** The sink's own count rises between two of its reports; a new instance of it begins at 0. */
  async linesMove(): Promise<void> {
    let last = this.project.taken("steadySink");
    await until("the untouched lane moves", () => {
      const before = last;
      last = this.project.taken("steadySink");
      return last > before;
    });
  }
}

/** Reads to the end; says when the first words came, or that there are none. */
async function drain(stream: ReadableStream<Uint8Array>, spoke: () => void): Promise<void> {
  for await (const _ of stream) spoke();
  spoke();
}

function links(status: StatusView): string {
  return status.links.map(({ route, from, to, state }) => `${route}: ${from} → ${to} ${state}`).join("\n");
}

class Tally {
  readonly #counts = new Map<string, number>();

  add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  toString(): string {
    return [...this.#counts].sort().map(([what, times]) => `${what}: ${times}`).join(", ");
  }
}

Deno.test(`a panel killed ${PANEL_KILLS} times during apply: lanes move on, and the next one has the base or the plan`, async () => {
  const random = seeded(FILE);
  const tally = new Tally();
  await using project = await Project.signed();
  const subject = await Subject.make(project);
  for (let done = 0; done < PANEL_KILLS; done++) {
    await subject.rewind();
    const code = await subject.interrupted(random, () => project.killPanel());
    await subject.linesMove();
    await project.serve();
    tally.add(`exit ${code}, ${await subject.holds(code)}`);
  }
  console.log(`panel killed ${PANEL_KILLS} times; ${tally}`);
  await project.down();
});

Deno.test(`a keeper killed ${KEEPER_KILLS} times during apply: the panel starts another, with the base or the plan`, async () => {
  const random = seeded(FILE);
  const tally = new Tally();
  await using project = await Project.signed();
  const subject = await Subject.make(project);
  for (let done = 0; done < KEEPER_KILLS; done++) {
    await subject.rewind();
    const before = await subject.instance();
    const code = await subject.interrupted(random, () => {
      const { keeper } = project.pids();
      assert(keeper !== undefined);
      kill(keeper);
    });
    // All drivers end with their keeper.
    await until("another instance of what the change does not touch", async () => await subject.instance() !== before);
    tally.add(`exit ${code}, ${await subject.holds(code)}`);
    await subject.linesMove();
  }
  console.log(`keeper killed ${KEEPER_KILLS} times; ${tally}`);
  await project.down();
});
