import type { ExitCode } from "../../core/errors.ts";
import type { Call, Command } from "../command.ts";
import { Panel } from "../panel/panel.ts";
import { keepServing, serveOnce } from "../panel/serving.ts";
import { Tries } from "../panel/tries.ts";

const NS_PER_MS = 1_000_000;

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
    const tries = new Tries({ monotonicNs: () => performance.now() * NS_PER_MS });
    return await keepServing(async () => await serveOnce(await Panel.open(call.dir, say), say), tries, say);
  },
};
