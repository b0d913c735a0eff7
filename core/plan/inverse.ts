/** The way back. It is in the plan, so that a rollback needs neither a solver nor a config. */
import { assert } from "../errors.ts";
import type { Config } from "../model/config.ts";
import type { Graph } from "../model/graph.ts";
import { canonicalText } from "../trust/canonical.ts";
import { applyBatches } from "./diff.ts";
import { type Batches, orderedBatches } from "./order.ts";

/** Batches from one graph to the other and back, each shown to arrive before it is put into a plan. */
export function thereAndBack(from: Graph, to: Graph, declared: Config): { batches: Batches; inverse: Batches } {
  const batches = orderedBatches(from, to, declared);
  const inverse = orderedBatches(to, from, declared);
  assert(canonicalText(applyBatches(from, batches)) === canonicalText(to), "a plan's batches lead to its graph");
  assert(canonicalText(applyBatches(to, inverse)) === canonicalText(from), "a plan's inverse leads back to its base");
  return { batches, inverse };
}
