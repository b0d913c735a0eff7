/** The port `Validator` by CUE itself, and the words for what CUE says is wrong. */
import { type Cue, type CueIssue, loadCue } from "../../cue/mod.ts";
import { type Issue, issue, ok, refuse } from "../../core/errors.ts";
import type { Place } from "../../core/model/config.ts";
import { nearest, suggestion } from "../../core/model/nearest.ts";
import type { Validator } from "../../core/ports.ts";

/** What could be evaluated, and all that is wrong with the rest. */
export interface PartlyEvaluated {
  readonly value: unknown;
  readonly places: ReadonlyMap<string, Place>;
  /** Paths of parts that are left out of the value. */
  readonly broken: readonly string[];
  readonly issues: readonly Issue[];
  /** The text of the schema, for projects to keep a copy of. */
  readonly schema: string;
}

export interface CueValidator extends Validator {
  evaluateAll(files: ReadonlyMap<string, string>): Promise<PartlyEvaluated>;
}

/** `read` gives the bytes of `cue.wasm`; it is asked at the first evaluation, and the module is kept. */
export function cueValidator(read: () => Uint8Array<ArrayBuffer>): CueValidator {
  let loaded: Promise<Cue> | undefined;
  const evaluateAll = async (files: ReadonlyMap<string, string>): Promise<PartlyEvaluated> => {
    const cue = await (loaded ??= loadCue(read()));
    const { issues, ...rest } = await cue.evaluate(files);
    return { ...rest, issues: issues.map(inWords) };
  };
  return {
    evaluateAll,
    evaluate: async (files) => {
      const { value, places, issues } = await evaluateAll(files);
      return issues.length === 0 ? ok({ value, places }) : refuse(...issues);
    },
  };
}

function inWords(found: CueIssue): Issue {
  const [because, remedy] = wordsOf(found);
  const whole = found.kind === "missing" || found.kind === "more" ? "the project" : "the file";
  const what = found.path === "" ? whole : `\`${found.path}\``;
  return issue(`config.${found.kind}`, `cannot use ${what} because ${because}`, remedy, found.place);
}

/** Why, as a clause, and what to do. */
function wordsOf(
  found: CueIssue,
): readonly [because: string, remedy: string] {
  const { name = "", options = [], doc = "", got } = found;
  switch (found.kind) {
    case "syntax":
      return [`its syntax is wrong: ${found.message}`, "correct the text at this place"];
    case "package": {
      const wanted = `write \`package ${options[0]}\` at its top`;
      return name === "" ? ["it has no package", wanted] : [`its package is \`${name}\``, wanted];
    }
    case "import":
      return [`\`${name}\` is not known`, `import "${options[0]}" or a package of CUE itself, such as "strings"`];
    case "reference": {
      const near = nearest(name, options);
      const remedy = near === undefined
        ? "declare it, or put it into quotes if it is text"
        : `did you mean \`${near}\`?`;
      return [`nothing is named \`${name}\` here`, remedy];
    }
    case "unknown": {
      const parent = found.path.slice(0, Math.max(0, found.path.length - name.length - 1));
      const where = parent === "" ? "a project" : `\`${parent}\``;
      return [`${where} has no field \`${name}\``, suggestion(name, options, "take it away")];
    }
    case "name":
      return [`\`${name}\` is no name`, 'use a letter, then letters, digits, "_" and "-", at most 63 characters'];
    case "missing":
      return [`it has no \`${name}\``, explained(`write \`${name}\``, doc)];
    case "type":
      return [`it is ${shown(got)} and not ${kindWords(found.kinds ?? "")}`, explained("write another value", doc)];
    case "value":
      if (got === undefined) return ["it has no concrete value", explained("give it one", doc)];
      return options.length > 0
        ? notAnOption(found, options)
        : [`${shown(got)} is not of the right form or size`, explained("correct it", doc)];
    case "conflict": {
      const other = found.other ? `, see also ${found.other.file}:${found.other.line}:${found.other.column}` : "";
      return [`its declarations disagree: ${found.message}${other}`, "keep one of the two"];
    }
    case "cue":
      return [`CUE says: ${found.message}`, "correct the text at this place"];
    case "more":
      return [`${name} issues more were found than are shown`, "correct these first"];
  }
}

function notAnOption({ got, doc = "" }: CueIssue, options: readonly string[]): readonly [string, string] {
  const list = options.map((each) => `"${each}"`).join(", ");
  const word: unknown = got === undefined ? undefined : JSON.parse(got);
  const near = typeof word === "string" ? suggestion(word, options, "") : "";
  const remedy = near.startsWith("did you mean") ? near : explained(`write one of ${list}`, doc);
  return [`it is ${shown(got)} and not one of ${list}`, remedy];
}

/** The schema's comment is what the field wants. */
function explained(act: string, doc: string): string {
  return doc === "" ? act : `${act}: ${doc.slice(0, 1).toLowerCase()}${doc.slice(1).replace(/\.$/, "")}`;
}

function shown(got: string | undefined): string {
  if (got === undefined) return "not a whole value";
  return got.length > 60 ? `${got.slice(0, 57)}…` : got;
}

const KINDS: ReadonlyMap<string, string> = new Map([
  ["string", "text"],
  ["struct", "an object"],
  ["list", "a list"],
  ["bool", "true or false"],
  ["int", "a whole number"],
  ["number", "a number"],
]);

/** CUE's `(string|struct)` for people: `text or an object`. */
function kindWords(kinds: string): string {
  return kinds.replace(/[()]/g, "").split("|").map((each) => KINDS.get(each) ?? each).join(" or ");
}
