/** The project that `rtt init` writes: two built-in drivers, one route, and what to know, beside it. */

const IMPORT = 'import "rtt.local/rtt"';

export const PANEL_CUE = `// One host's wiring, declared. \`rtt check\` says what is wrong with it, and where.
// Several .cue files in this folder are one declaration: divide it as you like.
package panel

${IMPORT}

// Who this is. Signed plans are bound to this name.
panel: rtt.#Panel & {name: "cell1"}

// What can be sent: a type, its version, and the layout of a record. Without fields a payload is opaque bytes.
contracts: [string]: rtt.#Contract
contracts: load: version: "1.0.0"

// What runs, each in a sandbox of its own. "rtt:gen" and "rtt:sink" come with rtt; a program of yours is
// {run: ["./filter"]} if it links the driver kit (Rust or C), and with speaks: "stdio" it can be any Unix program.
// An output sends one version of a contract, an input accepts a range.
drivers: [string]: rtt.#Driver
drivers: gen: {run: ["rtt:gen", "--rate=1000"], out: load: "load@1.0.0"}
drivers: sink: {run: ["rtt:sink"], in: load: "load@^1.0"}

// What is to be joined, and how well: 99 of 100 frames must arrive within p99, over 10 seconds.
// \`to\` can also be any driver that takes a contract: {any: "load@^1.0", as: "sink"}. The planner chooses.
routes: [string]: rtt.#Route
routes: load: {from: "gen/load", to: "sink/load", p99: "20ms", rate: "1kHz", onTrip: "alarm"}

// What may be joined: nothing that no rule allows. Plans must be signed, by as many keys as this says.
policy: rtt.#Policy & {
	allow: [{from: "gen/*", to: "sink/*"}]
	sign: plan: 1
}
`;

/** Makes the folder a CUE module, so that plain \`cue\` and editors find the copy of the schema. */
export const MODULE_CUE = `module: "panel.local@v0"
language: version: "v0.17.0"
`;

/** Secrets, sockets and state of this host stay here; mirrors are for review, and go with the project. */
export const GITIGNORE = `.rtt/*
!.rtt/panel.yaml
!.rtt/routes.json
`;
