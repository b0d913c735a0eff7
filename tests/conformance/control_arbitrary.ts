/** Everything that a panel can say, at random and within the limits. */
import fc from "fast-check";
import type { CellSpec, LaneSpec, Region, StagedBinding, Transition } from "../../core/keeper.ts";
import type { Stdio } from "../../core/model/config.ts";
import type { EndpointName, Hash, Instance, RouteName } from "../../core/model/names.ts";

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
const name = <Name extends string>() => fc.stringMatching(NAME) as fc.Arbitrary<Name>;
const instance: fc.Arbitrary<Instance> = fc.tuple(name(), fc.integer({ min: 1, max: 999_999_999_999_999 }))
  .map(([driver, number]) => `${driver}.${number}` as Instance);
const hash: fc.Arbitrary<Hash> = fc.stringMatching(/^[0-9a-f]{64}$/) as fc.Arbitrary<Hash>;
/** Printable ASCII. */
const text = fc.stringMatching(/^[ -~]{0,80}$/);
const count = fc.maxSafeNat();
const u32 = fc.nat(0xffff_ffff);
const aligned = fc.nat(0xffff).map((pages) => pages * 4_096);

const lane: fc.Arbitrary<LaneSpec> = fc.record({
  lane: count,
  route: name<RouteName>(),
  routeId: u32,
  side: fc.constantFrom("producer", "consumer"),
  endpoint: name<EndpointName>(),
  peer: instance,
  ringRegion: count,
  producerPage: aligned,
  ring: aligned,
  ringBytes: fc.integer({ min: 12, max: 28 }).map((bits) => 2 ** bits),
  creditRegion: count,
  consumerPage: aligned,
  maxFrameBytes: u32,
  backpressure: fc.constantFrom("block", "dropNewest", "fail"),
  blockNs: count,
  wait: fc.constantFrom("sleep", "spinThenSleep"),
  spinNs: count,
  drainWithinNs: count,
  budgetNs: count,
  rateHz: fc.double({ min: 0, max: 1e9, noNaN: true }),
});

const region: fc.Arbitrary<Region> = fc.record({
  region: fc.nat(0xffff_ffff),
  writer: instance,
  reader: instance,
  bytes: fc.integer({ min: 1, max: 262_144 }).map((pages) => pages * 4_096),
});

/** Mostly few lanes, sometimes more than a packet holds. */
const lanes = fc.oneof(
  { arbitrary: fc.array(lane, { maxLength: 4 }), weight: 8 },
  { arbitrary: fc.tuple(lane, fc.nat(400)).map(([one, more]) => copies(one, more)), weight: 1 },
);

function copies(one: LaneSpec, more: number): LaneSpec[] {
  return Array.from({ length: more }, (_, at) => ({ ...one, lane: at, routeId: at }));
}

const binding: fc.Arbitrary<StagedBinding> = fc.record({
  instance,
  forward: lanes,
  inverse: lanes,
  mustAcknowledge: fc.boolean(),
});

export const transition: fc.Arbitrary<Transition> = fc.record({
  from: fc.nat(1_000_000),
  regions: fc.oneof(
    { arbitrary: fc.array(region, { maxLength: 4 }), weight: 8 },
    { arbitrary: fc.array(region, { minLength: 250, maxLength: 600 }), weight: 1 },
  ),
  bindings: fc.uniqueArray(binding, { maxLength: 6, selector: (each) => each.instance }),
}).map((made) => ({ ...made, id: made.from + 1, forward: made.from + 1, inverse: made.from + 2 }));

const stdio: fc.Arbitrary<Stdio> = fc.record({
  io: fc.constantFrom("pipe", "pty"),
  frame: fc.oneof(
    fc.constant({ kind: "lines" } as const),
    fc.record({ kind: fc.constant("fixed" as const), bytes: u32 }),
    fc.constant({ kind: "prefixed" } as const),
  ),
  quietNs: count,
  answerWithinNs: count,
});

const few = <T>(of: fc.Arbitrary<T>) => fc.array(of, { maxLength: 4 });
const field = fc.record({
  name: name(),
  type: fc.constantFrom("u8", "f64", "bool", "string"),
  count: fc.integer({ min: 1, max: 1_000 }),
  offset: u32,
  default: fc.array(fc.nat(255), { maxLength: 40 }),
});

export const cell: fc.Arbitrary<CellSpec> = fc.record({
  instance,
  tag: fc.record({ plan: text, move: text }),
  run: few(text),
  env: few(fc.tuple(name(), text)),
  stdio: fc.option(stdio),
  endpoints: few(fc.record({
    name: name<EndpointName>(),
    direction: fc.constantFrom("in", "out"),
    fields: few(field),
    dependsOn: few(name()),
    contract: fc.array(name(), { minLength: 1, maxLength: 3 }).map((names) => names.join(".")),
    version: text,
    capabilities: few(text),
    layouts: few(fc.record({ since: text, bytes: u32, hash })),
  })),
  closure: few(fc.record({ path: text, hash, executable: fc.boolean() })),
  files: few(fc.record({ path: text, access: fc.constantFrom("r", "rw") })),
  network: fc.boolean(),
  cpus: few(fc.nat(4_095)),
  memoryBytes: count,
  openFiles: u32,
  stopWithinNs: count,
  startEarly: fc.boolean(),
  isolated: fc.boolean(),
  tokens: few(fc.record({
    endpoint: name(),
    verb: fc.constantFrom("send", "receive"),
    token: hash,
    expiresNs: count,
  })),
  stopOrder: u32,
}) as fc.Arbitrary<CellSpec>;

export { count, instance, text };
