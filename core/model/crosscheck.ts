/**
 * What holds between declared things: that names lead somewhere, that the two ends of a route fit by kind, that programs
 * and files are there. What needs the planner's rules (versions, cycles, one `to` for each `from`, policy) is
 * `core/plan/check.ts`.
 */
import type { Config, Driver, Endpoint, Route } from "./config.ts";
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

/** The built-in drivers that a project may name. */
export const BUILT_IN: readonly string[] = ["controller", "gen", "plant", "sampler", "sink"];
const BUILT_IN_PREFIX = "rtt:";
/** Where a program that is named without a slash is looked for, in this order, on every host. */
export const PROGRAM_FOLDERS: readonly string[] = ["/usr/local/bin", "/usr/bin", "/bin"];
/** An argument with such an ending is a file that the program reads. */
const SCRIPT = /^[^-\s][^\s:]*\.(awk|jq|js|lua|mjs|php|pl|py|r|rb|sed|sh|tcl|ts)$/i;

export type HasFile = (path: string) => boolean;

/**
 * Says what is wrong between parts. The parts may be unsound themselves, which was said then: what is missing in one is not
 * held against another. Routes in the answer are not fit for further checks.
 */
export function crossCheck(
  config: Config,
  declared: Declared,
  report: Report,
  hasFile?: HasFile,
): ReadonlySet<RouteName> {
  for (const driver of config.drivers.values()) {
    checkEndpoints(driver, config, declared, report);
    checkProgram(driver, report, hasFile);
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
    checkRevision(endpoint, config, path, report);
    checkFrame(driver, endpoint, config, path, report);
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

function checkProgram(driver: Driver, report: Report, hasFile?: HasFile): void {
  const path = `drivers.${driver.name}.run`;
  if (!report.sound(path)) return;
  const [program = "", ...args] = driver.run;
  const say = (code: string, at: string, because: string, remedy: string) =>
    report.add(code, at, `cannot run driver \`${driver.name}\` because ${because}`, remedy);
  if (program.startsWith(BUILT_IN_PREFIX)) {
    checkBuiltIn(driver, program.slice(BUILT_IN_PREFIX.length), say);
    return;
  }
  const relative: [string, string][] = driver.closure.map((file, at) => [file, `drivers.${driver.name}.closure.${at}`]);
  for (const [at, word] of args.entries()) {
    if (!SCRIPT.test(word)) continue;
    if (!word.startsWith("/")) relative.push([word, `${path}.${at + 1}`]);
    else if (hasFile && !hasFile(word)) {
      say("driver.file", `${path}.${at + 1}`, `the file \`${word}\` is not there`, "correct the path");
    }
  }
  if (program.includes("/") && !program.startsWith("/")) relative.push([program, `${path}.0`]);
  for (const [file, at] of relative) {
    if (projectPath(file) === undefined) {
      say("driver.path", at, `\`${file}\` is not inside the project's folder`, "write a path relative to the project");
    } else if (hasFile && !hasFile(file)) {
      say("driver.file", at, `the file \`${file}\` is not in the project`, "correct the path, or add the file");
    }
  }
  if (!hasFile) return;
  if (program.startsWith("/") && !hasFile(program)) {
    say(
      "driver.file",
      `${path}.0`,
      `the program \`${program}\` is not on this host`,
      "install it, or correct the path",
    );
  } else if (!program.includes("/") && !PROGRAM_FOLDERS.some((folder) => hasFile(`${folder}/${program}`))) {
    const remedy = hasFile(program)
      ? `write "./${program}" for the project's own file`
      : "install it, or write the path of a file of the project with a slash: `./filter`";
    say("driver.file", `${path}.0`, `no program \`${program}\` is in ${PROGRAM_FOLDERS.join(", ")}`, remedy);
  }
}

type Say = (code: string, path: string, because: string, remedy: string) => void;

function checkBuiltIn(driver: Driver, name: string, say: Say): void {
  const path = `drivers.${driver.name}.run.0`;
  if (name === "exec") {
    const remedy = 'write `speaks: "stdio"` and the program itself in `run`; rtt puts `exec` before it';
    say("driver.builtIn", path, "`rtt:exec` is not a driver by itself", remedy);
  } else if (!BUILT_IN.includes(name)) {
    const known = BUILT_IN.map((each) => BUILT_IN_PREFIX + each);
    const remedy = suggestion(BUILT_IN_PREFIX + name, known, "use a program of your own");
    say("driver.builtIn", path, `there is no built-in driver \`rtt:${name}\``, remedy);
  } else if (driver.speaks === "stdio") {
    const because = "a built-in driver links the driver kit and does not speak stdio";
    say("driver.speaks", `drivers.${driver.name}.speaks`, because, "leave `speaks` out");
  }
}

/** A path inside the project in its one form (`./a//b` is `a/b`), or undefined when it leads elsewhere. */
export function projectPath(path: string): string | undefined {
  if (path.startsWith("/") || path.includes("\0")) return undefined;
  const parts = path.split("/").filter((each) => each !== "" && each !== ".");
  return parts.length === 0 || parts.includes("..") ? undefined : parts.join("/");
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
