/**
 * CUE itself, as WebAssembly, with RTT's schema inside. Loading costs tens of milliseconds and tens of megabytes: a command
 * that reads no CUE never comes here. Each evaluation runs in a fresh instance, so that none can see another.
 */
import type { Place } from "../core/model/config.ts";
import { run } from "./wasi.ts";

/** One thing that is wrong, without words; `cue/main.go` says what each member is. */
export interface CueIssue {
  readonly kind:
    | "syntax"
    | "package"
    | "import"
    | "reference"
    | "unknown"
    | "name"
    | "missing"
    | "type"
    | "value"
    | "conflict"
    | "cue"
    | "more";
  readonly path: string;
  readonly place: Place | null;
  readonly other?: Place;
  readonly name?: string;
  readonly got?: string;
  readonly options?: readonly string[];
  readonly kinds?: string;
  readonly doc?: string;
  readonly message?: string;
}

export interface Evaluation {
  /** Plain JSON, defaults filled in; only the sound parts when there are issues. */
  readonly value: unknown;
  /** Paths of parts that are left out of the value: `routes.attitude.p99`. */
  readonly broken: readonly string[];
  readonly places: ReadonlyMap<string, Place>;
  readonly issues: readonly CueIssue[];
  /** The text of the schema, for projects to keep a copy of. */
  readonly schema: string;
}

export interface Cue {
  /** Files of one package by path. Never rejects for what is in them. */
  evaluate(files: ReadonlyMap<string, string>): Promise<Evaluation>;
}

/** Compiles `cue.wasm`. */
export async function loadCue(bytes: Uint8Array<ArrayBuffer>): Promise<Cue> {
  const module = await WebAssembly.compile(bytes);
  return { evaluate: (files) => evaluate(module, files) };
}

interface Reply {
  readonly value: unknown;
  readonly broken: readonly string[];
  readonly places: Readonly<Record<string, Place>>;
  readonly issues: readonly CueIssue[];
  readonly schema: string;
}

async function evaluate(module: WebAssembly.Module, files: ReadonlyMap<string, string>): Promise<Evaluation> {
  const request = new TextEncoder().encode(JSON.stringify({ files: Object.fromEntries(files) }));
  const ended = await attempt(module, request);
  if (typeof ended === "string") return failed(files, ended);
  const { value, broken, places, issues, schema }: Reply = JSON.parse(ended.text);
  return { value, broken, places: new Map(Object.entries(places)), issues, schema };
}

/** What the program wrote, or why there is nothing: text can be nested deeper than a stack, or too large for its memory. */
async function attempt(module: WebAssembly.Module, request: Uint8Array): Promise<{ readonly text: string } | string> {
  const decoder = new TextDecoder();
  try {
    const ended = await run(module, request);
    if (ended.code === 0) return { text: decoder.decode(ended.stdout) };
    return decoder.decode(ended.stderr).split("\n")[0] ?? "";
  } catch (thrown) {
    if (thrown instanceof RangeError) return "it is nested too deeply";
    if (thrown instanceof WebAssembly.RuntimeError) return thrown.message;
    throw thrown;
  }
}

/** Nothing can be said of the files but that they are too much for CUE: they are refused. */
function failed(files: ReadonlyMap<string, string>, message: string): Evaluation {
  const [file] = [...files.keys()].sort();
  const place = file === undefined ? null : { file, line: 1, column: 1 };
  return { value: {}, broken: [], places: new Map(), issues: [{ kind: "cue", path: "", place, message }], schema: "" };
}
