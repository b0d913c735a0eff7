/** The real keeper in a folder of its own, with real cells, gone without a trace at the end. */
import { attachKeeper, KeeperLink, openKeeper } from "../../cli/adapters/keeper.ts";
import { readPart } from "../../cli/parts.ts";
import { assert } from "../../core/errors.ts";
import type { Instance } from "../../core/model/names.ts";
import { openNative } from "../../ffi/mod.ts";
import type { Bench } from "./keeper_suite.ts";
import { genCell, sinkCell } from "./scripted_panel.ts";

/** Until every cell of an ended keeper is gone. */
const GONE_WITHIN_MS = 10_000;

/** One library for all tests, loaded before the first of them: it stays in the process anyway. */
const NATIVE = openNative(readPart("librtt_panel.so"));

export class RealKeeper implements AsyncDisposable {
  #links: KeeperLink[];

  private constructor(readonly dir: string, link: KeeperLink) {
    this.#links = [link];
  }

  static async open(): Promise<RealKeeper> {
    const dir = Deno.makeTempDirSync({ prefix: "rtt-keeper-" });
    return new RealKeeper(dir, await openKeeper(NATIVE, places(dir)));
  }

  get keeper(): KeeperLink {
    const link = this.#links.at(-1);
    assert(link !== undefined, "there is a link");
    return link;
  }

  monotonicNs(): number {
    return NATIVE.monotonicNs();
  }

  async attachAgain(): Promise<KeeperLink> {
    const link = await attachKeeper(NATIVE, places(this.dir));
    assert(link !== undefined, "the keeper is there");
    this.#links.push(link);
    return link;
  }

  async pause(driver: Instance): Promise<void> {
    const pid = await this.#pid(driver);
    Deno.kill(pid, "SIGSTOP");
    // Each of its threads stops when it next looks, which on a busy machine is later than the call's return.
    while (!threads(pid).every((state) => state === "T")) await new Promise((wake) => setTimeout(wake, 1));
  }

  async goOn(driver: Instance): Promise<void> {
    Deno.kill(await this.#pid(driver), "SIGCONT");
  }

  async killDriver(driver: Instance): Promise<void> {
    Deno.kill(await this.#pid(driver), "SIGKILL");
  }

  killKeeper(): Promise<void> {
    // Its lock names nobody: it is found by the folder on its command line.
    const pid = [...Deno.readDirSync("/proc")].map((each) => each.name).find((name) => {
      const words = /^\d+$/.test(name) ? commandLine(name) : [];
      return words[0] === "rtt-keeper" && words.includes(places(this.dir).run);
    });
    assert(pid !== undefined, "the keeper runs");
    Deno.kill(Number(pid), "SIGKILL");
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keeper.request({ kind: "shutdown" }).catch(() => {}); // It may have ended in the test.
    for (const link of this.#links) await link.close();
    const path = `${places(this.dir).run}/keeper.lock`;
    const started = performance.now();
    for (;;) {
      using lock = NATIVE.lock(path);
      if (lock) break;
      assert(performance.now() - started < GONE_WITHIN_MS, "its cells end");
      await new Promise((wake) => setTimeout(wake, 5));
    }
    Deno.removeSync(this.dir, { recursive: true });
  }

  async #pid(driver: Instance): Promise<number> {
    const reply = await this.keeper.request({ kind: "inventory" });
    const facts = reply.kind === "done" ? reply.inventory?.instances : undefined;
    const fact = facts?.find((each) => each.instance === driver);
    assert(fact !== undefined && fact.pid > 0, `${driver} runs`);
    return fact.pid;
  }
}

/** The suite's bench: `gen` is the source, `sink` the sink. */
export async function openBench(): Promise<Bench> {
  const real = await RealKeeper.open();
  const placed = (make: typeof genCell, number: number) => {
    const cell = make(real.monotonicNs(), number);
    return { cell, endpoint: cell.endpoints[0]?.name ?? "" };
  };
  return {
    keeper: real.keeper,
    source: (number) => placed(genCell, number),
    sink: (number) => placed(sinkCell, number),
    kill: (_, pid) => Deno.kill(pid, "SIGKILL"),
    flows: true,
    close: () => real[Symbol.asyncDispose](),
  };
}

function places(dir: string) {
  const state = `${dir}/.rtt`;
  return {
    run: `${state}/run`,
    store: `${state}/store`,
    logs: `${state}/logs`,
    project: dir,
    panel: "conformance",
    keeper: readPart("rtt-keeper"),
    drivers: readPart("rtt-drivers"),
  };
}

/** The state letters of a process's threads. */
function threads(pid: number): readonly string[] {
  const stat = (thread: string) => Deno.readTextFileSync(`/proc/${pid}/task/${thread}/stat`);
  return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => stat(name).split(") ").at(-1)?.[0] ?? "");
}

function commandLine(pid: string): readonly string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
  } catch {
    return []; // It is gone.
  }
}
