import { assert, assertEquals } from "@std/assert";
import { link } from "../../tests/sim/project.ts";
import { dropsOf, type LaneFigures } from "../keeper.ts";
import { LIMITS } from "../limits.ts";
import type { Link } from "../model/graph.ts";
import type { Instance, RouteName } from "../model/names.ts";
import { bucketOf, BUCKETS } from "../observe/histogram.ts";
import { type Guard, type GuardEvent, guardStep, NO_GUARD, samplesForAct, type Trip } from "./guard.ts";
import { lookEveryNs } from "./stall.ts";
import { judge, openWindow, slide } from "./window.ts";

const MS = 1_000_000;
const SECOND = 1_000 * MS;
const BUDGET = 5 * MS;

/** A lane whose frames take so long, played to a guard as time goes by. */
class Lane {
  lane = 1;
  sent = 0;
  over = 0;
  producerOver = 0;
  /** Of what was sent, frames about which the producer can't tell. */
  unsure = 0;
  histogram = new Array<number>(BUCKETS).fill(0);
  oldestNs = 0;
  now = 100 * SECOND;
  guard: Guard = NO_GUARD;
  readonly trips: Trip[] = [];

  constructor(readonly link: Link) {}

  get figures(): LaneFigures {
    const { lane, sent, over, producerOver, unsure, oldestNs } = this;
    return {
      lane,
      route: this.link.route,
      producer: "a.1" as Instance,
      consumer: "b.1" as Instance,
      sent,
      received: sent,
      drops: dropsOf(() => 0),
      depth: oldestNs > 0 ? 1 : 0,
      oldestNs,
      samples: sent,
      over,
      producerSamples: sent - unsure,
      producerOver,
      producerUnsure: unsure,
      histogram: [...this.histogram],
      active: true,
    };
  }

  send(frames: number, ns: number, producerNs = ns): void {
    this.sent += frames;
    if (ns > BUDGET) this.over += frames;
    if (producerNs > BUDGET) this.producerOver += frames;
    this.histogram[bucketOf(ns)] = (this.histogram[bucketOf(ns)] ?? 0) + frames;
  }

  tell(kind: GuardEvent["kind"], links: readonly Link[] = [this.link]): void {
    const remembered: RouteName[] = links.length === 0 ? [this.link.route] : [];
    const { guard, trips } = guardStep(this.guard, {
      kind,
      links,
      remembered,
      figures: [this.figures],
      nowNs: this.now,
    });
    this.guard = guard;
    this.trips.push(...trips);
  }

  /** Seconds of life: so many frames every 100 ms. */
  live(seconds: number, each: () => void = () => {}): void {
    for (let tick = 0; tick < seconds * 10; tick++) {
      each();
      this.now += 100 * MS;
      this.tell("snapshot");
    }
  }

  get watched() {
    const found = this.guard.routes.get(this.link.route);
    assert(found);
    return found;
  }
}

function route(over: Partial<Link> = {}): Link {
  return link("attitude", 1, "a/out0", "b/in0", { budgetNs: BUDGET, rateHz: 1_000, ...over });
}

Deno.test("the budget is broken when a hundredth of the samples or more is over it", () => {
  const lane = new Lane(route());
  const begin = openWindow(lane.figures, lane.now);
  lane.send(9_901, MS);
  lane.send(99, 6 * MS);
  const good = slide(begin, lane.figures, lane.now + SECOND);
  assertEquals([judge(good, BUDGET).breach, judge(good, BUDGET).samples], [false, 10_000]);
  lane.send(2, 6 * MS);
  assert(judge(slide(good, lane.figures, lane.now + 2 * SECOND), BUDGET).breach);
  assertEquals(judge(good, 0).breach, false);
});

Deno.test("a window is ten seconds: what was before them is forgotten", () => {
  const lane = new Lane(route({ onTrip: "alarm" }));
  lane.live(1, () => lane.send(100, 9 * MS));
  lane.live(10.1, () => lane.send(100, MS));
  assertEquals([lane.watched.judgement.over, lane.watched.judgement.samples], [0, 10_000]);
});

Deno.test("a trip needs a breach in two evaluations, a second apart, after a quiet bring-up", () => {
  const lane = new Lane(route({ onTrip: "fallback" }));
  lane.live(2.5, () => lane.send(1_000, 9 * MS));
  assertEquals(lane.trips, []);
  lane.live(4, () => lane.send(1_000, 9 * MS));
  const [trip] = lane.trips;
  assertEquals(lane.trips.length, 1);
  assertEquals([trip?.cause, lane.watched.breaker.state, lane.watched.trips], ["budget", "open", 1]);
});

Deno.test("with too few samples an alarm is all that happens", () => {
  const lane = new Lane(route({ onTrip: "fallback", rateHz: null }));
  lane.live(9, () => lane.send(10, 9 * MS));
  assertEquals(lane.trips, []);
  lane.live(3, () => lane.send(10, 9 * MS));
  assertEquals(lane.trips.map((each) => each.act), [null]);
  assert(lane.trips[0]?.why.includes("too few"));
});

Deno.test("with enough of them, the act is what the plan says", () => {
  const acts = (["alarm", "fallback", "cut", "rollback"] as const).map((onTrip) => {
    const lane = new Lane(route({ onTrip, rateHz: 100 }));
    lane.live(8, () => lane.send(200, 9 * MS));
    const act = lane.trips[0]?.act;
    assertEquals(lane.trips.length, 1, onTrip);
    return act?.kind === "move" ? act.move : act?.kind ?? null;
  });
  assertEquals(acts, [null, "fallback:attitude", "cut:attitude", "rollback"]);
});

Deno.test("two witnesses that disagree are shown, and nothing is done", () => {
  const lane = new Lane(route({ onTrip: "rollback" }));
  lane.live(12, () => lane.send(100, 9 * MS, MS));
  assertEquals([lane.trips.length, lane.watched.judgement.disputed], [0, true]);
});

Deno.test("a producer that can't tell leaves it to the consumer, in both directions", () => {
  const slow = new Lane(route({ onTrip: "alarm" }));
  slow.live(5, () => {
    slow.send(1, 9 * MS, MS);
    slow.unsure += 1;
  });
  assertEquals([slow.trips.length > 0, slow.watched.judgement.disputed], [true, false]);
  const good = new Lane(route({ onTrip: "alarm" }));
  good.live(5, () => {
    good.send(1, MS, MS);
    good.unsure += 1;
  });
  assertEquals([good.trips.length, good.watched.judgement.disputed], [0, false]);
});

Deno.test("a few frames of which the producer can't tell are enough to believe the consumer, and too few are not", () => {
  const trips = (unsure: number) => {
    const lane = new Lane(route({ onTrip: "alarm" }));
    lane.live(5, () => {
      lane.send(90, MS);
      lane.send(10, 9 * MS, MS);
      lane.unsure += unsure;
    });
    return [lane.trips.length > 0, lane.watched.judgement.disputed];
  };
  assertEquals([trips(10), trips(1), trips(0)], [[true, false], [true, false], [false, true]]);
});

Deno.test("counters that go back or are no numbers are not believed", () => {
  const lane = new Lane(route());
  lane.live(3, () => lane.send(100, MS));
  const before = lane.watched.judgement.samples;
  lane.sent = -5;
  lane.over = Number.NaN;
  lane.oldestNs = 1e300;
  lane.live(1);
  assertEquals([lane.watched.judgement.samples, lane.watched.judgement.breach], [before, false]);
});

Deno.test("a breaker half-opens after its backoff, closes when all is well, and waits longer when it is not", () => {
  const lane = new Lane(route({ onTrip: "alarm" }));
  const bad = () => lane.send(100, 9 * MS);
  const good = () => lane.send(100, MS);
  lane.live(5, bad);
  assertEquals([lane.watched.breaker.state, lane.watched.breaker.tier], ["open", 1]);
  lane.live(12, bad);
  assertEquals([lane.watched.breaker.state, lane.watched.breaker.tier], ["open", 2]);
  lane.live(30, good);
  assertEquals([lane.watched.breaker.state, lane.watched.breaker.tier], ["closed", 0]);
});

Deno.test("a stall trips at once, and once for a lane", () => {
  const lane = new Lane(route({ onTrip: "fallback", stallNs: 40 * MS }));
  lane.live(0.3, () => lane.send(100, MS));
  lane.oldestNs = 39 * MS;
  lane.tell("look");
  assertEquals(lane.trips.length, 0);
  lane.now += 10 * MS;
  lane.oldestNs = 49 * MS;
  lane.tell("look");
  lane.tell("look");
  assertEquals(lane.trips.map((each) => [each.cause, each.act?.kind]), [["stall", "move"]]);
  lane.tell("snapshot", []);
  assertEquals(lane.watched.trips, 1);
});

Deno.test("a stall about which nothing could be done trips again after the breaker's backoff", () => {
  const lane = new Lane(route({ onTrip: "fallback", stallNs: 40 * MS }));
  lane.live(3, () => lane.send(100, MS));
  lane.oldestNs = 50 * MS;
  lane.live(4);
  assertEquals(lane.trips.length, 1);
  lane.live(4);
  assertEquals(lane.trips.map((each) => each.cause), ["stall", "stall"]);
  assertEquals(lane.watched.breaker.tier, 2);
});

Deno.test("a consumer that has never taken a frame has its bring-up before it stalls", () => {
  const lane = new Lane(route({ onTrip: "fallback", stallNs: 40 * MS }));
  lane.oldestNs = 100 * MS;
  lane.live(1.5);
  assertEquals(lane.trips.length, 0);
  lane.live(1);
  assertEquals(lane.trips.length, 1);
});

Deno.test("a new lane of the route begins a new window", () => {
  const lane = new Lane(route());
  lane.live(3, () => lane.send(100, 9 * MS));
  lane.lane = 2;
  lane.live(0.1);
  assertEquals(lane.watched.judgement.samples, 0);
});

Deno.test("stalls are looked at every quarter of the shortest, and not at all without one", () => {
  assertEquals(lookEveryNs([route()]), null);
  assertEquals(lookEveryNs([route({ stallNs: 100 * MS }), route({ stallNs: 40 * MS })]), 10 * MS);
  assertEquals(lookEveryNs([route({ stallNs: 1 })]), LIMITS.stallNsMin / 4);
});

Deno.test("an act needs 5,000 samples, or most of what a slower route sends in a window", () => {
  assertEquals([
    samplesForAct(route({ rateHz: null })),
    samplesForAct(route({ rateHz: 2_000 })),
    samplesForAct(route({ rateHz: 10 })),
  ], [
    5_000,
    5_000,
    90,
  ]);
});
