import { assertEquals } from "@std/assert";
import type { Hash } from "../../core/model/names.ts";
import { Waivers } from "./waivers.ts";

const policy = (waive: unknown): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({
    ...{ strict: true, allow: [], deny: [], network: [], fanout: [], sign: { plan: 1, manifest: 1, policy: 1 } },
    waive,
  }));

Deno.test("a waiver holds for its driver, under its policy, to the end of its last day, and no longer", () => {
  const waived = { what: "isolation", why: "vendor binary", until: "2027-01-31" };
  const store = new Map<string, Uint8Array>([
    ["with", policy([{ driver: "lag", ...waived }, { driver: "imu", ...waived, until: "2026-12-31" }])],
    ["without", policy([])],
  ]);
  let now = Date.parse("2027-01-31T23:59:59Z");
  const waivers = new Waivers({ get: (hash) => store.get(hash) as Uint8Array<ArrayBuffer> | undefined }, {
    wallMs: () => now,
  });
  const isolates = (driver: string, hash?: string) => waivers.isolates(driver, hash as Hash | undefined);
  assertEquals(["lag", "imu", "gen"].map((driver) => isolates(driver, "with")), [false, true, true]);
  assertEquals([isolates("lag", "without"), isolates("lag", "missing"), isolates("lag")], [true, true, true]);
  assertEquals(waivers.count("with" as Hash), 1);
  now += 1_000;
  assertEquals([isolates("lag", "with"), waivers.count("with" as Hash)], [true, 0]);
});
