import { EXIT, type ExitCode } from "../../core/errors.ts";
import type { DriverStatus, LinkStatus } from "../../core/observe/status.ts";
import { openClient, ROUTES } from "../client.ts";
import type { Call, Command } from "../command.ts";
import type { Paint } from "../output.ts";
import type { StatusView } from "../panel/views.ts";
import { sandboxText } from "../sandbox.ts";
import { table } from "../table.ts";

export const command: Command = {
  name: "status",
  operands: "",
  arity: [0, 0],
  summary: "links and drivers: what is committed, what runs, measured beside predicted",
  options: [],
  examples: ["rtt status", "rtt status --json"],
  async run(call: Call): Promise<ExitCode> {
    using client = openClient(call.dir);
    const view = await client.get(ROUTES.status) as StatusView;
    for (const line of words(view, call.output.paint)) call.output.line(line);
    call.output.object(view);
    return EXIT.done;
  },
};

/** What people see. `drops` are counted by the lane that is; `lost` is what no counter of the lanes before it accounts for. */
export function words(view: StatusView, paint: Paint): readonly string[] {
  const plan = view.plan === null ? "nothing is committed" : `plan ${view.plan.slice(0, 12)}, serial ${view.serial}`;
  const moves = view.moves.length === 0 ? "" : `; moves in force: ${view.moves.join(", ")}`;
  const waivers = view.waivers === 0 ? "" : `; ${view.waivers} waiver(s) hold`;
  const busy = view.phase === "idle" ? "" : `; ${view.phase}`;
  return [
    `panel ${paint.bold(view.panel)}: ${plan}${moves}${waivers}${busy}`,
    ...view.broken.map((each) => paint.red(`broken: ${each}`)),
    "",
    ...table(
      [
        "route",
        "from → to",
        "state",
        "frames",
        "drops",
        "lost",
        "depth",
        "p50",
        "p99",
        "budget",
        "predicted",
        "breaker",
      ],
      view.links.map((link) => linkRow(link, lostOf(view.ended, [link.route]), paint)),
    ),
    ...goneWords(view, paint),
    "",
    ...table(
      ["driver", "instance", "pid", "state", "restarts", "sandbox"],
      view.drivers.map((each) => driverRow(each, paint)),
    ),
    ...view.drivers.flatMap(({ name, instance, said }) => {
      return said === null ? [] : [paint.yellow(`${instance ?? name} says: ${said}`)];
    }),
  ];
}

/** Sent − received − counted drops, on lanes that ended. */
function lostOf(ended: StatusView["ended"], routes: readonly string[]): number {
  return ended.filter((each) => routes.includes(each.route)).reduce((sum, each) => sum + each.lost, 0);
}

/** Losses of routes that are no link any more have no row. */
function goneWords({ ended, links }: StatusView, paint: Paint): readonly string[] {
  const linked = new Set<string>(links.map((each) => each.route));
  return ended.filter((each) => each.lost > 0 && !linked.has(each.route)).map((each) =>
    paint.yellow(`route ${each.route}, no link any more: ${each.lost} of ${each.sent} frames lost`)
  );
}

function linkRow(link: LinkStatus, lost: number, paint: Paint): readonly string[] {
  const drops = Object.values(link.drops).reduce((sum, each) => sum + each, 0);
  const counted = (frames: number): string => frames === 0 ? "0" : paint.yellow(String(frames));
  return [
    link.route,
    `${link.from} → ${link.to}`,
    link.state === "up" ? paint.green("up") : paint.yellow(link.state),
    String(link.frames),
    counted(drops),
    counted(lost),
    String(link.depth),
    time(link.p50_ns),
    time(link.p99_ns),
    link.budget_ms === null ? "-" : `${link.budget_ms} ms`,
    time(link.predicted_p99_ns),
    link.breaker === "closed" ? "closed" : paint.red(link.breaker),
  ];
}

function driverRow(driver: DriverStatus, paint: Paint): readonly string[] {
  const state = driver.state === "running" ? paint.green("running") : paint.red(driver.why ?? driver.state);
  const sandbox = sandboxText(driver.sandbox);
  return [driver.name, driver.instance ?? "-", String(driver.pid ?? "-"), state, String(driver.restarts), sandbox];
}

/** Nanoseconds for people. */
function time(ns: number | null): string {
  if (ns === null) return "-";
  if (ns < 1e3) return `${ns} ns`;
  return ns < 1e6 ? `${(ns / 1e3).toFixed(1)} µs` : `${(ns / 1e6).toFixed(2)} ms`;
}
