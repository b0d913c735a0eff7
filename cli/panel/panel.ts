/** The daemon of one project: everything opened in the order in which it depends on each other, and closed in reverse. */
import { initial } from "../../core/apply/machine.ts";
import { Log } from "../../core/apply/wal.ts";
import { demand, EXIT, type ExitCode, issue, RttError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Config } from "../../core/model/config.ts";
import type { Clock, Keeper, Store } from "../../core/ports.ts";
import type { Folder, Native } from "../../ffi/mod.ts";
import { openNative } from "../../ffi/mod.ts";
import { openClock } from "../adapters/clock.ts";
import { type Crypto, openCrypto } from "../adapters/crypto.ts";
import { entropy } from "../adapters/entropy.ts";
import { type KeeperLink, openKeeper } from "../adapters/keeper.ts";
import { openStore } from "../adapters/store.ts";
import { openWalFile } from "../adapters/wal.ts";
import type { ActLine } from "../api/wire.ts";
import { type Layout, layout } from "../layout.ts";
import { readPart } from "../parts.ts";
import { compareMirrors, mirrorIssues } from "../project/mirrors.ts";
import { openChecked } from "../project/open.ts";
import { Memory } from "./circumstances.ts";
import { Engine } from "./engine.ts";
import { Judge } from "./judge.ts";
import { applyFile, runAct } from "./service.ts";
import { Waivers } from "./waivers.ts";

/** What the daemon says while it runs, a line each. */
export type Words = (line: string) => void;

export class Panel {
  readonly #ended = Promise.withResolvers<void>();
  #keeper: KeeperLink | undefined;
  #goingDown = false;
  /** The built-in drivers' program: read once, so that it is hashed once. */
  readonly #drivers = readPart("rtt-drivers");
  readonly #memory = new Memory();
  readonly engine: Engine;
  readonly judge: Judge;

  private constructor(
    readonly at: Layout,
    readonly config: Config,
    readonly native: Native,
    readonly folder: Folder,
    readonly clock: Clock,
    readonly crypto: Crypto,
    readonly store: Store,
    readonly waivers: Waivers,
    engine: (panel: Panel) => Engine,
    readonly words: Words,
  ) {
    this.engine = engine(this);
    this.judge = new Judge(this.engine, clock, words);
  }

  /** Refuses a second panel on the folder, mirrors that disagree with the CUE, and a log that can't be believed. */
  static async open(dir: string, words: Words): Promise<Panel> {
    const at = layout(dir);
    const checked = await openChecked(at);
    const differences = compareMirrors(checked, at);
    if (differences.length > 0) throw new RttError(EXIT.refused, mirrorIssues(differences));
    Deno.mkdirSync(at.run, { recursive: true, mode: 0o700 });
    const native = openNative(readPart("librtt_panel.so"));
    if (!native.lock(at.panelLock)) throw second(at);
    const folder = native.openFolder(at.run);
    const crypto = openCrypto();
    const clock = openClock(native);
    const store = openStore(at.store, crypto.hasher);
    const log = demand(Log.open(openWalFile(at.wal, native), crypto.hasher), EXIT.refused);
    const waivers = new Waivers(store, clock);
    const tools = {
      hasher: crypto.hasher,
      entropy,
      store,
      project: at.dir,
      isolated: (driver: string) => !waivers.has(driver),
    };
    const { prepareWithinNs } = checked.config.panel;
    const machine = demand(initial(log.records, tools, { prepareWithinNs }), EXIT.failed);
    waivers.use(machine.committed.document?.gates.policy);
    const engine = (panel: Panel) =>
      new Engine(machine, log, clock, {
        stepped: (machine) => {
          panel.judge.see(machine);
          // A poisoned log takes nothing more: whoever supervises this process starts it anew, from disk.
          if (machine.phase.kind === "frozen") panel.#ended.resolve();
        },
        noted: (text) => words(text),
        settling: () => panel.judge.settle(),
        lost: (why) => panel.#lost(why),
      });
    return new Panel(at, checked.config, native, folder, clock, crypto, store, waivers, engine, words);
  }

  get keeper(): Keeper | undefined {
    return this.#keeper;
  }

  /** Attaches to the keeper that is there, or to a new one, and has the machine recover. */
  async attach(): Promise<void> {
    const { at, native, config } = this;
    const parts = { keeper: readPart("rtt-keeper"), drivers: this.#drivers };
    const places = { run: at.run, store: at.store, logs: at.logs, project: at.dir };
    this.#keeper = await openKeeper(native, { ...places, ...parts, panel: config.panel.name });
    const { noPanelForNs } = config.panel;
    await this.#keeper.request({ kind: "configure", noPanelForNs, logBytes: LIMITS.logBytesOfADriver });
    const found = await this.#keeper.request({ kind: "inventory" });
    if (found.kind !== "done" || !found.inventory) throw new Error("the keeper gave no inventory");
    const { length } = found.inventory.instances;
    this.words(
      `attached to ${this.#keeper.started ? "a new keeper" : "the keeper that was there"}, ${length} instance(s)`,
    );
    this.engine.attach(this.#keeper, found.inventory);
    this.judge.watch(this.#keeper);
  }

  async apply(file: Uint8Array, line: (line: ActLine) => void): Promise<ActLine> {
    const { at, config, engine, clock, crypto, store, waivers } = this;
    const drivers = this.#drivers;
    return await applyFile(
      file,
      { at, panel: config.panel.name, engine, clock, crypto, store, waivers, drivers, memory: this.#memory },
      line,
    );
  }

  async rollback(line: (line: ActLine) => void): Promise<ActLine> {
    return await runAct({ kind: "rollback" }, this.engine, line);
  }

  /** Ends the drivers in order, then the keeper, then this daemon. */
  async down(line: (line: ActLine) => void): Promise<ActLine> {
    this.#goingDown = true;
    this.judge.stop();
    // From here on nobody restarts what ends.
    this.engine.stop();
    line({ step: "down", detail: "stopping the drivers in order" });
    await this.#keeper?.request({ kind: "shutdown" }).catch(() => {}); // It may be gone before it has answered.
    await this.#keeperGone();
    line({ step: "down", detail: "the keeper has ended" });
    setTimeout(() => this.#ended.resolve(), 0);
    return { outcome: "committed", exit: EXIT.done, plan: null, serial: null, changed: true, issues: [] };
  }

  /** Until `down`, or until the log is poisoned: then the process is to be started anew. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  async close(): Promise<ExitCode> {
    this.judge.stop();
    this.engine.stop();
    await this.#keeper?.close();
    this.folder[Symbol.dispose]();
    return this.engine.machine.phase.kind === "frozen" ? EXIT.failed : EXIT.done;
  }

  #lost(why: string): void {
    if (this.#goingDown) return;
    this.words(`the keeper is lost (${why}): starting another`);
    this.attach().catch((thrown) => {
      this.words(thrown instanceof Error ? thrown.message : String(thrown));
      this.#ended.resolve();
    });
  }

  async #keeperGone(): Promise<void> {
    while (this.native.lock(`${this.at.run}/keeper.lock`) === undefined) {
      await new Promise((wake) => setTimeout(wake, 5));
    }
  }
}

function second(at: Layout): RttError {
  return new RttError(EXIT.refused, [
    issue(
      "panel.second",
      `cannot serve ${at.dir} because another panel serves it`,
      "use that one, or `rtt down` first",
    ),
  ]);
}
