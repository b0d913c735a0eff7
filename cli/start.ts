/** Starts a panel in the background and waits until it answers. */
import { spawn } from "node:child_process";
import { mkdirSync, openSync } from "node:fs";
import { EXIT, issue, RttError } from "../core/errors.ts";
import { openClient, ROUTES } from "./client.ts";
import { readIfThere } from "./files.ts";
import { layout } from "./layout.ts";
import { selfCommand } from "./self.ts";

/** Longest wait for a new panel to answer. */
const START_WITHIN_MS = 15_000;
const LOOK_AGAIN_MS = 20;

/** Does nothing when a panel answers already. The panel's words go to `.rtt/logs/panel.txt`. */
export async function startPanel(dir: string): Promise<void> {
  if (await answers(dir)) return;
  const at = layout(dir);
  mkdirSync(at.logs, { recursive: true, mode: 0o700 });
  const words = `${at.logs}/panel.txt`;
  const log = openSync(words, "a", 0o600);
  const [, ...args] = selfCommand(["serve", "--dir", dir]);
  // Not by its own path: for that, the run-time would read the arguments as those of Node and put `run` before them.
  const child = spawn("/proc/self/exe", args, { detached: true, stdio: ["ignore", log, log] });
  let ended = false;
  child.once("exit", () => ended = true);
  child.unref();
  for (let waited = 0; waited < START_WITHIN_MS && !ended; waited += LOOK_AGAIN_MS) {
    await new Promise((wake) => setTimeout(wake, LOOK_AGAIN_MS));
    if (await answers(dir)) return;
  }
  const said = new TextDecoder().decode(readIfThere(words) ?? new Uint8Array()).trimEnd().split("\n").slice(-8).join(
    "\n",
  );
  const why = ended ? "it ended at once" : `it did not answer within ${START_WITHIN_MS / 1000} s`;
  throw new RttError(EXIT.failed, [
    issue("panel.start", `cannot start a panel because ${why}${said ? `; it said:\n${said}` : ""}`, `look at ${words}`),
  ]);
}

async function answers(dir: string): Promise<boolean> {
  try {
    using client = openClient(dir);
    await client.get(ROUTES.status);
    return true;
  } catch (thrown) {
    if (thrown instanceof RttError) return false;
    throw thrown;
  }
}
