/** What every refusal and failure looks like, from the parser to the command line. */
import type { Place } from "./model/config.ts";

/** Exit codes of the command line (a contract: scripts depend on them). */
export const EXIT = {
  done: 0,
  failed: 1,
  badInput: 2,
  refused: 3,
  rolledBack: 4,
  noPanel: 5,
  pending: 10,
} as const;

export type ExitCode = typeof EXIT[keyof typeof EXIT];

/**
 * One thing that is wrong. `message` is a sentence "cannot X because Y is Z"; `remedy` says what to do; `where` is a place
 * in the user's text when there is one.
 */
export interface Issue {
  /** Stable, lower case with dots: `route.cycle`, `grant.stale`. Listed with their exit codes in `core/codes.ts`. */
  readonly code: string;
  readonly message: string;
  readonly where: Place | null;
  readonly remedy: string;
}

/** A value, or all that is wrong with it. */
export type Result<T> = { readonly ok: true; readonly value: T } | {
  readonly ok: false;
  readonly issues: readonly Issue[];
};

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function refuse<T>(...issues: readonly Issue[]): Result<T> {
  return { ok: false, issues };
}

export function issue(code: string, message: string, remedy: string, where: Place | null = null): Issue {
  return { code, message, where, remedy };
}

/** What the shell throws to end a command with an exit code; core returns `Issue`s and throws only on its own bugs. */
export class RttError extends Error {
  constructor(readonly exit: ExitCode, readonly issues: readonly Issue[]) {
    super(issues.map((each) => each.message).join("\n"));
    this.name = "RttError";
  }
}

/** The value, or the end of the command with every issue. */
export function demand<T>(result: Result<T>, exit: ExitCode): T {
  if (!result.ok) throw new RttError(exit, result.issues);
  return result.value;
}

/** For what only a bug can break. */
export function assert(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Error(`bug: ${why}`);
}

export function unreachable(value: never): never {
  throw new Error(`bug: unexpected ${JSON.stringify(value)}`);
}
