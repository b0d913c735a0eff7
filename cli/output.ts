/** Where a command's words go: text for people, `--json` for programs; errors to stderr, in the same two forms. */
import type { Issue } from "../core/errors.ts";

export interface Output {
  readonly json: boolean;
  readonly paint: Paint;
  /** A line for people; nothing under `--json`. */
  line(text?: string): void;
  /** An object for programs; nothing otherwise. */
  object(value: unknown): void;
  /** Progress, on stderr, so that stdout stays the answer. Nothing under `--json`. */
  note(text: string): void;
  problems(issues: readonly Issue[]): void;
  /** What the caller should know although the command goes on: on stderr, under `--json` as `{"warning": …}`. */
  warnings(issues: readonly Issue[]): void;
}

export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

const encoder = new TextEncoder();

export function openOutput(json: boolean): Output {
  const paint = paintFor(Deno.stdout.isTerminal() && !json && Deno.env.get("NO_COLOR") === undefined);
  const { red, yellow } = paintFor(Deno.stderr.isTerminal() && Deno.env.get("NO_COLOR") === undefined);
  return {
    json,
    paint,
    line: (text = "") => json ? undefined : write(Deno.stdout, harmless(text)),
    object: (value) => json ? write(Deno.stdout, JSON.stringify(value)) : undefined,
    note: (text) => json ? undefined : write(Deno.stderr, harmless(text)),
    problems(issues) {
      for (const each of issues) {
        if (json) write(Deno.stderr, JSON.stringify({ error: errorObject(each) }));
        else write(Deno.stderr, harmless(problemText(each, red)));
      }
    },
    warnings(issues) {
      for (const each of issues) {
        if (json) write(Deno.stderr, JSON.stringify({ warning: errorObject(each) }));
        else write(Deno.stderr, harmless(problemText(each, yellow, "warning")));
      }
    },
  };
}

/** `error[route.cycle]: cannot … because …`, then where, then the remedy. */
export function problemText(
  issue: Issue,
  paint: (text: string) => string = (text) => text,
  kind: "error" | "warning" = "error",
): string {
  const where = issue.where ? `\n  at ${placeText(issue.where)}` : "";
  return `${paint(`${kind}[${issue.code}]`)}: ${issue.message}${where}\n  remedy: ${issue.remedy}`;
}

function placeText(place: NonNullable<Issue["where"]>): string {
  return `${place.file}:${place.line}:${place.column}`;
}

function errorObject(issue: Issue) {
  const where = issue.where ? placeText(issue.where) : null;
  return { code: issue.code, message: issue.message, where, remedy: issue.remedy };
}

/** What a driver says must not command the terminal: control characters become visible (`\\x1b`), but for ends of lines. */
export function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, shown);
}

/** The same for text that we have painted. */
function harmless(text: string): string {
  return text.replace(PAINTED_OR_CONTROL, (found) => found.length > 1 ? found : shown(found));
}

const PAINTED_OR_CONTROL = new RegExp("\x1b\\[(?:1|2|22|31|32|33|39)m|\\p{Cc}", "gu");

function shown(control: string): string {
  if (control === "\n" || control === "\t") return control;
  return `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

function write(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(`${text}\n`);
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}

function paintFor(colours: boolean): Paint {
  const code = (start: number, end: number) => (text: string) => colours ? `\x1b[${start}m${text}\x1b[${end}m` : text;
  return { bold: code(1, 22), dim: code(2, 22), red: code(31, 39), green: code(32, 39), yellow: code(33, 39) };
}

/** Columns of the terminal; 100 where there is none. */
export function terminalWidth(): number {
  return Deno.stdout.isTerminal() ? Deno.consoleSize().columns : 100;
}
