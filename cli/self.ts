/** How this program starts itself: as the one executable, or from source under `deno run`. */

/** argv of `rtt ARGS`. */
export function selfCommand(args: readonly string[]): readonly [string, ...string[]] {
  const program = Deno.execPath();
  if (Deno.build.standalone) return [program, ...args];
  const main = new URL("./main.ts", import.meta.url).pathname;
  return [program, "run", "--quiet", "--allow-all", main, ...args];
}
