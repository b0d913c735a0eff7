/** Notices a keeper that was asked and says nothing: then, and only then, a timer runs. */

export class Silence {
  #unanswered = 0;
  #timer: number | undefined;

  constructor(readonly tooLong: () => void, readonly mostMs: number) {}

  asked(): void {
    if (this.#unanswered++ === 0) this.#start();
  }

  answered(): void {
    this.#unanswered--;
    this.heard();
  }

  /** Anything that it says shows that it lives. */
  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#unanswered > 0) this.#start();
  }

  stop(): void {
    this.#unanswered = 0;
    this.heard();
  }

  #start(): void {
    this.#timer = setTimeout(this.tooLong, this.mostMs);
  }
}
