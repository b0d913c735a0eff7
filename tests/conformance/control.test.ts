/**
 * The two ends of the control protocol are two programs in two languages: whatever the panel writes, the keeper's code reads
 * as the same, and the other way round.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DecodeError, decodePacket, type FromKeeper } from "../../cli/adapters/keeper/decode.ts";
import { encodePacket, encodeRequest } from "../../cli/adapters/keeper/encode.ts";
import { joinInventories } from "../../cli/adapters/keeper/inventory.ts";
import type { CellSpec, Inventory, KeeperRequest, Transition } from "../../core/keeper.ts";
import { LIMITS } from "../../core/limits.ts";
import { cell, count, instance, text, transition } from "./control_arbitrary.ts";

/** `ffi/panel/examples/echo.rs`: reads packets as the keeper does, and says back what it understood. */
class Echo implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #reader: ReadableStreamBYOBReader;

  constructor() {
    const workspace = new URL("../../ffi/Cargo.toml", import.meta.url).pathname;
    const args = ["run", "--quiet", "--locked", "--manifest-path", workspace, "-p", "rtt-panel", "--example", "echo"];
    this.#process = new Deno.Command("cargo", { args, stdin: "piped", stdout: "piped" }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#reader = this.#process.stdout.getReader({ mode: "byob" });
  }

  async says(packet: Uint8Array): Promise<Uint8Array<ArrayBuffer>[]> {
    const framed = new Uint8Array(4 + packet.length);
    new DataView(framed.buffer).setUint32(0, packet.length, true);
    framed.set(packet, 4);
    await this.#writer.write(framed);
    const answers: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      const length = new DataView((await this.#take(4)).buffer).getUint32(0, true);
      if (length === 0) return answers;
      answers.push(await this.#take(length));
    }
  }

  async all(packets: readonly Uint8Array[]): Promise<FromKeeper[]> {
    const answers: FromKeeper[] = [];
    for (const packet of packets) answers.push(...(await this.says(packet)).map(decodePacket));
    return answers;
  }

  async #take(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const { value, done } = await this.#reader.read(new Uint8Array(count), { min: count });
    assert(!done && value?.length === count, "the mirror answers");
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#process.status;
  }
}

const RUNS = { numRuns: 100 };

Deno.test("a transition of any size arrives whole, and comes back whole in an inventory", async () => {
  await using echo = new Echo();
  await fc.assert(
    fc.asyncProperty(transition, count, async (made, id) => {
      const packets = encodeRequest({ kind: "stage", transition: made }, id, 3);
      assert(packets.every((each) => each.length <= LIMITS.controlMessageBytes), "each part is a packet");
      const answers = await echo.all(packets);
      const parts = answers.map((answer, at): Inventory => {
        assert(answer.kind === "done" && answer.inventory, JSON.stringify(answer));
        assertEquals([answer.id, answer.more], [id, at < answers.length - 1]);
        return answer.inventory;
      });
      assertEquals(sorted(joinInventories(parts)), sorted(expected(made)));
    }),
    RUNS,
  );
});

/** What the mirror makes of a transition. */
function expected(made: Transition): Inventory {
  const states = ["starting", "parked", "running", "exited"] as const;
  return {
    epoch: made.from,
    lastEpoch: made.inverse,
    transitions: [made],
    instances: made.bindings.map(({ instance, forward }, at) => ({
      instance,
      tag: { plan: "plan", move: "restart:it" },
      pid: at + 1,
      state: states[at % states.length] ?? "starting",
      exit: at % states.length === 3 ? -9 : null,
      acknowledged: made.from,
      opened: ["out"],
      lanes: forward,
      sandbox: { landlock: "abi 7" },
    })),
    regions: made.regions.map(({ region, writer, reader, bytes }) => ({
      region,
      writer,
      reader,
      bytes,
      inode: region + 1,
      seals: ["shrink", "seal"],
    })),
  };
}

/** Parts of a binding and of bindings come in their order; the order among instances means nothing. */
function sorted(inventory: Inventory): Inventory {
  return { ...inventory, instances: [...inventory.instances].sort((one, two) => one.pid - two.pid) };
}

Deno.test("a cell arrives as it was said", async () => {
  await using echo = new Echo();
  await fc.assert(
    fc.asyncProperty(cell, async (made) => {
      const told = await understood(echo, { kind: "spawn", cell: made });
      assertEquals(told, [3, "spawn", ...listed(made)]);
    }),
    RUNS,
  );
});

function listed(made: CellSpec): unknown[] {
  const { stdio } = made;
  return [
    made.instance,
    [made.tag.plan, made.tag.move],
    made.run,
    made.env.map(([name, value]) => `${name}=${value}`),
    stdio && [stdio.io, stdio.frame, stdio.quietNs, stdio.answerWithinNs],
    made.endpoints.map((each) => [
      each.name,
      each.direction,
      each.fields.map((field) => [field.name, field.type, field.count, field.offset, [...field.default]]),
      each.dependsOn,
      each.contract,
      each.version,
      each.capabilities,
      each.layouts.map((layout) => [layout.since, layout.bytes, layout.hash]),
    ]),
    made.closure.map((each) => [each.path, each.hash, each.executable]),
    made.files.map((each) => [each.path, each.access]),
    made.network,
    made.cpus,
    made.memoryBytes,
    made.openFiles,
    made.stopWithinNs,
    made.startEarly,
    made.isolated,
    made.tokens.map((each) => [each.endpoint, each.verb, each.token, each.expiresNs]),
    made.stopOrder,
  ];
}

Deno.test("every other request arrives as it was said", async () => {
  await using echo = new Echo();
  await fc.assert(
    fc.asyncProperty(instance, count, count, async (of, one, two) => {
      const said: readonly [KeeperRequest, unknown[]][] = [
        [{ kind: "seal", transition: one }, ["seal", one]],
        [{ kind: "flip", from: one, to: two }, ["flip", one, two]],
        [{ kind: "discard", transition: one }, ["discard", one]],
        [{ kind: "settle", transition: one }, ["settle", one]],
        [{ kind: "stop", instance: of, withinNs: one }, ["stop", of, one]],
        [{ kind: "acknowledge", seq: one }, ["acknowledge", one]],
        [{ kind: "configure", noPanelForNs: one, logBytes: two }, ["configure", one, two]],
        [{ kind: "inventory" }, ["inventory"]],
        [{ kind: "shutdown" }, ["shutdown"]],
      ];
      for (const [request, words] of said) assertEquals(await understood(echo, request), [3, ...words]);
    }),
    RUNS,
  );
});

async function understood(echo: Echo, request: KeeperRequest): Promise<unknown> {
  const answers = await echo.all(encodeRequest(request, 9, 3));
  const pieces = answers.map((answer) => answer.kind === "refused" ? answer.message : "");
  return JSON.parse(pieces.join(""));
}

Deno.test("every event arrives as the keeper said it", async () => {
  await using echo = new Echo();
  await fc.assert(
    fc.asyncProperty(instance, count, text, async (of, number, sentence) => {
      const packets = encodeRequest({ kind: "answerOpen", instance: of, request: number, refusal: sentence }, 9, 3);
      const events = (await echo.all(packets)).map((each) => each.kind === "event" ? each.event : undefined);
      const token = "0a".repeat(32);
      assertEquals(events.map((each) => ({ ...each })), [
        { seq: 1, kind: "hello", instance: of, protocol: 1, kit: sentence },
        { seq: 2, kind: "open", instance: of, request: number, saddr: `${of}/out`, verb: "receive", token },
        { seq: 3, kind: "parked", instance: of },
        { seq: 4, kind: "mapped", instance: of, transition: number },
        { seq: 5, kind: "ready", instance: of, transition: number },
        { seq: 6, kind: "acknowledged", instance: of, epoch: number },
        { seq: 7, kind: "failed", instance: of, code: "driver.test", message: sentence },
        { seq: 8, kind: "exited", instance: of, exit: -9 },
      ]);
    }),
    RUNS,
  );
});

Deno.test("a packet with anything changed is read or refused, and never anything else", async () => {
  await using echo = new Echo();
  const edit = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(transition, edit, fc.nat(), async (made, edits, shorter) => {
      const [answer] = await echo.says(encodeRequest({ kind: "stage", transition: made }, 1, 1).at(-1) ?? nothing());
      for (const packet of [answer ?? nothing(), nothing()]) {
        const changed = packet.slice();
        for (const [at, byte] of edits) if (changed.length > 0) changed[at % changed.length] = byte;
        readOrRefused(changed);
        readOrRefused(changed.slice(0, shorter % (changed.length + 1)));
      }
    }),
    RUNS,
  );
});

Deno.test("bytes at random are refused", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 512 }), (bytes) => readOrRefused(Uint8Array.from(bytes))), RUNS);
});

function nothing(): Uint8Array<ArrayBuffer> {
  return encodePacket(1, 1, (root) => root.inventory = true);
}

function readOrRefused(packet: Uint8Array<ArrayBuffer>): void {
  try {
    decodePacket(packet);
  } catch (thrown) {
    assert(thrown instanceof DecodeError, `${thrown}`);
  }
}
