/** CUE of projects that tests run. */

const IMPORT = 'import "rtt.local/rtt"';

/** A panel of this name that allows every route, and whatever follows. */
export function panel(rest: string, name = "cell1", policy = ""): string {
  return `package panel

${IMPORT}

panel: rtt.#Panel & {name: "${name}"}
contracts: load: version: "1.0.0"
policy: allow: [{from: "*/*", to: "*/*"}]
${policy}
${rest}
`;
}

/** A checked load over one lane: `name` makes it and `name`Sink takes it. */
export function pair(name: string, more = ""): string {
  return `
drivers: ${name}: {run: ["rtt:gen", "--rate=1000"], out: load: "load@1.0.0"}
drivers: ${name}Sink: {run: ["rtt:sink"], in: load: "load@^1.0"}
routes: ${name}: {from: "${name}/load", to: "${name}Sink/load"${more}}
`;
}

/** A program of the project on its own standard input and output, which tells a sink what it has to say. */
export function teller(run: readonly string[], more = ""): string {
  return `
drivers: teller: {run: ${JSON.stringify(run)}, speaks: "stdio", out: load: "load@1.0.0"${more}}
drivers: listener: {run: ["rtt:sink"], in: load: "load@^1.0"}
routes: told: {from: "teller/load", to: "listener/load"}
`;
}
