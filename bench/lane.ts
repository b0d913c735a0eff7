/** Lanes, measured by the native `lane_bench`, which prints one object a line: name, value, unit, reference, ratio. */
import { run } from "./measure.ts";
import type { Bench, Row } from "./row.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** A line of `lane_bench`; fields that it may leave out are optional. */
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

export const lane: Bench = {
  name: "lane",
  says: "latency and throughput of lanes against bare memory, and where the next nanosecond goes",
  run: async () => {
    const cargo = ["run", "--quiet", "--locked", "--release", "--manifest-path", "ffi/Cargo.toml"];
    return nativeRows(await run("cargo", [...cargo, "-p", "rtt-bench", "--bin", "lane_bench"], ROOT));
  },
};
