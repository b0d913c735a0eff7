/**
 * The gate runner: `deno run -A tools/gates.ts ok|test [GATE|GROUP...]`. Each gate is data in gates.json. A gate passes when all
 * of its steps exit 0 and it ran at least one case; its output is shown only when it fails. The last line of a run is
 * exactly `N passed, N failed`, summed over cases.
 */
import gatesFile from "./gates.json" with { type: "json" };
import { asCounting, countCases, type Counted, type Counting } from "./count.ts";
import { leaks, probeCount, type Snapshot, snapshot } from "./leaks.ts";

/** The sets of gates: before each commit, and all of it. */
type Occasion = "ok" | "test";

interface Gate {
  readonly name: string;
  /** `test` runs the gates of `ok` too. */
  readonly in: Occasion;
  /** Gates that prove one thing together, and are asked for by one name. */
  readonly group?: string;
  /** Commands, run in order from the root of the project until one fails. */
  readonly steps: readonly (readonly string[])[];
  readonly count: Counting;
  /** A pattern of lines that are shown when the gate has passed: what it looked at, in figures. */
  readonly show?: string;
  /** Seconds after which a step is ended and the gate has failed. */
  readonly within?: number;
}

interface Outcome extends Counted {
  readonly gate: string;
  readonly seconds: number;
  readonly shown: readonly string[];
}

const DEFAULT_WITHIN_S = 600;
/** The exit code of `timeout` for a command that it ended. */
const TIMED_OUT = 124;
/** What ends is given this long to be gone before it counts as left behind. */
const LEAK_GRACE_MS = 5_000;
const LEAK_POLL_MS = 250;
const LEAKS = "leaks";
const NAME_WIDTH = 14;
const CASES_WIDTH = 22;
const SHOWN_OUTPUT = 40_000;
const gates = gatesFile.gates.map(asGate);
const root = new URL("..", import.meta.url);

/** A row of gates.json, checked: a gate that is misspelt must not be a gate that is never run. */
function asGate(row: (typeof gatesFile.gates)[number]): Gate {
  if (row.in !== "ok" && row.in !== "test") {
    throw new Error(`cannot read gate ${row.name} because it is in '${row.in}'; remedy: ok or test`);
  }
  if (row.steps.length === 0 || row.steps.some((step) => step.length === 0)) {
    throw new Error(`cannot read gate ${row.name} because it has no step, or an empty one`);
  }
  return { ...row, in: row.in, count: asCounting(row.count) };
}

/** Standard output and error of one step, as one text, and whether it ended well. */
async function runStep(step: readonly string[], withinS: number): Promise<{ ok: boolean; output: string }> {
  // `timeout` ends the whole process group of a step that hangs.
  const { success, code, stdout, stderr } = await new Deno.Command("timeout", {
    args: ["--kill-after=10", `${withinS}`, ...step],
    cwd: root,
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const late = code === TIMED_OUT ? `ended: it took longer than ${withinS} s\n` : "";
  return { ok: success, output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) + late };
}

async function runGate(gate: Gate): Promise<Outcome> {
  const started = performance.now();
  let output = "";
  let ok = true;
  for (const step of gate.steps) {
    const result = await runStep(step, gate.within ?? DEFAULT_WITHIN_S);
    output += `$ ${step.join(" ")}\n${result.output}`;
    ok = result.ok;
    if (!ok) break;
  }
  const counted = countCases(gate.count, output, ok, root);
  const seconds = (performance.now() - started) / 1000;
  if (counted.failed > 0) console.log(tail(output));
  const shown = gate.show === undefined ? [] : output.match(new RegExp(gate.show, "gm")) ?? [];
  return { ...counted, gate: gate.name, seconds, shown };
}

/** The last gate: nothing that was not there at the start is there now. Each kind of thing is a case. */
async function leakGate(before: Snapshot): Promise<Outcome> {
  const started = performance.now();
  let found = leaks(before);
  while (found.length > 0 && performance.now() - started < LEAK_GRACE_MS) {
    await new Promise((resolve) => setTimeout(resolve, LEAK_POLL_MS));
    found = leaks(before);
  }
  const failed = new Set(found.map((line) => line.slice(0, line.indexOf(":")))).size;
  for (const line of found) console.log(`left behind: ${line}`);
  const seconds = (performance.now() - started) / 1000;
  return { gate: LEAKS, passed: probeCount - failed, failed, why: "", seconds, shown: [] };
}

function tail(output: string): string {
  if (output.length <= SHOWN_OUTPUT) return output;
  return `[the first ${output.length - SHOWN_OUTPUT} characters are left out]\n${output.slice(-SHOWN_OUTPUT)}`;
}

/** The names that were asked for, or all of an occasion; `test` runs the gates of `ok` too, and the leak scan last. */
function chosen(occasion: string, names: readonly string[]): readonly Gate[] {
  if (occasion !== "ok" && occasion !== "test") {
    throw new Error(`cannot run the gates of '${occasion}' because there is no such set; remedy: ok or test`);
  }
  const groups = new Set(gates.flatMap((gate) => gate.group ?? []));
  const known = [...gates.map((gate) => gate.name), ...groups, LEAKS];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const remedy = `one of ${known.join(" ")}`;
    throw new Error(`cannot run gate ${unknown.join(", ")} because there is none of that name; remedy: ${remedy}`);
  }
  const wanted = (gate: Gate): boolean => names.includes(gate.name) || names.includes(gate.group ?? "");
  if (names.length > 0) return gates.filter(wanted);
  return gates.filter((gate) => occasion === "test" || gate.in === "ok");
}

function show(outcome: Outcome): void {
  const verdict = outcome.failed > 0 ? `FAILED${outcome.why === "" ? "" : `: ${outcome.why}`}` : "ok";
  const cases = `${outcome.passed + outcome.failed} cases, ${outcome.seconds.toFixed(1)} s`;
  console.log(`${outcome.gate.padEnd(NAME_WIDTH)} ${cases.padEnd(CASES_WIDTH)} ${verdict}`);
  for (const line of outcome.shown) console.log(`${"".padEnd(NAME_WIDTH)} ${line}`);
}

async function main(args: readonly string[]): Promise<number> {
  const [occasion = "", ...names] = args;
  const selected = chosen(occasion, names);
  const before = snapshot();
  const outcomes: Outcome[] = [];
  const note = (outcome: Outcome): void => {
    show(outcome);
    outcomes.push(outcome);
  };
  // The gates of `ok` use the compiler of Rust or that of TypeScript: one of each at a time. All others run alone.
  const lane = async (compiler: "cargo" | "deno"): Promise<void> => {
    for (const gate of selected) {
      if (gate.in === "ok" && (gate.steps[0]?.[0] === "cargo") === (compiler === "cargo")) note(await runGate(gate));
    }
  };
  await Promise.all([lane("deno"), lane("cargo")]);
  for (const gate of selected) {
    if (gate.in === "test") note(await runGate(gate));
  }
  if (occasion === "test" && (names.length === 0 || names.includes(LEAKS))) note(await leakGate(before));
  const failing = outcomes.filter((outcome) => outcome.failed > 0).map((outcome) => outcome.gate);
  if (failing.length > 0) console.log(`failing gates: ${failing.join(" ")}; one alone: ./x test ${failing[0]}`);
  const passed = outcomes.reduce((total, outcome) => total + outcome.passed, 0);
  const failed = outcomes.reduce((total, outcome) => total + outcome.failed, 0);
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    console.error(`gates: ${error instanceof Error ? error.message : error}`);
    Deno.exit(2);
  }
}
