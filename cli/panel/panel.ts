/** The daemon of one project: everything opened in the order in which it depends on each other, and closed in reverse. */
import { initial } from "../../core/apply/machine.ts";
import { Log } from "../../core/apply/wal.ts";
import { demand, EXIT, issue, RttError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Config } from "../../core/model/config.ts";
import type { Hash } from "../../core/model/names.ts";
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
import { pause, within } from "../adapters/within.ts";
import { Memory } from "./circumstances.ts";
import { endKeeper } from "./ending.ts";
import { Engine } from "./engine.ts";
import { Judge } from "./judge.ts";
import { applyFile, runAct } from "./service.ts";
import { Tries } from "./tries.ts";
import { Waivers } from "./waivers.ts";

const NS_PER_MS = 1_000_000;

/** What the daemon says while it runs, a line each. */
export type Words = (line: string) => void;

export class Panel {
  readonly #ended = Promise.withResolvers<void>();
  #keeper: KeeperLink | undefined;
  #goingDown = false;
  #failure: unknown;
  #attaching: Promise<void> | undefined;
  readonly #tries: Tries;
  /** The built-in drivers' program: read once, so that it is hashed once. */
  readonly #drivers = readPart("rtt-drivers");
  readonly #memory = new Memory();
  readonly engine: Engine;
  readonly judge: Judge;

  private constructor(
    readonly at: Layout,
    readonly config: Config,
    readonly opened: DisposableStack,
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
    this.#tries = new Tries(clock);
  }

  /** Refuses a second panel on the folder, mirrors that disagree with the CUE, and a log that can't be believed. */
  static async open(dir: string, words: Words): Promise<Panel> {
    const at = layout(dir);
    const checked = await openChecked(at);
    const differences = compareMirrors(checked, at);
    if (differences.length > 0) throw new RttError(EXIT.refused, mirrorIssues(differences, checked.places));
    Deno.mkdirSync(at.run, { recursive: true, mode: 0o700 });
    using opened = new DisposableStack();
    const native = opened.use(openNative(readPart("librtt_panel.so")));
    const lock = native.lock(at.panelLock);
    if (!lock) throw second(at);
    opened.use(lock);
    const folder = opened.use(native.openFolder(at.run));
    const crypto = openCrypto();
    const clock = openClock(native);
    const store = openStore(at.store, crypto.hasher);
    const wal = opened.use(openWalFile(at.wal, native));
    const log = demand(Log.open(wal, crypto.hasher), EXIT.refused);
    const waivers = new Waivers(store, clock);
    const tools = {
      hasher: crypto.hasher,
      entropy,
      store,
      project: at.dir,
      isolated: (driver: string, policy: Hash | undefined) => waivers.isolates(driver, policy),
    };
    const { prepareWithinNs } = checked.config.panel;
    const machine = demand(initial(log.records, tools, { prepareWithinNs }), EXIT.failed);
    const engine = (panel: Panel) =>
      new Engine(machine, log, clock, {
        stepped: (machine) => {
          panel.judge.see(machine);
          // A poisoned log takes nothing more: what is on the disk is read anew.
          if (machine.phase.kind === "frozen") panel.#ended.resolve();
          // With this keeper all has come to be as it should.
          if (machine.phase.kind === "idle") panel.#tries.held();
        },
        noted: (text) => words(text),
        settling: () => panel.judge.settle(),
        lost: (why) => panel.#lost(why),
      });
    const { config } = checked;
    return new Panel(at, config, opened.move(), native, folder, clock, crypto, store, waivers, engine, words);
  }

  get keeper(): Keeper | undefined {
    return this.#keeper;
  }

  /** Attaches to the keeper that is there, or to a new one, and has the machine recover. */
  async attach(): Promise<void> {
    this.#attaching = this.#attach();
    await this.#attaching;
    this.#failure = undefined;
  }

  async #attach(): Promise<void> {
    const { at, native, config } = this;
    await this.#keeper?.close();
    const parts = { keeper: readPart("rtt-keeper"), drivers: this.#drivers };
    const places = { run: at.run, store: at.store, logs: at.logs, project: at.dir };
    this.#keeper = await openKeeper(native, { ...places, ...parts, panel: config.panel.name });
    const { noPanelForNs } = config.panel;
    const asked = Promise.all([
      this.#keeper.request({ kind: "configure", noPanelForNs, logBytes: LIMITS.logBytesOfADriver }),
      this.#keeper.request({ kind: "inventory" }),
    ]);
    const silent = () => new Error("the keeper does not answer");
    const [, found] = await within(asked, LIMITS.keeperSilentNs / NS_PER_MS, silent);
    if (found.kind !== "done" || !found.inventory) throw new Error("the keeper gave no inventory");
    if (this.#goingDown) return;
    const { length } = found.inventory.instances;
    this.words(
      `attached to ${this.#keeper.started ? "a new keeper" : "the keeper that was there"}, ${length} instance(s)`,
    );
    this.engine.attach(this.#keeper, found.inventory);
    this.judge.watch(this.#keeper);
  }

  async apply(file: Uint8Array, line: (line: ActLine) => void): Promise<ActLine> {
    const { at, config, engine, clock, crypto, store } = this;
    const drivers = this.#drivers;
    return await applyFile(
      file,
      { at, panel: config.panel.name, engine, clock, crypto, store, drivers, memory: this.#memory },
      line,
    );
  }

  async rollback(line: (line: ActLine) => void): Promise<ActLine> {
    return await runAct({ kind: "rollback" }, this.engine, line);
  }

  /** Ends the drivers in order, then the keeper, then this daemon: it ends also when the keeper does not. */
  async down(line: (line: ActLine) => void): Promise<ActLine> {
    this.halt();
    line({ step: "down", detail: "stopping the drivers in order" });
    try {
      // A keeper that is being started ends too.
      await this.#attaching?.catch(() => {});
      await endKeeper(this.native, this.at.run, this.#keeper);
    } catch (thrown) {
      this.#failure = thrown;
      throw thrown;
    } finally {
      setTimeout(() => this.#ended.resolve(), 0);
    }
    line({ step: "down", detail: "the keeper has ended" });
    return { outcome: "committed", exit: EXIT.done, plan: null, serial: null, changed: true, issues: [] };
  }

  /** Begins nothing more, and answers whoever waits. From here on nobody restarts what ends. */
  halt(): void {
    this.#goingDown = true;
    this.judge.stop();
    this.engine.stop();
  }

  /** Until `down`, until the log is poisoned, or until there is no keeper to be had. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Why it ended when it should not have. */
  get failure(): unknown {
    return this.#failure;
  }

  /** The log is poisoned: a panel that is opened anew goes on. */
  get isFrozen(): boolean {
    return this.engine.machine.phase.kind === "frozen";
  }

  async close(): Promise<void> {
    this.halt();
    await this.#keeper?.close();
    this.opened.dispose();
  }

  async #lost(why: string): Promise<void> {
    this.words(`the keeper is lost (${why}): looking for one`);
    for (;;) {
      const waitMs = this.#tries.next();
      if (waitMs === undefined) return this.#giveUp(why);
      await pause(waitMs);
      if (this.#goingDown) return;
      try {
        return await this.attach();
      } catch (thrown) {
        this.words(thrown instanceof Error ? thrown.message : String(thrown));
        this.#failure = thrown;
      }
    }
  }

  #giveUp(why: string): void {
    const failed = this.#failure instanceof RttError ? this.#failure.issues : [];
    this.#failure = new RttError(EXIT.failed, [noKeeper(why), ...failed]);
    this.#ended.resolve();
  }
}

function noKeeper(why: string) {
  const message = `cannot go on because ${LIMITS.tries.most} keepers were lost one after the other; the last: ${why}`;
  return issue("keeper.gone", message, "look at .rtt/logs/keeper.txt, then `rtt serve`");
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
