/** Good answers of a pure function by what they follow from: admission asks much the same each time. */
import type { Result } from "../../core/errors.ts";

export class Remembered<T> {
  readonly #answers = new Map<string, T>();

  /** Above `most` the oldest is forgotten. */
  constructor(readonly most: number) {}

  /** `from` names everything that the answer depends on. A refusal is not remembered. */
  ask(from: string, answer: () => Result<T>): Result<T> {
    const known = this.#answers.get(from);
    if (known !== undefined) return { ok: true, value: known };
    const fresh = answer();
    if (!fresh.ok) return fresh;
    const [oldest] = this.#answers.keys();
    if (oldest !== undefined && this.#answers.size >= this.most) this.#answers.delete(oldest);
    this.#answers.set(from, fresh.value);
    return fresh;
  }
}
