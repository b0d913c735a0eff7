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
  #commitMs = 5;

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

  /** Applies, and does something at a random moment of the whole command. Answers the exit code. */
  async interrupted(random: Random, act: Act): Promise<number> {
    return await this.#during(act, (heard) => Promise.race([heard(""), pause(random.next() * this.#applyMs * 1.1)]));
  }

  /**
   * The same so long after it was said that lanes are staged that about half of them end in the plan: the moment is moved
   * away from each outcome, and so stays around the commit.
   */
  async interruptedAtCommit(random: Random, act: Act): Promise<number> {
    return await this.#during(act, async (heard) => {
      await heard("stage:");
      await exactly(Math.max(0, this.#commitMs + random.next() * JITTER_MS - JITTER_MS / 2));
    });
  }

  /** What came of one of those. */
  learn(ended: "base" | "plan"): void {
    this.#commitMs = Math.max(0, this.#commitMs + (ended === "base" ? STEP_MS : -STEP_MS));
  }

  async #during(act: Act, moment: (heard: (word: string) => Promise<void>) => Promise<unknown>): Promise<number> {
    const apply = this.project.start("apply", this.next);
    const said = new Said(apply.stderr);
    // Nothing more is said by a command that has ended.
    await moment((word) => word === "" ? said.ended : Promise.race([said.hears(word), said.ended]));
    await act();
    const [{ code }] = await Promise.all([apply.status, said.ended, new Said(apply.stdout).ended]);
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

type Act = () => void | Promise<void>;

/** How far the moment is moved, and the width of chance around it. */
const STEP_MS = 1.5;
const JITTER_MS = 3;

/** Timers count whole milliseconds. */
async function exactly(ms: number): Promise<void> {
  const end = performance.now() + ms;
  if (ms > 2) await pause(Math.floor(ms) - 1);
  while (performance.now() < end);
}

/** The words of a command while it says them. */
class Said {
  readonly ended: Promise<void>;
  #text = "";
  #waiting: { readonly word: string; readonly heard: () => void } | undefined;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.ended = this.#read(stream);
  }

  hears(word: string): Promise<void> {
    return new Promise((heard) => {
      this.#waiting = { word, heard };
      this.#look();
    });
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      this.#text += chunk;
      this.#look();
    }
  }

  #look(): void {
    if (this.#waiting && this.#text.includes(this.#waiting.word)) this.#waiting.heard();
  }
}

function links(status: StatusView): string {
  return status.links.map(({ route, from, to, state }) => `${route}: ${from} → ${to} ${state}`).join("\n");
}

class Tally {
  readonly #counts = new Map<string, number>();

  add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  count(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  toString(): string {
    return [...this.#counts].sort().map(([what, times]) => `${what}: ${times}`).join(", ");
  }
}

/** Decisions that a panel has found open when it started, and undone. */
async function undone(project: Project): Promise<number> {
  const lines = (await project.succeed("history", "--json")).trim().split("\n").map((line) => JSON.parse(line));
  return lines.filter(({ kind, why }) => kind === "R" && /the panel that decided it ended/.test(why)).length;
}

Deno.test(`a panel killed ${PANEL_KILLS} times during apply: lanes move on, and the next one has the base or the plan`, async () => {
  const random = seeded(FILE);
  const tally = new Tally();
  await using project = await Project.signed();
  const subject = await Subject.make(project);
  let rolledBack = 0;
  // By chance none may come between a decision and its commit: then some more are aimed there.
  for (let done = 0; done < PANEL_KILLS || (rolledBack === 0 && done < 2 * PANEL_KILLS); done++) {
    await subject.rewind();
    const atCommit = done % 2 === 0 || done >= PANEL_KILLS;
    const act = () => project.killPanel();
    const code = await (atCommit ? subject.interruptedAtCommit(random, act) : subject.interrupted(random, act));
    await subject.linesMove();
    await project.serve();
    const ended = await subject.holds(code);
    if (atCommit) subject.learn(ended);
    tally.add(`exit ${code}`);
    tally.add(ended);
    rolledBack = await undone(project);
  }
  console.log(`panel killed ${PANEL_KILLS} times; ${tally}; decisions undone by the next panel: ${rolledBack}`);
  assert(tally.count("base") > 0 && tally.count("plan") > 0, `only one outcome: ${tally}`);
  assert(rolledBack > 0, "no kill came between a decision and its commit");
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
