/** Everything about routes that is refused before a solver is asked, each with its code. */
import { assert, assertEquals } from "@std/assert";
import { CODES } from "../codes.ts";
import { LIMITS } from "../limits.ts";
import type { Route } from "../model/config.ts";
import type { DriverName } from "../model/names.ts";
import { checkRoutes } from "./check.ts";
import { config, type ConfigWords, driver, route, rule } from "./testing.ts";

const imu = driver("imu", { out: { sample: "imu.sample@1.2.0", more: "imu.sample@1.2.0" } });
const filter = driver("filter", { in: { sample: "imu.sample@^1.0", spare: "imu.sample@^1.0" } });
const attitude = route("attitude", "imu/sample", "filter/sample");

function codes(words: Partial<ConfigWords>): readonly string[] {
  const issues = checkRoutes(config({ drivers: [imu, filter], routes: [attitude], ...words }));
  for (const { code, message, remedy } of issues) {
    assert(CODES[code], `${code} is not listed`);
    assert(/^cannot .+ because .+/s.test(message), message);
    assert(remedy.length > 0);
  }
  return issues.map((each) => each.code);
}

const pair = (from: Parameters<typeof driver>[1], to: Parameters<typeof driver>[1]) => [
  driver("imu", from),
  driver("filter", to),
];
const other = (over: Partial<Route>) => ({ routes: [{ ...attitude, ...over }] });

Deno.test("a sound project has no issue", () => assertEquals(codes({}), []));

Deno.test("ends that lead nowhere are refused", () => {
  assertEquals(codes({ routes: [route("r", "gyro/sample", "filter/sample")] }), ["route.driver"]);
  assertEquals(codes({ routes: [route("r", "imu/sampel", "filter/sample")] }), ["route.endpoint"]);
  assertEquals(codes({ routes: [route("r", "filter/sample", "imu/sample")] }), ["route.direction", "route.direction"]);
});

Deno.test("endpoints that don't fit are refused: contract, version, capability", () => {
  const takes = (is: string, capabilities: string[] = []) => ({ in: { sample: { is, capabilities } } });
  const gives = (is: string, capabilities: string[] = []) => ({ out: { sample: { is, capabilities } } });
  assertEquals(codes({ drivers: pair(gives("imu.sample@1.0.0"), takes("gps.fix@*")) }), ["route.contract"]);
  assertEquals(codes({ drivers: pair(gives("imu.sample@2.0.0"), takes("imu.sample@^1.0")) }), ["route.meet"]);
  assertEquals(
    codes({ drivers: pair(gives("a@1.0.0", ["raw"]), takes("a@*", ["raw", "calibrated"])) }),
    ["route.capability"],
  );
  assertEquals(codes({ drivers: pair(gives("a@1.0.0", ["raw", "x"]), takes("a@*", ["raw"])) }), []);
});

Deno.test("a driver is never joined to itself", () => {
  const echo = driver("echo", { in: { a: "x@*" }, out: { b: "x@1.0.0" } });
  assertEquals(codes({ drivers: [echo], routes: [route("r", "echo/b", "echo/a")] }), ["route.self"]);
});

Deno.test("what policy doesn't allow is refused, and deny wins", () => {
  assertEquals(codes({ policy: { allow: [] } }), ["route.denied"]);
  assertEquals(codes({ policy: { allow: [rule("imu/s*", "filter/*")] } }), []);
  assertEquals(codes({ policy: { deny: [rule("*/sample", "fil*er/sample")] } }), ["route.denied"]);
  assertEquals(codes({ policy: { deny: [rule("imu/sampl", "*/*")] } }), []);
});

Deno.test("a driver with network needs the policy's grant", () => {
  const drivers = [{ ...imu, network: true }, filter];
  assertEquals(codes({ drivers }), ["driver.network"]);
  assertEquals(codes({ drivers, policy: { network: [imu.name] } }), []);
});

Deno.test("both drivers of a critical route are pinned", () => {
  const pinned = [{ ...imu, cpu: "pinned" as const }, { ...filter, cpu: "pinned" as const }];
  assertEquals(codes(other({ critical: true })), ["route.unpinned"]);
  assertEquals(codes({ ...other({ critical: true }), drivers: pinned }), []);
  assertEquals(codes({ ...other({ critical: true }), drivers: [pinned[0] ?? imu, filter] }), ["route.unpinned"]);
});

Deno.test("a budget that nothing can meet is refused", () => {
  assertEquals(codes(other({ budgetNs: 1_000 })), ["route.budget"]);
  assertEquals(codes(other({ budgetNs: 1_000, wait: "spinThenSleep" })), []);
});

Deno.test("one active `to` for each `from`", () => {
  const second = route("second", "imu/sample", "filter/spare");
  assertEquals(codes({ routes: [attitude, second] }), ["route.from.twice"]);
  assertEquals(codes({ routes: [attitude, { ...second, standby: true }] }), []);
  assertEquals(codes({ routes: [attitude, route("second", "imu/more", "filter/sample")] }), []);
});

Deno.test("one `in` reads as many lanes as its limit, and no more", () => {
  const most = LIMITS.lanesOfAnInput;
  const sources = Array.from({ length: most + 1 }, (_, at) => ({ ...imu, name: `imu${at}` as DriverName }));
  const routes = sources.map(({ name }) => route(`from-${name}`, `${name}/sample`, "filter/sample"));
  assertEquals(codes({ drivers: [...sources, filter], routes: routes.slice(0, most) }), []);
  assertEquals(codes({ drivers: [...sources, filter], routes }), ["route.inputs"]);
  const standby = routes.map((each, at) => at === 0 ? { ...each, standby: true } : each);
  assertEquals(codes({ drivers: [...sources, filter], routes: standby }), []);
});

Deno.test("fan-out is refused as not there yet", () => {
  const bus = route("bus", "imu/sample", "filter/sample", { class: "bus" });
  assertEquals(codes({ routes: [bus], policy: { fanout: [bus.name] } }), ["route.fanout.notYet"]);
});

Deno.test("no driver for a chosen end, or none that will do, says why of each", () => {
  const any = route("r", "any imu.sample@^2.0 as source", "filter/sample");
  const [issue] = checkRoutes(config({ drivers: [imu, filter], routes: [any] }));
  assertEquals(issue?.code, "route.meet");
  assertEquals(
    issue?.message,
    "cannot wire route `r` because none of its 2 candidates will do: `imu/more → filter/sample`, " +
      "`imu/sample → filter/sample`: version =1.2.0 is outside >=2.0.0 <3.0.0, which the route asks for",
  );
  assertEquals(codes({ routes: [route("r", "any gps.fix@* as source", "filter/sample")] }), ["route.noProvider"]);
});

Deno.test("all ends of one `as` are met by one driver", () => {
  const left = driver("left", { in: { a: "x@*" } });
  const right = driver("right", { out: { b: "y@1.0.0" } });
  const both = driver("both", { in: { a: "x@*" }, out: { b: "y@1.0.0" } });
  const user = driver("user", { in: { b: "y@*" }, out: { a: "x@1.0.0" } });
  const routes = [route("there", "user/a", "any x@* as svc"), route("back", "any y@* as svc", "user/b")];
  assertEquals(codes({ drivers: [left, right, user], routes }), ["route.as", "route.as"]);
  assertEquals(codes({ drivers: [left, right, both, user], routes }), []);
});

const loop = (over: Partial<Route>, depends: boolean) => {
  const dependsOn = depends ? ["in"] : [];
  const stage = (name: string) => driver(name, { in: { in: "x@*" }, out: { out: { is: "x@1.0.0", dependsOn } } });
  return {
    drivers: [stage("a"), stage("b")],
    routes: [route("ab", "a/out", "b/in", over), route("ba", "b/out", "a/in", over)],
  };
};

Deno.test("cycles are judged on what outputs depend on", () => {
  assertEquals(codes(loop({ class: "hook" }, false)), []);
  assertEquals(codes(loop({ class: "hook" }, true)), ["route.cycle"]);
  assertEquals(codes(loop({ class: "api" }, true)), ["route.cycle"]);
});

Deno.test("a bus may go round with a TTL and dedupe ids", () => {
  assertEquals(codes(loop({ class: "bus" }, true)), ["route.busCycle"]);
  assertEquals(codes(loop({ class: "bus", ttl: 4 }, true)), ["route.busCycle"]);
  assertEquals(codes(loop({ class: "bus", ttl: 4, dedupe: true }, true)), []);
});

Deno.test("a cycle that only a fallback would close is refused now", () => {
  const { drivers, routes: [ab, ba] } = loop({}, true);
  const sink = driver("sink", { in: { in: "x@*" } });
  if (!ab || !ba) throw new Error("two routes");
  const plain = { ...ba, to: route("r", "b/out", "sink/in").to, onTrip: "fallback" as const };
  const spare = { ...ba, name: route("spare", "a/b", "a/b").name, standby: true };
  const routes = [ab, { ...plain, fallback: new Map([[plain.name, spare.name]]) }, spare];
  assertEquals(codes({ drivers: [...drivers, sink], routes }), ["route.cycle"]);
});

Deno.test("a fallback map names standby routes that fit", () => {
  const spare = route("spare", "imu/more", "filter/sample", { standby: true });
  const falling = (map: readonly (readonly [Route, Route])[], over: Partial<Route> = {}) => ({
    ...attitude,
    onTrip: "fallback" as const,
    fallback: new Map(map.map(([one, two]) => [one.name, two.name] as const)),
    ...over,
  });
  assertEquals(codes({ routes: [falling([[attitude, spare]]), spare] }), []);
  assertEquals(codes({ routes: [falling([]), spare] }), ["fallback.missing"]);
  assertEquals(codes({ routes: [falling([[attitude, spare]], { onTrip: "alarm" }), spare] }), ["fallback.unused"]);
  assertEquals(codes({ routes: [falling([[attitude, spare]])] }), ["fallback.unknown"]);
  assertEquals(codes({ routes: [falling([[attitude, attitude]])] }), ["fallback.notStandby"]);
  const strange = { ...spare, to: route("r", "imu/more", "filter/spare").to };
  assertEquals(codes({ routes: [falling([[attitude, strange]]), strange] }), ["fallback.ends"]);
  const bus = { ...spare, class: "bus" as const };
  assertEquals(codes({ routes: [falling([[attitude, bus]]), bus] }), ["fallback.ends"]);
  const proud = falling([[attitude, spare]], { standby: true });
  assertEquals(codes({ routes: [proud, spare] }), ["fallback.standby"]);
});
