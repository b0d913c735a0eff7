/**
 * `./x bench [NAME...] [--json] [--check]`: runs the benchmarks and prints a table, or with --json one object a line. With
 * --check a mark that is not met is a failure.
 */
import { apply } from "./apply.ts";
import { lane } from "./lane.ts";
import { isMet } from "./mark.ts";
import { type Bench, jsonLine, type Row, table } from "./row.ts";
import { planning } from "./plan.ts";
import { startup } from "./startup.ts";

const BENCHES: readonly Bench[] = [startup, planning, lane, apply];

async function main(args: readonly string[]): Promise<number> {
  const json = args.includes("--json");
  const names = args.filter((arg) => arg !== "--json" && arg !== "--check");
  const unknown = names.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    const known = BENCHES.map((bench) => `  ${bench.name.padEnd(10)} ${bench.says}`).join("\n");
    console.error(
      `bench: cannot measure ${unknown.join(", ")} because there is no such benchmark; remedy: one of\n${known}`,
    );
    return 2;
  }
  const rows: Row[] = [];
  let failed = 0;
  for (const bench of BENCHES.filter((each) => names.length === 0 || names.includes(each.name))) {
    if (!json) console.error(`measuring ${bench.name}: ${bench.says}`);
    try {
      const measured = await bench.run();
      rows.push(...measured);
      if (json) { for (const row of measured) console.log(jsonLine(row)); }
    } catch (error) {
      console.error(`bench ${bench.name}: ${error instanceof Error ? error.message : error}`);
      failed += 1;
    }
  }
  if (!json) { for (const line of table(rows)) console.log(line); }
  const missed = rows.filter((row) => isMet(row.mark, row) === false);
  if (missed.length > 0) console.error(`bench: marks that are not met: ${missed.map((row) => row.name).join("; ")}`);
  return failed > 0 || args.includes("--check") && missed.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
