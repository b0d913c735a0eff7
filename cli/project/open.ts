/** A command's way to the project that it was called on. */
import { exitOf } from "../../core/codes.ts";
import { RttError } from "../../core/errors.ts";
import { cueValidator } from "../adapters/cue.ts";
import type { Layout } from "../layout.ts";
import { readPart } from "../parts.ts";
import { type Checked, checkProject } from "./check.ts";

/** CUE as it is in the executable. */
export function openValidator() {
  return cueValidator(() => readPart("cue.wasm"));
}

/** The project's declaration. Throws with every issue that it has. */
export async function openChecked(at: Layout): Promise<Checked> {
  const checked = await checkProject(at.dir, openValidator());
  if (!checked.ok) throw new RttError(exitOf(checked.issues), checked.issues);
  return checked.value;
}
