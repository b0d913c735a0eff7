/**
 * The composition root: what the executable runs. It imports next to nothing, because everything that is imported here is
 * paid for by every command.
 */
import { VERSION } from "./version.ts";

async function start(args: readonly string[]): Promise<number> {
  const [name] = args;
  if (name === "--version" || name === "-V") {
    console.log(args.includes("--json") ? JSON.stringify({ version: VERSION }) : `rtt ${VERSION}`);
    return 0;
  }
  const { main } = await import("./entry.ts");
  return await main(args);
}

if (import.meta.main) Deno.exit(await start(Deno.args));
