/**
 * What holds between declared things: that names lead somewhere, and that the two ends of a route fit by kind. What needs the planner's rules (versions, cycles, one `to` for each `from`, policy) is
 * `core/plan/check.ts`.
 */
import type { Config, Driver, Endpoint, Route } from "./config.ts";
import { checkManifestFiles, checkProgram, type KindOf } from "./crosscheck_files.ts";
import { type RouteName, saddr } from "./names.ts";
import { suggestion } from "./nearest.ts";
import type { Report } from "./parse_node.ts";
import { recordBytes } from "./record.ts";
import { revisionOf, revisions } from "./revision.ts";
import { formatRange, formatVersion } from "./version.ts";

/** Names that are declared, those of parts that are no good included: a route to one of them is not what is wrong. */
export interface Declared {
  readonly contracts: ReadonlySet<string>;
  readonly drivers: ReadonlySet<string>;
  readonly routes: ReadonlySet<string>;
}

/**
 * Says what is wrong between parts. The parts may be unsound themselves, which was said then: what is missing in one is not
 * held against another. Routes in the answer are not fit for further checks.
 */
export function crossCheck(
  config: Config,
  declared: Declared,
  report: Report,
  kindOf?: KindOf,
): ReadonlySet<RouteName> {
  for (const driver of config.drivers.values()) {
    checkEndpoints(driver, config, declared, report);
    checkProgram(driver, report, kindOf);
    checkManifestFiles(driver, report, kindOf);
  }
  checkPolicy(config, declared, report);
  const unfit = [...config.routes.values()].filter((route) => !routeFits(route, config, declared, report));
  return new Set(unfit.map((each) => each.name));
}

function checkEndpoints(driver: Driver, config: Config, declared: Declared, report: Report): void {
  const inputs = [...driver.endpoints.values()].filter((each) => each.direction === "in").map((each) => each.name);
  for (const endpoint of driver.endpoints.values()) {
    const path = `drivers.${driver.name}.${endpoint.direction}.${endpoint.name}`;
    if (!declared.contracts.has(endpoint.contract)) {
      report.add(
        "contract.unknown",
        path,
        `cannot use \`${path}\` because contract \`${endpoint.contract}\` is not declared`,
        suggestion(endpoint.contract, declared.contracts, "declare it in `contracts`"),
      );
    }
    for (const [at, name] of endpoint.dependsOn.entries()) {
      if (inputs.includes(name) || !report.sound(`drivers.${driver.name}.in`)) continue;
      report.add(
        "driver.depends",
        `${path}.dependsOn.${at}`,
        `cannot use \`${path}\` because it depends on \`${name}\`, which is no input of driver \`${driver.name}\``,
        suggestion(name, inputs, "the driver has no inputs: leave `dependsOn` out"),
      );
    }
    checkCapabilities(endpoint, config, path, report);
    checkRevision(endpoint, config, path, report);
    checkFrame(driver, endpoint, config, path, report);
  }
}

/** A word that its contract does not have is offered to nobody, and nobody can meet who asks for it. */
function checkCapabilities(endpoint: Endpoint, config: Config, path: string, report: Report): void {
  const contract = config.contracts.get(endpoint.contract);
  if (!contract || !report.sound(`contracts.${contract.name}.capabilities`)) return;
  for (const [at, word] of endpoint.capabilities.entries()) {
    if (contract.capabilities.includes(word)) continue;
    const does = endpoint.direction === "out" ? "offers" : "asks for";
    report.add(
      "contract.capability",
      `${path}.capabilities.${at}`,
      `cannot use \`${path}\` because it ${does} \`${word}\`, which is no capability of \`${contract.name}\``,
      suggestion(word, contract.capabilities, `declare it in the contract's \`capabilities\`, or take it away`),
    );
  }
}

/** What is sent must be known. Of what is accepted the planner asks, when it is to be joined. */
function checkRevision(endpoint: Endpoint, config: Config, path: string, report: Report): void {
  const contract = config.contracts.get(endpoint.contract);
  if (!contract || endpoint.direction === "in" || revisions(contract).every((each) => each.fields.length === 0)) return;
  if (revisionOf(endpoint, contract)) return;
  const declared = revisions(contract).map((each) => formatVersion(each.version)).join(" and ");
  report.add(
    "contract.version",
    path,
    `cannot use \`${path}\` because \`${contract.name}\` is declared as ${declared}, which says nothing of ` +
      formatRange(endpoint.accepts).replace(/^=/, ""),
    "correct the version, or add that one and its fields to the contract's `earlier`",
  );
}

/** A program with frames of a fixed size must mean the record that its contract means. */
function checkFrame(driver: Driver, endpoint: Endpoint, config: Config, path: string, report: Report): void {
  const { frame } = driver.stdio;
  const contract = config.contracts.get(endpoint.contract);
  const record = recordBytes((contract && revisionOf(endpoint, contract))?.fields ?? []);
  if (driver.speaks !== "stdio" || frame.kind !== "fixed" || record === 0 || frame.bytes === record) return;
  report.add(
    "driver.frame",
    `drivers.${driver.name}.frame`,
    `cannot use \`${path}\` because the driver's frames have ${frame.bytes} bytes and a record of ` +
      `\`${endpoint.contract}\` has ${record}`,
    `write \`frame: "fixed<${record}>"\`, or correct the contract's fields`,
  );
}

function routeFits(route: Route, config: Config, declared: Declared, report: Report): boolean {
  const before = report.issues.length;
  const from = checkEnd(route, "from", config, declared, report);
  const to = checkEnd(route, "to", config, declared, report);
  if (from && to && from !== to) {
    report.add(
      "route.contract",
      `routes.${route.name}.to`,
      `cannot wire route \`${route.name}\` because its \`from\` sends \`${from}\` and its \`to\` takes \`${to}\``,
      "join endpoints of one contract",
    );
  }
  for (const name of new Set([...route.fallback.keys(), ...route.fallback.values()])) {
    if (declared.routes.has(name)) continue;
    report.add(
      "fallback.unknown",
      `routes.${route.name}.fallback`,
      `cannot wire route \`${route.name}\` because its fallback names \`${name}\`, which is no route`,
      suggestion(name, declared.routes, "name a declared route"),
    );
  }
  return report.issues.length === before;
}

/** What one end of a route carries; undefined when that can't be said, or something is wrong with it. */
function checkEnd(
  route: Route,
  side: "from" | "to",
  config: Config,
  declared: Declared,
  report: Report,
): string | undefined {
  const end = route[side];
  const path = `routes.${route.name}.${side}`;
  const say = (code: string, because: string, remedy: string): undefined => {
    report.add(code, path, `cannot wire route \`${route.name}\` because its \`${side}\` ${because}`, remedy);
  };
  if (end.kind === "any") {
    if (declared.contracts.has(end.contract)) return end.contract;
    const remedy = suggestion(end.contract, declared.contracts, "declare it in `contracts`");
    return say("contract.unknown", `names contract \`${end.contract}\`, which is not declared`, remedy);
  }
  if (!declared.drivers.has(end.driver)) {
    const remedy = suggestion(end.driver, declared.drivers, "declare it in `drivers`");
    return say("route.driver", `names driver \`${end.driver}\`, which is not declared`, remedy);
  }
  const driver = config.drivers.get(end.driver);
  if (!driver) return undefined; // Declared, and no good: that was said.
  const whole = report.sound(`drivers.${end.driver}.in`) && report.sound(`drivers.${end.driver}.out`);
  const endpoint = driver.endpoints.get(end.endpoint);
  const wanted = side === "from" ? "out" : "in";
  const fitting = [...driver.endpoints.values()].filter((each) => each.direction === wanted).map((each) => each.name);
  if (!endpoint) {
    if (!whole) return undefined;
    const address = saddr(end.driver, end.endpoint);
    const remedy = suggestion(end.endpoint, fitting, `the driver has no \`${wanted}\` endpoints`);
    return say("route.endpoint", `is \`${address}\`, and that driver has no such endpoint`, remedy);
  }
  if (endpoint.direction !== wanted) {
    const address = saddr(end.driver, end.endpoint);
    const remedy = suggestion(
      end.endpoint,
      fitting,
      `the driver has no \`${wanted}\` endpoints: exchange the two ends`,
    );
    return say("route.direction", `is \`${address}\`, which is an \`${endpoint.direction}\` endpoint`, remedy);
  }
  return endpoint.contract;
}

function checkPolicy(config: Config, declared: Declared, report: Report): void {
  const { policy } = config;
  const unknown = (path: string, what: string, name: string, names: ReadonlySet<string>) => {
    if (names.has(name)) return;
    report.add(
      "policy.unknown",
      path,
      `cannot use \`${path}\` because ${what} \`${name}\` is not declared`,
      suggestion(name, names, `declare the ${what}, or take this away`),
    );
  };
  for (const list of ["allow", "deny"] as const) {
    for (const [at, rule] of policy[list].entries()) {
      for (const side of ["from", "to"] as const) {
        const driver = rule[side].split("/")[0] ?? "";
        if (driver !== "" && !driver.includes("*")) {
          unknown(`policy.${list}.${at}.${side}`, "driver", driver, declared.drivers);
        }
      }
    }
  }
  for (const [at, name] of policy.network.entries()) unknown(`policy.network.${at}`, "driver", name, declared.drivers);
  for (const [at, name] of policy.fanout.entries()) unknown(`policy.fanout.${at}`, "route", name, declared.routes);
  for (const { driver } of policy.waive) unknown(`policy.waive.${driver}`, "driver", driver, declared.drivers);
}
