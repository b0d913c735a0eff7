/** This host's facts for planning, or those that `rtt scan --export` wrote elsewhere. */
import type { Committed } from "../../core/apply/types.ts";
import { issue, ok, refuse, type Result } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Config } from "../../core/model/config.ts";
import { EMPTY_GRAPH } from "../../core/model/graph.ts";
import type { DriverName } from "../../core/model/names.ts";
import type { Closure } from "../../core/model/scenario.ts";
import { count, flag, list, matching, nullable, object, record, text } from "../../core/model/shape.ts";
import type { Topology } from "../../core/model/topology.ts";
import type { Hasher } from "../../core/ports.ts";
import { decodeBase64, encodeBase64 } from "../../core/trust/base64.ts";
import { canonical, parseCanonical } from "../../core/trust/canonical.ts";
import { graphHash, parsePlan, planId } from "../../core/trust/plan_file.ts";
import { openCrypto } from "../adapters/crypto.ts";
import { readTopology } from "../adapters/topology.ts";
import type { Layout } from "../layout.ts";
import { readPart } from "../parts.ts";
import { closureOf } from "./closure.ts";
import { readCommitted } from "./committed.ts";

export interface Facts {
  readonly topology: Topology;
  readonly closures: ReadonlyMap<DriverName, Closure>;
  readonly committed: Committed;
}

/** Looks at this host. A driver whose files can't be read has no closure; the planner says so where it matters. */
export function scanHost(at: Layout, config: Config): Facts {
  const { hasher } = openCrypto();
  const drivers = readPart("rtt-drivers");
  const closures = new Map<DriverName, Closure>();
  for (const [name, driver] of config.drivers) {
    const closure = closureOf(driver, { dir: at.dir, drivers, hasher });
    if (closure.ok) closures.set(name, closure.value);
  }
  return { topology: readTopology("/"), closures, committed: readCommitted(at) };
}

/** The bytes of `rtt scan --export`: facts of one host that planning on another can use. No secrets, no log. */
export function exportFacts({ topology, closures, committed }: Facts): Uint8Array {
  return canonical({
    format: "rtt-facts-1",
    topology,
    closures: Object.fromEntries(closures),
    committed: {
      plan: committed.document === null ? null : encodeBase64(canonical(committed.document)),
      serial: committed.serial,
    },
  });
}

export function parseFacts(bytes: Uint8Array, hasher: Hasher): Result<Facts> {
  const parsed = parseCanonical(bytes, "the facts", "facts.broken");
  if (!parsed.ok) return parsed;
  const wrong = FACTS(parsed.value);
  if (wrong !== undefined) return broken(`\`${wrong || "."}\` is not as \`rtt scan --export\` writes it`);
  const { topology, closures, committed } = parsed.value as {
    topology: Topology;
    closures: Record<string, Closure>;
    committed: { plan: string | null; serial: number };
  };
  const document = committedOf(committed, hasher);
  if (!document.ok) return document;
  return ok({
    topology,
    closures: new Map(Object.entries(closures) as [DriverName, Closure][]),
    committed: document.value,
  });
}

function committedOf({ plan, serial }: { plan: string | null; serial: number }, hasher: Hasher): Result<Committed> {
  const nothing = {
    plan: null,
    document: null,
    graph: EMPTY_GRAPH,
    graphHash: graphHash(EMPTY_GRAPH, hasher),
    serial,
    moves: [],
  };
  if (plan === null) return ok(nothing);
  const bytes = decodeBase64(plan);
  if (!bytes) return broken("the committed plan in it is not base64");
  const document = parsePlan(bytes, hasher);
  if (!document.ok) return document;
  const graph = document.value.to;
  return ok({
    ...nothing,
    plan: planId(bytes, hasher),
    document: document.value,
    graph,
    graphHash: graphHash(graph, hasher),
  });
}

function broken<T>(why: string): Result<T> {
  return refuse(
    issue("facts.broken", `cannot read the facts because ${why}`, "write them again with `rtt scan --export`"),
  );
}

const HASH = matching(/^[0-9a-f]{64}$/);
const FACTS = object({
  format: matching(/^rtt-facts-1$/),
  topology: object({
    cpus: list(object({ id: count, node: count, cache: count, core: count }), 4_096),
    nodes: list(count, 1_024),
    distance: list(list(count, 1_024), 1_024),
  }),
  closures: record(
    object({ hash: HASH, files: list(object({ path: text, hash: HASH, executable: flag }), LIMITS.closureFiles) }),
    LIMITS.drivers,
  ),
  committed: object({ plan: nullable(text), serial: count }),
});
