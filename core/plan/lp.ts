/** A program as text in CPLEX LP format, which every solver reads: variables are x0, x1 … in the program's order. */
import type { Program, Row } from "../ports.ts";

type Terms = Row["terms"];

/** Terms on one line: readers of the format have limits on the length of a line. */
const TERMS_A_LINE = 12;

export function lpText(program: Program): string {
  const lines = ["Minimize", ` obj: ${sumText(program.objective)}`, "Subject To"];
  // A row without terms has no text; whoever solves the program looks at it first.
  for (const [at, { terms, sense, rhs }] of program.rows.entries()) {
    if (terms.length > 0) lines.push(` r${at}: ${sumText(terms)} ${sense} ${rhs}`);
  }
  lines.push("Binary");
  for (let at = 0; at < program.variables.length; at += TERMS_A_LINE) {
    const end = Math.min(at + TERMS_A_LINE, program.variables.length);
    lines.push(` ${Array.from({ length: end - at }, (_, each) => `x${at + each}`).join(" ")}`);
  }
  lines.push("End", "");
  return lines.join("\n");
}

function sumText(terms: Terms): string {
  const byVariable = new Map<number, number>();
  for (const [variable, coefficient] of terms) {
    byVariable.set(variable, (byVariable.get(variable) ?? 0) + coefficient);
  }
  const written = [...byVariable].map(([variable, coefficient], at) => {
    const sign = coefficient < 0 ? "-" : at === 0 ? "" : "+";
    const line = at > 0 && at % TERMS_A_LINE === 0 ? "\n  " : "";
    return `${line}${sign}${sign === "" ? "" : " "}${Math.abs(coefficient)} x${variable}`;
  });
  return written.length === 0 ? "0 x0" : written.join(" ");
}
