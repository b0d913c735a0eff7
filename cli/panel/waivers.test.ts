/** Which drivers a signed policy lets run without isolation, and until when. */
import { assertEquals } from "@std/assert";
import type { Hash } from "../../core/model/names.ts";
import { canonical } from "../../core/trust/canonical.ts";
import { Waivers } from "./waivers.ts";

const DAY_MS = 24 * 3_600_000;
const HASH = "0".repeat(64) as Hash;

function waiversAt(day: string, waive: readonly { driver: string; until: string }[], offsetMs = 0): Waivers {
  const policy = {
    strict: true,
    allow: [],
    deny: [],
    network: [],
    fanout: [],
    sign: { plan: 1, manifest: 1, policy: 1 },
    waive: waive.map((each) => ({ ...each, what: "isolation", why: "vendor binary" })),
  };
  const store = { has: () => true, put: () => HASH, get: () => canonical(policy) };
  const waivers = new Waivers(store, { monotonicNs: () => 0, wallMs: () => Date.parse(day) + offsetMs });
  waivers.use(HASH);
  return waivers;
}

Deno.test("a waiver holds to the end of its last day, and not a millisecond longer", () => {
  const until = [{ driver: "imu", until: "2027-01-31" }];
  const holds = (offsetMs: number) => waiversAt("2027-01-31T00:00:00Z", until, offsetMs).has("imu");
  assertEquals([holds(0), holds(DAY_MS - 1), holds(DAY_MS)], [true, true, false]);
});

Deno.test("waivers are counted while they hold, for the drivers that they name", () => {
  const both = [{ driver: "imu", until: "2027-01-31" }, { driver: "lidar", until: "2026-12-31" }];
  const waivers = waiversAt("2027-01-15", both);
  assertEquals([waivers.count, waivers.has("imu"), waivers.has("lidar"), waivers.has("gen")], [1, true, false, false]);
});

Deno.test("without a committed plan there is no policy, and nothing is waived", () => {
  const waivers = waiversAt("2027-01-15", [{ driver: "imu", until: "2027-01-31" }]);
  waivers.use(undefined);
  assertEquals([waivers.count, waivers.has("imu")], [0, false]);
});
