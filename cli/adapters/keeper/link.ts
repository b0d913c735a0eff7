/** `Keeper` by a real keeper: requests and replies matched by id, events in order, lanes' figures by the native side. */
import { EXIT, issue, RttError } from "../../../core/errors.ts";
import type { KeeperEvent, KeeperReply, KeeperRequest, LaneFigures } from "../../../core/keeper.ts";
import { LIMITS } from "../../../core/limits.ts";
import type { Keeper } from "../../../core/ports.ts";
import { type KeeperProcess, type MessageLink, NativeError } from "../../../ffi/mod.ts";
import { within } from "../within.ts";
import { Lanes, REGIONS_AT_ONCE, type Sized } from "./lanes.ts";
import { isEvent, type LinkRequest, readMessage, type Reply, writeRequest } from "./messages.ts";

const NS_PER_MS = 1_000_000;
const NS_PER_S = 1_000_000_000;
/** Version of `control.capnp`. */
export const PROTOCOL = 1;
/** A keeper whose connection ended has mostly ended itself; so long it is waited for, to take it off the process table. */
const GONE_WITHIN_MS = 1_000;

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (why: Error) => void;
  /** The regions that were asked for, when descriptors are to come. */
  readonly regions: readonly Sized[];
}

export class KeeperLink implements Keeper {
  readonly #native: MessageLink;
  /** Set when this panel has started the keeper. */
  readonly #process: KeeperProcess | undefined;
  readonly #pid: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #events: KeeperEvent[] = [];
  readonly #lanes = new Lanes();
  readonly #receiving: Promise<void>;
  #latest: Promise<unknown> = Promise.resolve();
  #highest = 0;
  #acknowledgement: Promise<unknown> = Promise.resolve();
  #nextAcknowledgement: Promise<KeeperReply> | undefined;
  #wake: (() => void) | undefined;
  #lastId = 0;
  #generation = 0;
  #version = "";
  #ended: string | undefined;
  #closing = false;

  private constructor(native: MessageLink, process: KeeperProcess | undefined) {
    this.#native = native;
    this.#pid = native.peer();
    this.#process = process;
    this.#receiving = this.#receive();
  }

  /** Attaches as the panel of this name; another panel that was attached is fenced off by that. */
  static async attach(native: MessageLink, panel: string, process?: KeeperProcess): Promise<KeeperLink> {
    const link = new KeeperLink(native, process);
    try {
      const asked = link.#send({ kind: "attach", protocol: PROTOCOL, panel });
      const reply = await within(asked, LIMITS.keeperSilentNs / NS_PER_MS, () => silent(link.pid));
      if (reply.kind !== "attached" || reply.protocol !== PROTOCOL) throw refusedAttach(reply);
      link.#generation = reply.generation;
      link.#version = reply.keeperVersion;
      return link;
    } catch (thrown) {
      await link.close();
      throw thrown;
    }
  }

  /** Whether this panel has started the keeper. */
  get started(): boolean {
    return this.#process !== undefined;
  }

  /** How many panels this keeper has had. */
  get generation(): number {
    return this.#generation;
  }

  /** The keeper's process. */
  get pid(): number {
    return this.#pid;
  }

  get keeperVersion(): string {
    return this.#version;
  }

  /**
   * Acknowledgements are the exception to the order: each covers all before it, so that one at a time is under way and those
   * asked for meanwhile share the next.
   */
  async request(request: KeeperRequest): Promise<KeeperReply> {
    return request.kind === "acknowledge" ? await this.#acknowledge(request.seq) : await this.#asked(request);
  }

  #acknowledge(seq: number): Promise<KeeperReply> {
    this.#highest = Math.max(this.#highest, seq);
    this.#nextAcknowledgement ??= this.#acknowledgement.then(() => {
      this.#nextAcknowledgement = undefined;
      const asked = this.#asked({ kind: "acknowledge", seq: this.#highest });
      this.#acknowledgement = asked.catch(() => {}); // Whoever asked hears of it.
      return asked;
    });
    return this.#nextAcknowledgement;
  }

  async #asked(request: KeeperRequest): Promise<KeeperReply> {
    const asked = this.#ask(request);
    this.#latest = asked.catch(() => {}); // Whoever asked hears of it.
    const reply = await asked;
    switch (reply.kind) {
      case "done":
        if (reply.inventory) this.#lanes.see(reply.inventory);
        if (this.#lanes.done(request) || reply.inventory) this.#askForRegions();
        return { kind: "done", epoch: reply.epoch, inventory: reply.inventory };
      case "refused":
        return { kind: "refused", code: reply.code, message: reply.message };
      default:
        throw new NativeError(
          "keeper.malformed",
          `cannot go on because a ${request.kind} was answered by ${reply.kind}`,
        );
    }
  }

  async #ask(request: KeeperRequest): Promise<Reply> {
    const earlier = this.#latest;
    try {
      return await this.#send(request);
    } catch (thrown) {
      if (!(thrown instanceof NativeError) || thrown.code !== "control.tooLarge") throw thrown;
      await earlier; // Answers come in the order of the questions, this one too.
      return { kind: "refused", id: 0, code: "keeper.tooLarge", message: tooLarge(request) };
    }
  }

  /** All events from the attach on; one reader. It ends after `lost`. */
  async *events(): AsyncGenerator<KeeperEvent> {
    for (;;) {
      const next = this.#events.shift();
      if (next) {
        yield next;
        if (next.kind === "lost") return;
      } else {
        await new Promise<void>((wake) => this.#wake = wake);
      }
    }
  }

  figures(): readonly LaneFigures[] {
    return this.#ended === undefined ? this.#lanes.figures(this.#native) : [];
  }

  /** The connection ends; the keeper goes on. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#end("it was closed here");
    await this.#receiving;
  }

  /** Telemetry only: what can't be had has no figures, and nothing else depends on it. */
  #askForRegions(): void {
    const toAsk = this.#lanes.toAsk();
    for (let at = 0; at < toAsk.length; at += REGIONS_AT_ONCE) {
      const regions = toAsk.slice(at, at + REGIONS_AT_ONCE);
      const request = { kind: "regionDescriptors", regions: regions.map((each) => each.region) } as const;
      this.#send(request, regions).catch(() => {}); // The link is lost: the reader of events hears it.
    }
  }

  #send(request: KeeperRequest | LinkRequest, regions: readonly Sized[] = []): Promise<Reply> {
    if (this.#ended !== undefined) return Promise.reject(new NativeError("keeper.lost", this.#ended));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, regions });
      try {
        this.#native.send(writeRequest(id, this.#generation, request));
      } catch (thrown) {
        if (thrown instanceof NativeError && thrown.code === "control.tooLarge") {
          this.#waiting.delete(id);
          reject(thrown); // Nothing of it was sent.
        } else this.#end(sentence(thrown));
      }
    });
  }

  async #receive(): Promise<void> {
    try {
      while (await this.#native.wait()) {
        for (let next = this.#native.take(); next; next = this.#native.take()) {
          this.#take(readMessage(next.json), next.descriptors);
        }
      }
      this.#end(this.#native.why() || "the keeper is gone");
    } catch (thrown) {
      this.#end(sentence(thrown));
    }
    this.#native.release();
    if (!this.#closing) await this.#process?.exited(GONE_WITHIN_MS);
    this.#process?.release();
  }

  #take(message: Reply | KeeperEvent, descriptors: number): void {
    if (isEvent(message)) return this.#tell(message);
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return; // An answer that nobody waits for.
    this.#waiting.delete(message.id);
    if (message.kind === "done") this.#map(waiting.regions, descriptors);
    waiting.resolve(message);
  }

  /** Before the next message is taken, while the native side still holds this one's descriptors. */
  #map(regions: readonly Sized[], descriptors: number): void {
    for (const [at, { region, bytes }] of regions.entries()) {
      if (at >= descriptors) return;
      try {
        this.#native.map(at, region, bytes);
      } catch (thrown) {
        if (thrown instanceof NativeError) continue; // Its lanes have no figures, and nothing else depends on them.
        throw thrown;
      }
      this.#lanes.mapped(region);
    }
  }

  #tell(event: KeeperEvent): void {
    if (event.kind === "exited") this.#lanes.gone(event.instance);
    this.#events.push(event);
    this.#wake?.();
    this.#wake = undefined;
  }

  #end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#native.stop();
    for (const waiting of this.#waiting.values()) waiting.reject(new NativeError("keeper.lost", why));
    this.#waiting.clear();
    this.#tell({ kind: "lost", seq: 0, why });
  }
}

function sentence(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function tooLarge(request: KeeperRequest): string {
  const what = request.kind === "spawn" ? `start ${request.cell.instance}` : `do a ${request.kind}`;
  return `cannot ${what} because what the keeper must be told is above ${LIMITS.controlMessageBytes} bytes; ` +
    "a driver with fewer files, or one archive of them, fits";
}

function silent(pid: number): RttError {
  const why = `process ${pid} has not answered for ${LIMITS.keeperSilentNs / NS_PER_S} s`;
  const remedy = `\`kill -CONT ${pid}\` if it was stopped, else \`kill -9 ${pid}\`: its drivers end with it`;
  return new RttError(EXIT.failed, [issue("keeper.silent", `cannot attach to the keeper because ${why}`, remedy)]);
}

function refusedAttach(reply: Reply): RttError {
  const why = reply.kind === "refused" ? reply.message : "it speaks another version of the protocol";
  const remedy = "use the rtt that started it, or `rtt down` with that one first";
  return new RttError(EXIT.refused, [issue("keeper.attach", `cannot attach to the keeper because ${why}`, remedy)]);
}
