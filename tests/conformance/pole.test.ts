/** The main job on the real keeper and nothing above it: a pole that falls by itself stays up over two lanes. */
import { assert, assertEquals } from "@std/assert";
import { type Lane, laneSide, layOut } from "../../core/apply/layout.ts";
import type { CellEndpoint, CellSpec, LaneSpec, Transition } from "../../core/keeper.ts";
import { type DriverName, type EndpointName, type Hash, type Instance, instance } from "../../core/model/names.ts";
import { opaque } from "../fakes/endpoint.ts";
import { RealKeeper } from "./real_keeper.ts";
import { cellOf, linkOf, Panel } from "./scripted_panel.ts";

const PLANT = instance("plant" as DriverName, 1);
const RUST = instance("rust" as DriverName, 1);
const AWK = instance("awk" as DriverName, 1);

const STATE = ["t", "x", "v", "angle", "rate"];
const FORCE = ["force"];

/** Its fields have eight bytes each. */
function endpoint(name: string, direction: "in" | "out", names: readonly string[]): CellEndpoint {
  const type = (field: string) => field === "t" ? "u64" : "f64";
  const fields = names.map((each, at) => (
    { name: each, type: type(each), count: 1, offset: 8 * at, default: [] } as const
  ));
  const layouts = [{ since: "1.0.0", bytes: 8 * names.length, hash: "0".repeat(64) as Hash }];
  return { ...opaque(name, direction), fields, layouts };
}

function plantCell(nowNs: number): CellSpec {
  const endpoints = [endpoint("state", "out", STATE), endpoint("force", "in", FORCE)];
  return cellOf(PLANT, ["rtt:plant", "--seed=7"], endpoints, nowNs);
}

function controlEndpoints(): readonly CellEndpoint[] {
  return [endpoint("state", "in", STATE), { ...endpoint("force", "out", FORCE), dependsOn: ["state" as EndpointName] }];
}

function rustCell(nowNs: number): CellSpec {
  return cellOf(RUST, ["rtt:controller"], controlEndpoints(), nowNs);
}

/** The same in a line of awk, which knows nothing of lanes. */
function awkCell(nowNs: number): CellSpec {
  const line = "{ print 8.26 * $2 + 6.83 * $3 + 31.6 * $4 + 1.73 * $5; fflush() }";
  const stdio = { io: "pty", frame: { kind: "lines" }, quietNs: 2_000_000, answerWithinNs: 1_000_000_000 } as const;
  return { ...cellOf(AWK, ["/usr/bin/awk", line], controlEndpoints(), nowNs), stdio };
}

interface Loop {
  readonly controller: Instance;
  readonly lanes: readonly Lane[];
  readonly regions: Transition["regions"];
}

/** State to this controller, and its force back. */
function loopWith(controller: Instance, forward: number): Loop {
  const driver = controller.split(".")[0];
  const links = [
    { ...linkOf("act", 2, `${driver}/force`, "plant/force"), backpressure: "dropNewest" as const },
    { ...linkOf("sense", 1, "plant/state", `${driver}/state`), backpressure: "dropNewest" as const },
  ];
  const wires = links.map((link) =>
    link.route === "sense"
      ? { link, producer: PLANT, consumer: controller }
      : { link, producer: controller, consumer: PLANT }
  );
  return { controller, ...layOut(wires, forward) };
}

function sides(of: Instance, loop: Loop | undefined): readonly LaneSpec[] {
  return (loop?.lanes ?? []).flatMap((lane) => [
    ...(lane.producer === of ? [laneSide(lane, "producer")] : []),
    ...(lane.consumer === of ? [laneSide(lane, "consumer")] : []),
  ]);
}

/** From one loop, or none, to another. */
function change(from: number, before: Loop | undefined, after: Loop, forward: number): Transition {
  const concerned = new Set([PLANT, after.controller, ...(before ? [before.controller] : [])]);
  const bindings = [...concerned].map((of) => ({
    instance: of,
    forward: of === PLANT || of === after.controller ? sides(of, after) : [],
    inverse: of === PLANT || of === before?.controller ? sides(of, before) : [],
    mustAcknowledge: true,
  }));
  return { id: forward, from, forward, inverse: forward + 1, regions: after.regions, bindings };
}

interface Said {
  readonly max_deg: number;
  readonly gap_ms: number;
  readonly fallen: boolean;
}

/** What the plant said of itself since its line `from`. */
function said(real: RealKeeper, from = 0): readonly Said[] {
  const lines = Deno.readTextFileSync(`${real.dir}/.rtt/logs/plant.log`).split("\n").slice(0, -1);
  return lines.filter((line) => line.startsWith("{")).slice(from).map((line) => JSON.parse(line));
}

async function pass(milliseconds: number): Promise<void> {
  await new Promise((wake) => setTimeout(wake, milliseconds));
}

/** Frames that went into a lane and came out nowhere, over all lanes that there are. */
function lost(real: RealKeeper): number {
  return real.keeper.figures().reduce((sum, { drops }) => sum + drops.corrupt + drops.superseded + drops.duplicate, 0);
}

async function balanced(real: RealKeeper, panel: Panel, cell: CellSpec): Promise<Loop> {
  await panel.start(plantCell(real.monotonicNs()), cell);
  const loop = loopWith(cell.instance, 1);
  const transition = change(0, undefined, loop, 1);
  await panel.prepare(transition);
  await panel.flip(0, 1, transition);
  await panel.done({ kind: "settle", transition: 1 });
  return loop;
}

Deno.test("the Rust controller keeps the pole up over two lanes", async () => {
  await using real = await RealKeeper.open();
  await balanced(real, new Panel(real.keeper), rustCell(real.monotonicNs()));
  await pass(3_000);
  const reports = said(real);
  assert(reports.length > 20, "it says how it is");
  assert(reports.every((each) => !each.fallen && each.max_deg < 5), JSON.stringify(reports));
  assertEquals(lost(real), 0);
  const [act, sense] = real.keeper.figures().toSorted((one, two) => one.route < two.route ? -1 : 1);
  assert((sense?.received ?? 0) > 2_000 && (act?.received ?? 0) > 1_000, "a thousand times a second");
});

Deno.test("control moves from a line of awk to Rust while the pole stands", async () => {
  await using real = await RealKeeper.open();
  const panel = new Panel(real.keeper);
  const awk = await balanced(real, panel, awkCell(real.monotonicNs()));
  await panel.start(rustCell(real.monotonicNs()));
  await pass(1_500);
  const transition = change(1, awk, loopWith(RUST, 3), 3);
  await panel.prepare(transition);
  await panel.flip(1, 3, transition);
  assertEquals(lost(real), 0);
  await panel.done({ kind: "settle", transition: 3 });
  const before = said(real).length;
  await pass(1_500);
  const reports = said(real);
  assert(before > 10 && reports.length > before + 10);
  assert(reports.every((each) => !each.fallen && each.max_deg < 5), JSON.stringify(reports));
});

Deno.test("without its controller for half a second the pole falls, and stays fallen", async () => {
  await using real = await RealKeeper.open();
  await balanced(real, new Panel(real.keeper), rustCell(real.monotonicNs()));
  await pass(1_000);
  assertEquals(said(real).at(-1)?.fallen, false);
  await real.pause(RUST);
  await pass(500);
  await real.goOn(RUST);
  await pass(300);
  assertEquals(said(real).at(-1)?.fallen, true);
});
