/** One panel at its socket, from its first keeper to its end; and another one in its place when its log is poisoned. */
import { EXIT, type ExitCode } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { api } from "../api/app.ts";
import { removeIfThere } from "../files.ts";
import { pause } from "../adapters/within.ts";
import type { Panel } from "./panel.ts";
import type { Tries } from "./tries.ts";
import { driftView, statusView } from "./views.ts";

const NS_PER_MS = 1_000_000;

/** How a panel ended. */
export type Ended = "done" | "frozen";

/**
 * Serves until a panel ends that is not frozen. One that is frozen was in doubt about what the disk holds, so that the disk
 * is read anew, by a new panel; when that can't be for too often, the last failure is what it ends with.
 */
export async function keepServing(serve: () => Promise<Ended>, tries: Tries, say: (line: string) => void) {
  let failure: unknown;
  let first = true;
  for (;;) {
    try {
      if (await serve() === "done") return EXIT.done;
      failure = undefined;
    } catch (thrown) {
      if (first) throw thrown;
      failure = thrown;
      say(thrown instanceof Error ? thrown.message : String(thrown));
    }
    first = false;
    const waitMs = tries.next();
    if (waitMs === undefined) break;
    await pause(waitMs);
    say("the panel is opened anew, from disk");
  }
  if (failure !== undefined) throw failure;
  return EXIT.failed satisfies ExitCode;
}

/** Attaches, serves the local API and answers how it ended. Throws what made it end. */
export async function serveOnce(panel: Panel, say: (line: string) => void): Promise<Ended> {
  try {
    await panel.attach();
    const server = listen(panel);
    say(`serving ${panel.at.dir} as panel ${panel.config.panel.name}`);
    panel.native.notify("READY=1");
    await end(panel, server);
    if (panel.failure !== undefined) throw panel.failure;
    return panel.isFrozen ? "frozen" : "done";
  } finally {
    await panel.close();
  }
}

function listen(panel: Panel): Deno.HttpServer {
  const socket = `${panel.folder.path}/panel.sock`;
  removeIfThere(panel.at.panelSocket);
  const service = {
    apply: panel.apply.bind(panel),
    rollback: panel.rollback.bind(panel),
    down: panel.down.bind(panel),
    status: () => Promise.resolve(statusView(panel)),
    drift: () => Promise.resolve(driftView(panel)),
  };
  const app = api(service, () => panel.native.strangers(socket));
  // Only the owner may connect, from the socket's first moment on.
  const before = Deno.umask(0o177);
  const server = Deno.serve({ path: socket, onListen: () => {} }, app.fetch);
  Deno.umask(before);
  return server;
}

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** Until the panel ends, or is told to: then what is under way has a while, its askers are answered, and it is closed. */
async function end(panel: Panel, server: Deno.HttpServer): Promise<void> {
  const told = Promise.withResolvers<void>();
  const stop = (): void => told.resolve();
  for (const signal of SIGNALS) Deno.addSignalListener(signal, stop);
  await Promise.race([panel.ended, told.promise, server.finished]);
  removeIfThere(panel.at.panelSocket);
  const closed = server.shutdown();
  await Promise.race([panel.ended, closed, pause(LIMITS.panelEndsWithinNs / NS_PER_MS)]);
  panel.halt();
  // A connection that stays open all the same ends with this process.
  await Promise.race([closed, pause(LIMITS.answersEndWithinNs / NS_PER_MS)]);
  for (const signal of SIGNALS) Deno.removeSignalListener(signal, stop);
}
