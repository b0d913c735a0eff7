/** What becomes of drivers that die, and of consumers that stall. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { StatusView } from "../../cli/panel/views.ts";
import { pair, panel } from "./panels.ts";
import { kill, pause, readText, until } from "./process.ts";
import { Project } from "./project.ts";

function driver(status: StatusView, name: string) {
  const found = status.drivers.find((each) => each.name === name);
  assert(found, `no driver ${name}`);
  return found;
}

const BUDGET = 2;

Deno.test(`a killed driver is started again ${BUDGET} times, then it stays down and is shown degraded`, async () => {
  const restart = `drivers: gen: restart: {budget: ${BUDGET}, within: "10m"}`;
  await using project = await Project.signed({ "panel.cue": panel(pair("gen") + restart + pair("other")) });
  await project.serve();
  await project.become();
  const seen = new Set<string | null>();
  for (let done = 0; done < BUDGET; done++) {
    const before = driver(await project.settled(), "gen");
    seen.add(before.instance);
    assert(before.pid !== null);
    kill(before.pid);
    await until("another instance serves", async () => {
      const now = driver(await project.status(), "gen");
      return now.state === "running" && now.instance !== before.instance;
    });
    const status = await project.settled();
    assertEquals(driver(status, "gen").restarts, done + 1);
    assertEquals(status.links.map((link) => link.state), ["up", "up"]);
    const taken = project.taken("genSink");
    await until("its lane moves again", () => project.taken("genSink") > taken);
  }
  const last = driver(await project.settled(), "gen");
  assertEquals(seen.size, BUDGET);
  assert(last.pid !== null && !seen.has(last.instance));
  kill(last.pid);
  await until("it is shown as down", async () => driver(await project.status(), "gen").pid === null);
  await until("nothing is under way", async () => (await project.status()).phase === "idle");
  const status = await project.status();
  assertEquals(status.links.map((link) => [link.route, link.state]), [["gen", "degraded"], ["other", "up"]]);
  assertMatch(driver(status, "gen").why ?? "", /restart|budget/);
  const drift = await project.drift();
  assert(!drift.equal && drift.drifts.every((each) => each.degraded), JSON.stringify(drift));
  await project.exits(10, "drift", "--detailed-exitcode");
  const taken = project.taken("otherSink");
  await until("the others move", () => project.taken("otherSink") > taken);
  // Applying the committed plan again repairs it.
  await project.succeed("apply", project.path(`plans/${status.plan}.json`));
  assertEquals((await project.settled()).links.map((link) => link.state), ["up", "up"]);
  await project.down();
});

Deno.test("what a killed consumer had not taken is taken back by its producer, and nothing is lost", async () => {
  const cue = panel(pair("gen")).replace("--rate=1000", "--rate=2000");
  await using project = await Project.signed({ "panel.cue": cue });
  await project.serve();
  await project.become();
  await until("frames arrive", () => project.taken("genSink") > 100);
  const stopped = await stop(project, "genSink");
  await pause(200);
  const [link] = (await project.status()).links;
  assert((link?.depth ?? 0) > 100, `only ${link?.depth} frames wait`);
  kill(stopped);
  await until("another instance serves", async () => driver(await project.status(), "genSink").restarts === 1);
  const { ended } = await project.settled();
  const [account] = ended.filter((each) => each.route === "gen");
  assertEquals([account?.lost, account?.dropped], [0, 0], JSON.stringify(ended));
  assertEquals(account?.sent, account?.received);
  await project.down();
});

/** A source with two sinks, of which one stands by. */
const spared = (onTrip: string) => `
drivers: gen: {run: ["rtt:gen", "--rate=500"], out: load: "load@1.0.0"}
drivers: first: {run: ["rtt:sink"], in: load: "load@^1.0"}
drivers: spare: {run: ["rtt:sink"], in: load: "load@^1.0"}
routes: main: {from: "gen/load", to: "first/load", stall: "40ms", backpressure: "dropNewest", ${onTrip}}
routes: reserve: {from: "gen/load", to: "spare/load", standby: true, backpressure: "dropNewest"}
`;

/** The pid of the process that is stopped: its whole cell is one process. */
async function stop(project: Project, name: string): Promise<number> {
  const { pid } = driver(await project.settled(), name);
  assert(pid !== null);
  kill(pid, "SIGSTOP");
  return pid;
}

Deno.test("a stalled consumer on a route with a fallback: the move is made, logged, and outlives the panel", async () => {
  const cue = panel(spared('onTrip: "fallback", fallback: main: "reserve"'));
  await using project = await Project.signed({ "panel.cue": cue });
  await project.serve();
  await project.become();
  await until("frames arrive", () => project.taken("first") > 100);
  const stopped = await stop(project, "first");
  await until("the spare takes over", () => project.taken("spare") > 100);
  const states = (status: StatusView) => status.links.map((link) => [link.route, link.state]);
  await until("it is shown", async () => {
    return JSON.stringify(states(await project.status())) === '[["main","ended"],["reserve","up"]]';
  });
  const status = await project.status();
  assertEquals(status.moves.length, 1);
  const main = status.links.find((link) => link.route === "main");
  assert((main?.trips ?? 0) >= 1 && main?.breaker !== "closed", JSON.stringify(main));
  kill(stopped, "SIGCONT");
  await project.settled();
  assertMatch(await project.succeed("history"), /moved .*main/);
  await project.killPanel();
  await project.serve();
  assertEquals(states(await project.settled()), states(status));
  await project.down();
});

Deno.test("a stalled consumer on a route with an alarm: the trip is shown, and nothing moves", async () => {
  await using project = await Project.signed({ "panel.cue": panel(spared('onTrip: "alarm"')) });
  await project.serve();
  await project.become();
  await until("frames arrive", () => project.taken("first") > 100);
  const root = await project.root();
  const stopped = await stop(project, "first");
  const main = async () => (await project.status()).links.find((link) => link.route === "main");
  await until("the trip is shown", async () => ((await main())?.trips ?? 0) > 0);
  assertEquals((await main())?.breaker, "open");
  assertMatch((await main())?.last_trip ?? "", /ms|stall|taken/);
  kill(stopped, "SIGCONT");
  const taken = project.taken("first");
  await until("frames arrive again", () => project.taken("first") > taken);
  const status = await project.settled();
  assertEquals([status.moves, await project.root()], [[], root]);
  assertEquals(status.links.map((link) => [link.route, link.to]), [["main", "first/load"]]);
  await project.down();
});

/** A consumer that now and then stands still for a while, as a busy machine makes one. */
class Stutter {
  #stops = true;
  readonly #done: Promise<void>;

  constructor(pid: number, standsMs: number, runsMs: number) {
    const beat = async () => {
      while (this.#stops) {
        kill(pid, "SIGSTOP");
        await pause(standsMs);
        kill(pid, "SIGCONT");
        await pause(runsMs);
      }
    };
    this.#done = beat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stops = false;
    await this.#done;
  }
}

const linkOf = async (project: Project, route: string) =>
  (await project.status()).links.find((each) => each.route === route);

/** Its producer looks every 200 ms, and of a frame that took more than 20 ms it can't say so. */
Deno.test("a budget that is broken trips on a route that sends more seldom than its budget", async () => {
  const cue = panel(
    pair("gen", ', p99: "20ms", rate: "5Hz", onTrip: "alarm"').replace("--rate=1000", "--rate=5"),
  );
  await using project = await Project.signed({ "panel.cue": cue });
  await project.serve();
  await project.become();
  await until("frames arrive", () => project.taken("genSink") > 5);
  const { pid } = driver(await project.settled(), "genSink");
  assert(pid !== null);
  {
    // Longer than between two frames, so that each time some of them wait.
    await using _stutter = new Stutter(pid, 450, 250);
    await until("the trip is shown", async () => ((await linkOf(project, "gen"))?.trips ?? 0) > 0, 30_000);
  }
  const gen = await linkOf(project, "gen");
  assertEquals([gen?.breaker === "closed", gen?.disputed], [false, false]);
  assertMatch(gen?.last_trip ?? "", /frames in 10 s were over its budget of 20 ms/);
  await project.down();
});

Deno.test("a budget that is broken on a route with a fallback: the move is made", async () => {
  const more = 'p99: "20ms", rate: "100Hz", backpressure: "dropNewest"';
  const cue = panel(`
drivers: gen: {run: ["rtt:gen", "--rate=100"], out: load: "load@1.0.0"}
drivers: first: {run: ["rtt:sink"], in: load: "load@^1.0"}
drivers: spare: {run: ["rtt:sink"], in: load: "load@^1.0"}
routes: main: {from: "gen/load", to: "first/load", ${more}, onTrip: "fallback", fallback: main: "reserve"}
routes: reserve: {from: "gen/load", to: "spare/load", standby: true, ${more}}
`);
  await using project = await Project.signed({ "panel.cue": cue });
  await project.serve();
  await project.become();
  await until("frames arrive", () => project.taken("first") > 10);
  const { pid } = driver(await project.settled(), "first");
  assert(pid !== null);
  {
    await using _stutter = new Stutter(pid, 80, 200);
    // A move waits for the samples of a window.
    await until("the spare takes over", () => project.taken("spare") > 10, 40_000);
  }
  const status = await project.settled();
  assertEquals(status.links.map((link) => [link.route, link.state]), [["main", "ended"], ["reserve", "up"]]);
  assertMatch(status.links[0]?.last_trip ?? "", /frames in 10 s were over its budget of 20 ms/);
  assertMatch(await project.succeed("history"), /moved .*main/);
  await project.down();
});

/** The frames that it held uncredited go to the instance in its place. */
Deno.test("a consumer that is killed under load: each frame is handled at least once", async () => {
  const counting = "i=0; while :; do i=$((i + 1)); echo $i; sleep 0.002; done";
  const cue = panel(`
drivers: source: {run: ["sh", "-c", ${JSON.stringify(counting)}], speaks: "stdio", out: load: "load@1.0.0"}
drivers: drain: {run: ["rtt:sink", "--file=numbers.txt"], in: load: "load@^1.0", files: "numbers.txt": "rw"}
routes: told: {from: "source/load", to: "drain/load"}
`);
  await using project = await Project.signed({ "panel.cue": cue });
  await project.serve();
  await project.become();
  const numbers = () => readText(project.path("numbers.txt")).trimEnd().split("\n").map(Number);
  for (let killed = 0; killed < 2; killed++) {
    const before = numbers().length;
    await until("frames arrive", () => numbers().length > before + 100);
    const { pid } = driver(await project.settled(), "drain");
    assert(pid !== null);
    // Stopped first, so that frames wait in its ring when it dies.
    kill(pid, "SIGSTOP");
    await pause(100);
    kill(pid);
    const after = numbers().length;
    await until("another takes over", () => numbers().length > after + 100);
  }
  const seen = new Set(numbers());
  const most = Math.max(...seen);
  const missing = Array.from({ length: most }, (_, index) => index + 1).filter((number) => !seen.has(number));
  assertEquals(missing, []);
  await project.down();
});
