/** The fake keeper behind the real port: answers are promises, events a stream, and every driver behaves. */
import type { KeeperEvent, KeeperReply, KeeperRequest, LaneFigures } from "../../core/keeper.ts";
import type { Instance } from "../../core/model/names.ts";
import type { Keeper } from "../../core/ports.ts";
import { FakeKeeper } from "./keeper.ts";

export class FakeKeeperPort implements Keeper {
  readonly #keeper: FakeKeeper;
  readonly #heard: KeeperEvent[] = [];
  #wake: () => void = () => {};
  #closed = false;

  constructor() {
    this.#keeper = new FakeKeeper({ later: (_, act) => queueMicrotask(act), takes: () => 1 });
    this.#keeper.attach((event) => this.#hear(event));
  }

  #hear(event: KeeperEvent): void {
    this.#heard.push(event);
    this.#wake();
  }

  request(request: KeeperRequest): Promise<KeeperReply> {
    if (this.#closed) return Promise.reject(new Error("the link is closed"));
    return Promise.resolve(this.#keeper.handle(request));
  }

  async *events(): AsyncIterable<KeeperEvent> {
    for (;;) {
      for (const event of this.#heard.splice(0)) {
        yield event;
        if (event.kind === "lost") return;
      }
      if (this.#heard.length === 0) await new Promise<void>((wake) => this.#wake = wake);
    }
  }

  figures(): readonly LaneFigures[] {
    return [];
  }

  kill(instance: Instance): void {
    this.#keeper.exit(instance, -9);
  }

  /** What it was asked that a correct panel never asks. */
  get protests(): readonly string[] {
    return this.#keeper.protests;
  }

  close(): void {
    this.#closed = true;
    this.#keeper.die();
    this.#hear({ kind: "lost", why: "closed", seq: 0 });
  }
}
