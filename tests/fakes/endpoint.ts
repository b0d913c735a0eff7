/** Endpoints of cells, in a few words. */
import type { CellEndpoint } from "../../core/keeper.ts";

/** One with opaque payloads. */
export function opaque(name: string, direction: "in" | "out"): CellEndpoint {
  const meaning = { contract: "test.frame", version: "1.0.0", capabilities: [], fields: [], layouts: [] };
  return { name, direction, ...meaning, dependsOn: [] };
}
