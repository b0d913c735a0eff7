/** Every limit of a declaration: what is at it is read, and one more is refused with its code, its place and a remedy. */
import { assert, assertEquals } from "@std/assert";
import { readProject } from "../../cli/project/project.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Place } from "../../core/model/config.ts";
import { readConfig } from "../../core/model/parse.ts";
import { topologyIssue } from "../../core/plan/groups.ts";
import { topology } from "../../core/plan/testing.ts";
import { driver, replaced, SOUND } from "./config_cases.ts";

/** A value with so many, or so much, of what is limited. */
type Make = (amount: number) => unknown;

interface Case {
  readonly limit: string;
  readonly path: string;
  readonly make: Make;
  readonly most: number;
  readonly past?: number;
  readonly code?: string;
}

const some = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);
const named = (count: number, value: (at: number) => unknown, first: readonly string[] = []) =>
  Object.fromEntries(some(count).map((at) => [first[at] ?? `n${at}`, value(at)]));
const fields = (count: number) => some(count).map((at) => ({ name: `f${at}`, type: "u8" }));
const ends = (ins: number, outs: number) =>
  driver({ in: named(ins, () => "load@^1.0", ["load"]), out: named(outs, () => "load@1.0.0", ["out"]) });
/** A record of so many bytes: arrays have at most six digits. */
const record = (bytes: number) => {
  const longest = 999_999;
  const lengths = [...some(Math.floor(bytes / longest)).map(() => longest), bytes % longest];
  return lengths.map((length, at) => ({ name: `f${at}`, type: `u8[${length}]` }));
};

const CASES: readonly Case[] = [
  {
    limit: "drivers",
    path: "drivers",
    most: LIMITS.drivers,
    make: (n) => named(n, (at) => at === 0 ? SOUND.drivers.gen : SOUND.drivers.sink, ["gen", "sink"]),
  },
  {
    limit: "contracts",
    path: "contracts",
    most: LIMITS.contracts,
    make: (n) => named(n, () => SOUND.contracts.load, ["load"]),
  },
  { limit: "routes", path: "routes", most: LIMITS.routes, make: (n) => named(n, () => SOUND.routes.load, ["load"]) },
  { limit: "endpoints, inputs", path: "drivers.sink", most: LIMITS.endpointsOfADriver, make: (n) => ends(n, 0) },
  {
    limit: "endpoints, both ways",
    path: "drivers.sink",
    most: LIMITS.endpointsOfADriver,
    make: (n) => ends(n - 32, 32),
  },
  { limit: "fields", path: "contracts.load.fields", most: LIMITS.fieldsOfAContract, make: fields },
  {
    limit: "values of an enum",
    path: "contracts.load.fields.0",
    most: LIMITS.valuesOfAnEnum,
    make: (n) => ({ name: "n", type: "u16", values: named(n, (at) => at) }),
  },
  {
    limit: "earlier versions",
    path: "contracts.load.earlier",
    most: LIMITS.earlierOfAContract,
    make: (n) => some(n).map((at) => ({ version: `0.${at}.0`, fields: [] })),
  },
  {
    limit: "bytes of a default",
    path: "contracts.load.fields.0",
    most: LIMITS.defaultBytes,
    code: "config.value",
    make: (n) => ({ name: "n", type: "string<2000>", default: "x".repeat(n) }),
  },
  {
    limit: "bytes of a record",
    path: "contracts.load.fields",
    most: LIMITS.recordBytes,
    code: "contract.size",
    make: record,
  },
  {
    limit: "rules that allow",
    path: "policy.allow",
    most: LIMITS.rules,
    make: (n) => some(n).map(() => ({ from: "*/*", to: "*/*" })),
  },
  {
    limit: "rules that deny",
    path: "policy.deny",
    most: LIMITS.rules,
    make: (n) => some(n).map(() => ({ from: "x*/*", to: "*/*" })),
  },
  {
    limit: "signatures",
    path: "policy.sign.plan",
    most: LIMITS.signaturesOfAnEnvelope,
    code: "config.value",
    make: (n) => n,
  },
  {
    limit: "arguments",
    path: "drivers.gen.run",
    most: LIMITS.argumentsOfADriver,
    make: (n) => ["rtt:gen", ...some(n - 1).map(String)],
  },
  { limit: "variables", path: "drivers.gen.env", most: LIMITS.argumentsOfADriver, make: (n) => named(n, String) },
  { limit: "files", path: "drivers.gen.files", most: LIMITS.filesOfADriver, make: (n) => named(n, () => "r") },
  {
    limit: "restarts",
    path: "drivers.gen.restart.budget",
    most: LIMITS.restartBudget,
    code: "config.value",
    make: (n) => n,
  },
  { limit: "most memory", path: "drivers.gen.memory", most: LIMITS.memoryBytesMax / 1024, make: (n) => `${n}KiB` },
  {
    limit: "least memory",
    path: "drivers.gen.memory",
    most: LIMITS.memoryBytesMin,
    past: LIMITS.memoryBytesMin - 1,
    make: (n) => `${n}B`,
  },
  {
    limit: "fallbacks",
    path: "routes.load.fallback",
    most: LIMITS.fallbackRoutes,
    make: (n) => named(n, () => "load"),
  },
  { limit: "longest time", path: "panel.noPanelFor", most: LIMITS.durationNs / 1_000_000, make: (n) => `${n}ms` },
  {
    limit: "least time to prepare",
    path: "panel.prepareWithin",
    most: LIMITS.prepareWithinNsMin,
    past: LIMITS.prepareWithinNsMin - 1,
    make: (n) => `${n}ns`,
  },
  { limit: "rate", path: "routes.load.rate", most: LIMITS.rateHz / 1_000, make: (n) => `${n}kHz` },
  {
    limit: "least stall",
    path: "routes.load.stall",
    most: LIMITS.stallNsMin,
    past: LIMITS.stallNsMin - 1,
    code: "route.stall",
    make: (n) => `${n}ns`,
  },
  {
    limit: "largest ring",
    path: "routes.load.ring",
    most: LIMITS.ringBytesMax,
    past: 2 * LIMITS.ringBytesMax,
    code: "route.ring",
    make: (n) => `${n}B`,
  },
  {
    limit: "least ring",
    path: "routes.load.ring",
    most: LIMITS.ringBytesMin,
    past: LIMITS.ringBytesMin / 2,
    code: "route.ring",
    make: (n) => `${n}B`,
  },
  {
    limit: "frames of a ring",
    path: "routes.load.maxFrame",
    most: 64 * 1024 / 4 - 32,
    code: "route.frame",
    make: (n) => `${n}B`,
  },
];

const PLACE: Place = { file: "panel.cue", line: 7, column: 3 };

for (const { limit, path, make, most, past = most + 1, code = "config.limit" } of CASES) {
  Deno.test(`limit: ${limit}: ${most} and not ${past}`, () => {
    const said = (amount: number) => {
      const value = replaced(SOUND, path.split("."), make(amount));
      return readConfig(value, new Map([[path, PLACE]])).issues.filter((each) => each.code === code);
    };
    assertEquals(said(most), []);
    const [issue] = said(past);
    assertEquals(issue?.where, PLACE);
    assert(issue?.remedy !== "");
  });
}

Deno.test("limit: bytes of all CUE files together", () => {
  const dir = Deno.makeTempDirSync({ prefix: "rtt-limits-" });
  try {
    Deno.writeFileSync(`${dir}/a.cue`, new Uint8Array(LIMITS.configBytes - 10).fill(10));
    Deno.writeFileSync(`${dir}/b.cue`, new Uint8Array(10).fill(10));
    assert(readProject(dir).ok);
    Deno.writeFileSync(`${dir}/b.cue`, new Uint8Array(11).fill(10));
    const read = readProject(dir);
    assertEquals(read.ok ? [] : read.issues.map((each) => [each.code, each.where?.file]), [["config.limit", "b.cue"]]);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("limit: cpus and nodes of a host", () => {
  const { cpus, nodes } = LIMITS.plan;
  for (const good of [topology(1, 1, cpus), topology(nodes)]) assertEquals(topologyIssue(good), undefined);
  for (const bad of [topology(1, 1, cpus + 1), topology(nodes + 1)]) {
    assertEquals(topologyIssue(bad)?.code, "facts.topology");
  }
});
