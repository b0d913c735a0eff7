/** A command's way to the project that it was called on. */
import { exitOf } from "../../core/codes.ts";
import { RttError } from "../../core/errors.ts";
import { cueValidator } from "../adapters/cue.ts";
import type { Layout } from "../layout.ts";
import { readPart } from "../parts.ts";
import { type Checked, checkProject } from "./check.ts";
import { kindIn } from "./project.ts";

/** CUE as it is in the executable. */
export function openValidator() {
  return cueValidator(() => readPart("cue.wasm"));
}

/** The project's declaration. Of another host no program or file is asked for here. Throws with every issue that it has. */
export async function openChecked(at: Layout, host: "this host" | "another host" = "this host"): Promise<Checked> {
  const checked = await checkProject(at.dir, openValidator(), host === "this host" ? kindIn(at.dir) : null);
  if (!checked.ok) throw new RttError(exitOf(checked.issues), checked.issues);
  return checked.value;
}
