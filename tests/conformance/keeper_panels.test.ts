/** Panels that come and go, drivers that do not answer, and figures: what only a real keeper has. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { RealKeeper } from "./real_keeper.ts";
import { GEN, genCell, joining, Panel, SINK, sinkCell } from "./scripted_panel.ts";

/** `gen` and `sink`, joined by the first transition. */
async function joined(real: RealKeeper): Promise<Panel> {
  const panel = new Panel(real.keeper);
  await panel.start(genCell(real.monotonicNs()), sinkCell(real.monotonicNs()));
  const transition = joining(0, 1);
  await panel.prepare(transition);
  await panel.flip(0, 1, transition);
  return panel;
}

Deno.test("nothing is sealed before its writers have mapped it", async () => {
  await using real = await RealKeeper.open();
  const panel = new Panel(real.keeper);
  await panel.start(genCell(real.monotonicNs()), sinkCell(real.monotonicNs()));
  await real.pause(GEN);
  await panel.done({ kind: "stage", transition: joining(0, 1) });
  await panel.heardStep("mapped", SINK, 1);
  assertEquals(await panel.refused({ kind: "seal", transition: 1 }), "keeper.notMapped");
  await real.goOn(GEN);
  await panel.heardStep("mapped", GEN, 1);
  await panel.done({ kind: "seal", transition: 1 });
});

Deno.test("a driver that does not listen is killed when its time is over", async () => {
  await using real = await RealKeeper.open();
  const panel = new Panel(real.keeper);
  await panel.start(genCell(real.monotonicNs()));
  await real.pause(GEN);
  await panel.done({ kind: "stop", instance: GEN, withinNs: 100_000_000 });
  const exited = await panel.heardOf(GEN, "exited");
  assertEquals(exited.kind === "exited" && exited.exit, -9);
});

Deno.test("the next panel hears what no panel has acknowledged, in order, and nothing else", async () => {
  await using real = await RealKeeper.open();
  const first = new Panel(real.keeper, "", false);
  await first.start(genCell(real.monotonicNs()));
  const [hello, ...rest] = first.seen;
  assert(hello?.kind === "hello");
  await first.done({ kind: "acknowledge", seq: hello.seq });
  const next = new Panel(await real.attachAgain());
  await next.heardOf(GEN, "parked");
  assertEquals(next.seen, rest);
  assertEquals((await next.fact(GEN))?.state, "parked");
});

Deno.test("a new panel fences the old one off", async () => {
  await using real = await RealKeeper.open();
  const old = new Panel(real.keeper);
  const next = await real.attachAgain();
  await old.heard((event) => event.kind === "lost");
  await assertRejects(() => old.ask({ kind: "inventory" }));
  assertEquals(next.generation, 2);
});

Deno.test("when the keeper dies the link is lost, and every question with it", async () => {
  await using real = await RealKeeper.open();
  const panel = new Panel(real.keeper);
  await panel.start(genCell(real.monotonicNs()));
  await real.killKeeper();
  await panel.heard((event) => event.kind === "lost");
  await assertRejects(() => panel.ask({ kind: "inventory" }));
  assertEquals(real.keeper.figures(), []);
});

Deno.test("told to end, the keeper ends its drivers and then itself", async () => {
  await using real = await RealKeeper.open();
  const panel = await joined(real);
  const pids = (await panel.inventory()).instances.map((each) => each.pid);
  await panel.done({ kind: "shutdown" });
  await panel.heard((event) => event.kind === "lost");
  for (const pid of pids) assert(!isAlive(pid), `driver ${pid} has ended`);
});

Deno.test("a burst of questions is answered, each, in their order", async () => {
  await using real = await RealKeeper.open();
  const answered: number[] = [];
  const ask = async (number: number): Promise<void> => {
    const reply = await real.keeper.request({ kind: "discard", transition: number });
    assertEquals(reply.kind, "done");
    answered.push(number);
  };
  const numbers = Array.from({ length: 10_000 }, (_, at) => at + 1);
  await Promise.all(numbers.map(ask));
  assertEquals(answered, numbers);
});

Deno.test("acknowledgements asked for at once cost a few packets, and cover all", async () => {
  await using real = await RealKeeper.open();
  const panel = new Panel(real.keeper, "", false);
  await panel.start(genCell(real.monotonicNs()));
  const last = Math.max(...panel.seen.map((event) => event.seq));
  await Promise.all(
    Array.from({ length: 50_000 }, (_, at) => panel.done({ kind: "acknowledge", seq: at % (last + 1) })),
  );
  const next = new Panel(await real.attachAgain());
  assertEquals((await next.inventory()).instances.length, 1);
  assertEquals(next.seen, []);
});

Deno.test("figures of a lane are read while it works, and none of its frames is lost", async () => {
  await using real = await RealKeeper.open();
  const panel = new Panel(real.keeper);
  await panel.start(genCell(real.monotonicNs()), sinkCell(real.monotonicNs()));
  const transition = joining(0, 1);
  await panel.prepare(transition);
  await panel.inventory(); // By its answer the descriptors that the link asked for are there.
  const [staged] = real.keeper.figures();
  assertEquals([staged?.active, staged?.sent, staged?.route], [false, 0, "load"]);
  await panel.flip(0, 1, transition);
  const started = performance.now();
  let last = real.keeper.figures()[0];
  while ((last?.received ?? 0) < 200 && performance.now() - started < 5_000) {
    await new Promise((wake) => setTimeout(wake, 20));
    const next = real.keeper.figures()[0];
    assert((next?.received ?? 0) >= (last?.received ?? 0), "counters never go back");
    last = next;
  }
  assert(last !== undefined && last.received >= 200, JSON.stringify(last));
  assertEquals([last.active, last.producer, last.consumer], [true, "gen.1", "sink.1"]);
  assertEquals(Object.values(last.drops).reduce((sum, each) => sum + each, 0), 0);
  assert(last.sent - last.received <= last.depth + 1, "what was sent is there or was received");
  assert(last.samples > 0 && last.histogram.reduce((sum, each) => sum + each, 0) > 0);
});

Deno.test("what the last panel left running, the next one sees and measures", async () => {
  await using real = await RealKeeper.open();
  await joined(real);
  const next = new Panel(await real.attachAgain());
  assertEquals((await next.inventory()).instances.map((each) => each.state), ["running", "running"]);
  await next.inventory();
  const [figures] = real.keeper.figures();
  assert((figures?.sent ?? 0) > 0 && figures?.active === true, JSON.stringify(figures));
});

function isAlive(pid: number): boolean {
  try {
    return !Deno.readTextFileSync(`/proc/${pid}/stat`).includes(") Z ");
  } catch {
    return false;
  }
}
