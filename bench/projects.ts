/** The projects that are checked and planned, as copies: nothing is written into the repository. */
import { declarePlanA } from "../cli/demo/project.ts";
import { run } from "./measure.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** What `rtt demo` plans first: the pole, its load and this host's metrics under one panel. */
export function demoProject(folder: string): string {
  const dir = `${folder}/demo`;
  Deno.mkdirSync(dir);
  declarePlanA({ take: (example, name) => Deno.copyFileSync(`${ROOT}examples/${example}`, `${dir}/${name}`) });
  return dir;
}

/** A fixture in which the solver has something to decide. */
export async function twelveDrivers(folder: string): Promise<string> {
  const dir = `${folder}/twelve-drivers`;
  await run("cp", ["-r", `${ROOT}tests/fixtures/twelve-drivers`, dir]);
  return dir;
}
