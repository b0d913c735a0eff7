import { failed } from "./bench.ts";

export function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}

/** Looks again every 10 ms until it holds. */
export async function until(what: string, withinMs: number, holds: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!(await holds())) {
    if (performance.now() - began > withinMs) throw failed(`${what} did not happen within ${withinMs} ms`);
    await pause(10);
  }
  return performance.now() - began;
}
