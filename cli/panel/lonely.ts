/** Ending a keeper whose panel is gone: what `rtt down` does where no panel answers and drivers run on. */
import { openNative } from "../../ffi/mod.ts";
import { attachKeeper } from "../adapters/keeper.ts";
import { isThere } from "../files.ts";
import { layout } from "../layout.ts";
import { readPart } from "../parts.ts";
import { endKeeper } from "./ending.ts";

/** True when there was such a keeper: it and its drivers have ended then. A panel that is there is left alone. */
export async function endLonelyKeeper(dir: string): Promise<boolean> {
  const at = layout(dir);
  if (!isThere(at.keeperSocket)) return false;
  using native = openNative(readPart("librtt_panel.so"));
  using lock = native.lock(at.panelLock);
  if (!lock) return false;
  const keeper = await attachKeeper(native, { run: at.run, panel: "down" });
  if (!keeper) return false;
  await endKeeper(native, at.run, keeper);
  await keeper.close();
  return true;
}
