/** Lanes, measured by the native `lane_bench`, `kit_bench` and `rtt-rivals`, which print one object a line. */
import { run } from "./measure.ts";
import type { Bench, Row } from "./row.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** A line of a native benchmark; fields that it may leave out are optional. */
interface Line {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly reference?: number | null;
  readonly ratio?: number | null;
  readonly against?: string;
  readonly mark?: string;
}

function isLine(value: unknown): value is Line {
  if (typeof value !== "object" || value === null) return false;
  const { name, value: figure, unit } = value as Partial<Line>;
  return typeof name === "string" && typeof figure === "number" && typeof unit === "string";
}

/** Reads what a native benchmark printed; a line that is no row is an error. */
export function nativeRows(output: string): Row[] {
  return output.split("\n").filter((line) => line.trim() !== "").map((text) => {
    const line: unknown = JSON.parse(text);
    if (!isLine(line)) {
      throw new Error(`cannot read a benchmark's line because it has no name, value and unit: ${text}`);
    }
    const reference = line.reference ?? null;
    return {
      name: line.name,
      value: line.value,
      unit: line.unit,
      reference,
      ratio: line.ratio ?? (reference === null ? null : line.value / reference),
      against: line.against ?? "",
      mark: line.mark ?? "",
    };
  });
}

const cargo = (manifest: string, ...args: readonly string[]): Promise<string> =>
  run("cargo", ["run", "--quiet", "--locked", "--release", "--manifest-path", manifest, ...args], ROOT);

/** Rows against real crates; without a C++ compiler ZeroMQ, whose library is compiled from source, is left out. */
async function rivals(): Promise<Row[]> {
  const compiler = await run("c++", ["--version"]).then(() => true, () => false);
  if (!compiler) console.error("bench lane: ZeroMQ is left out because there is no C++ compiler (c++)");
  return nativeRows(await cargo("bench/rivals/Cargo.toml", ...(compiler ? [] : ["--no-default-features"])));
}

export const lane: Bench = {
  name: "lane",
  says: "lanes against bare memory and other ways, what waiting costs, and where the next nanosecond goes",
  run: async () => [
    ...nativeRows(await cargo("ffi/Cargo.toml", "-p", "rtt-bench", "--bin", "lane_bench")),
    ...nativeRows(await cargo("ffi/Cargo.toml", "-p", "rtt-kit-bench")),
    ...await rivals(),
  ],
};
