import type { ExitCode } from "../../core/errors.ts";
import { api } from "../api/app.ts";
import type { Call, Command } from "../command.ts";
import { removeIfThere } from "../files.ts";
import { Panel } from "../panel/panel.ts";
import { driftView, statusView } from "../panel/views.ts";

export const command: Command = {
  name: "serve",
  operands: "",
  arity: [0, 0],
  summary: "the panel, in the foreground: recovers, applies signed plans, judges",
  options: [],
  examples: ["rtt serve", "rtt serve --dir /srv/cell7"],
  async run(call: Call): Promise<ExitCode> {
    const say = (line: string): void => {
      call.output.line(line);
      call.output.object({ says: line });
    };
    const panel = await Panel.open(call.dir, say);
    await panel.attach();
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
    say(`serving ${call.dir} as panel ${panel.config.panel.name}`);
    panel.native.notify("READY=1");
    const stop = (): void => void server.shutdown();
    for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, stop);
    await Promise.race([panel.ended, server.finished]);
    await server.shutdown();
    removeIfThere(panel.at.panelSocket);
    return await panel.close();
  },
};
