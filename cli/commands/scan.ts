import { EXIT, type ExitCode } from "../../core/errors.ts";
import type { Call, Command } from "../command.ts";
import { writeOutput, writeWhole } from "../files.ts";
import { layout } from "../layout.ts";
import { exportFacts, scanHost } from "../project/facts.ts";
import { openChecked } from "../project/open.ts";

export const command: Command = {
  name: "scan",
  operands: "",
  arity: [0, 0],
  summary: "this host's facts: topology, what drivers run, the committed graph",
  options: [{ name: "export", value: "FILE", help: "write them to a file that `rtt plan --facts` can use elsewhere" }],
  examples: ["rtt scan", "rtt scan --export robot-facts.json"],
  async run(call: Call): Promise<ExitCode> {
    const at = layout(call.dir);
    const { config } = await openChecked(at);
    const facts = scanHost(at, config);
    const { topology, closures, committed } = facts;
    const file = call.value("export");
    if (file !== undefined) writeOutput(file, "the facts to", () => writeWhole(file, exportFacts(facts)));
    call.output.line(`${topology.cpus.length} cpus on ${topology.nodes.length} memory node(s)`);
    for (const name of config.drivers.keys()) {
      const closure = closures.get(name);
      const files = closure
        ? `${closure.files.length} file(s), closure ${closure.hash.slice(0, 12)}`
        : "its files can't be read";
      call.output.line(`driver ${name}: ${files}`);
    }
    call.output.line(
      committed.plan === null
        ? "nothing is committed"
        : `committed: plan ${committed.plan}, serial ${committed.serial}`,
    );
    if (file !== undefined) call.output.line(file);
    call.output.object({
      topology,
      closures: Object.fromEntries([...closures].map(([name, closure]) => [name, closure.hash])),
      committed: { plan: committed.plan, serial: committed.serial },
    });
    return EXIT.done;
  },
};
