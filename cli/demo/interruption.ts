/** Ctrl-C and what else asks a program to end: the demo ends early then, and leaves nothing behind either. */

/** As a shell counts: 128 and the signal's number. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #listeners: readonly (readonly [Deno.Signal, () => void])[];
  #exit: number | undefined;

  /** Rejects when it comes. */
  readonly happened: Promise<never>;

  constructor() {
    this.happened = new Promise((_, reject) => {
      this.stopped.addEventListener("abort", () => reject(this.stopped.reason), { once: true });
    });
    const signals = Object.entries(EXIT_CODES) as [keyof typeof EXIT_CODES, number][];
    this.#listeners = signals.map(([signal, exit]) => [signal, () => this.#come(exit)]);
    for (const [signal, listener] of this.#listeners) Deno.addSignalListener(signal, listener);
  }

  get stopped(): AbortSignal {
    return this.#controller.signal;
  }

  /** How the program has to exit, once it was interrupted. */
  get exit(): number | undefined {
    return this.#exit;
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }

  #come(exit: number): void {
    this.#exit ??= exit;
    this.#controller.abort();
  }
}
