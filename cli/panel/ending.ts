/** Ending a keeper, for a panel that goes down and for `rtt down` where there is none. It takes as long as its drivers may. */
import { EXIT, issue, RttError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Native } from "../../ffi/mod.ts";
import type { KeeperLink } from "../adapters/keeper.ts";
import { pause, within } from "../adapters/within.ts";

const NS_PER_MS = 1_000_000;
const LOOK_AGAIN_MS = 5;

/** Throws `keeper.silent` when it does not answer, or its lock is not free when all of its drivers have had their time. */
export async function endKeeper(native: Native, run: string, keeper: KeeperLink | undefined): Promise<void> {
  const lock = `${run}/keeper.lock`;
  let ends = 1;
  if (keeper) {
    const late = (): RttError => running(keeper, "has not answered");
    const silentMs = LIMITS.keeperSilentNs / NS_PER_MS;
    // One that is lost meanwhile is gone, which the lock shows.
    const found = await within(keeper.request({ kind: "inventory" }).catch(() => undefined), silentMs, late);
    if (found?.kind === "done") ends += found.inventory?.instances.length ?? 0;
    await within(keeper.request({ kind: "shutdown" }).catch(() => undefined), silentMs, late);
  }
  const end = native.monotonicNs() + ends * LIMITS.keeperStopNs;
  for (;;) {
    using free = native.lock(lock);
    if (free) return;
    if (native.monotonicNs() > end) throw running(keeper, "has not ended");
    await pause(LOOK_AGAIN_MS);
  }
}

function running(keeper: KeeperLink | undefined, what: string): RttError {
  const [who, remedy] = keeper
    ? [`process ${keeper.pid}`, `\`kill -9 ${keeper.pid}\`: its drivers end with it; then \`rtt down\` again`]
    : ["one that is lost", "look for what holds .rtt/run/keeper.lock, and end it"];
  const why = `the keeper, ${who}, ${what}; it and its drivers are left`;
  return new RttError(EXIT.failed, [issue("keeper.silent", `cannot go down because ${why}`, remedy)]);
}
