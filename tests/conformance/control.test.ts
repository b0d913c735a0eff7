/**
 * The two ends of the control protocol are two programs: whatever the panel says, the keeper's code reads as the same, and
 * the other way round, through the native library and a real socket.
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { isEvent, readMessage, type Reply, writeRequest } from "../../cli/adapters/keeper/messages.ts";
import { readPart } from "../../cli/parts.ts";
import type { CellSpec, Inventory, KeeperEvent, KeeperRequest, Transition } from "../../core/keeper.ts";
import type { Hash } from "../../core/model/names.ts";
import { type MessageLink, NativeError, openNative } from "../../ffi/mod.ts";
import { cell, count, instance, text, transition } from "./control_arbitrary.ts";
import { temporary } from "./processes.ts";

const NATIVE = openNative(readPart("librtt_panel.so"));

/** `ffi/panel/examples/echo.rs`: reads packets as the keeper does, and says back what it understood. */
class Echo implements AsyncDisposable {
  private constructor(
    readonly folder: Disposable,
    readonly process: Deno.ChildProcess,
    readonly link: MessageLink,
  ) {}

  static async open(): Promise<Echo> {
    const folder = temporary();
    const workspace = new URL("../../ffi/Cargo.toml", import.meta.url).pathname;
    const args = ["run", "--quiet", "--locked", "--manifest-path", workspace, "-p", "rtt-panel", "--example", "echo"];
    const process = new Deno.Command("cargo", { args: [...args, "--", folder.path], stdout: "piped" }).spawn();
    const reader = process.stdout.getReader();
    assert(!(await reader.read()).done, "it listens");
    await reader.cancel();
    const link = NATIVE.connect(folder.path);
    assert(link !== undefined);
    return new Echo(folder, process, link);
  }

  say(id: number, request: KeeperRequest): void {
    this.link.send(writeRequest(id, 3, request));
  }

  /** The next messages, until `last` is so. */
  async hear(last: (message: Reply | KeeperEvent) => boolean): Promise<(Reply | KeeperEvent)[]> {
    const heard: (Reply | KeeperEvent)[] = [];
    for (;;) {
      for (let next = this.link.take(); next; next = this.link.take()) {
        const message = readMessage(next.json);
        heard.push(message);
        if (last(message)) return heard;
      }
      assert(await this.link.wait(), `it goes on: ${this.link.why()}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.link.stop();
    this.link.release();
    await this.process.status;
    this.folder[Symbol.dispose]();
  }
}

const RUNS = { numRuns: 100 };

Deno.test("a transition of any size arrives whole, and comes back whole in an inventory", async () => {
  await using echo = await Echo.open();
  await fc.assert(
    fc.asyncProperty(transition, count, async (made, id) => {
      echo.say(id, { kind: "stage", transition: made });
      const [answer] = await echo.hear(() => true);
      assert(answer?.kind === "done" && answer.inventory, JSON.stringify(answer));
      assertEquals(answer.id, id);
      assertEquals(answer.inventory, expected(made));
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
      connected: true,
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

Deno.test("a cell arrives as it was said", async () => {
  await using echo = await Echo.open();
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
      each.fields.map((field) => [field.name, field.type, field.count, field.offset, field.default]),
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
  await using echo = await Echo.open();
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
      ];
      for (const [request, words] of said) assertEquals(await understood(echo, request), [3, ...words]);
    }),
    RUNS,
  );
});

async function understood(echo: Echo, request: KeeperRequest): Promise<unknown> {
  echo.say(9, request);
  let told = "";
  const answers = await echo.hear((each) => {
    if (each.kind === "refused") told += each.message;
    return isWhole(told);
  });
  assert(answers.every((each) => !isEvent(each) && each.id === 9));
  return JSON.parse(told);
}

/** A sentence that is too long for the wire comes in pieces. */
function isWhole(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}

Deno.test("every event arrives as the keeper said it", async () => {
  await using echo = await Echo.open();
  await fc.assert(
    fc.asyncProperty(instance, count, text, async (of, number, sentence) => {
      echo.say(9, { kind: "answerOpen", instance: of, request: number, refusal: sentence });
      const events = await echo.hear((each) => each.kind === "exited");
      const token = "0a".repeat(32);
      assertEquals(events as unknown[], [
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

Deno.test("a request that no packet holds is refused, and the link goes on", async () => {
  await using echo = await Echo.open();
  const [made] = fc.sample(cell, 1);
  assert(made);
  const hash = "a".repeat(64) as Hash;
  const closure = Array.from({ length: 1_000 }, (_, at) => ({ path: `file-${at}.py`, hash, executable: false }));
  const large = { kind: "spawn", cell: { ...made, closure } } as const;
  const thrown = assertThrows(() => echo.say(1, large), NativeError);
  assertEquals(thrown.code, "control.tooLarge");
  assertEquals(await understood(echo, { kind: "inventory" }), [3, "inventory"]);
});

Deno.test("bytes that are no packet end the link, with a reason", async () => {
  await using echo = await Echo.open();
  echo.say(1, { kind: "shutdown" });
  while (await echo.link.wait()) assertEquals(echo.link.take(), undefined);
  assertMatch(echo.link.why(), /^cannot read the message because its encoding is broken/);
});
