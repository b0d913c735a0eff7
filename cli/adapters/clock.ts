/** `Clock`: the monotonic clock that frames are stamped with, and the one place where the wall clock is read. */
import type { Clock } from "../../core/ports.ts";
import type { Native } from "../../ffi/mod.ts";

export function openClock(native: Native): Clock {
  return { monotonicNs: () => native.monotonicNs(), wallMs: () => Date.now() };
}
