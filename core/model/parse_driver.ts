/** A driver as declared. */
import { LIMITS } from "../limits.ts";
import type { Contract, Driver, Endpoint, Stdio } from "./config.ts";
import { type ContractName, type EndpointName, parseDriverName, parseEndpointName } from "./names.ts";
import { parseSize } from "./duration.ts";
import { readDuration, readSet, splitAt } from "./parse_contract.ts";
import { NAME_RULE } from "./parse_fields.ts";
import type { Node } from "./parse_node.ts";
import { exactly, parseRange, parseVersion, type Range } from "./version.ts";

export type Contracts = ReadonlyMap<ContractName, Contract>;

/** Undefined when there is no driver to speak of. What is wrong with one was said; `node.sound()` tells. */
export function readDriver(text: string, node: Node, contracts: Contracts): Driver | undefined {
  const name = parseDriverName(text);
  if (!name) {
    node.refuse("config.name", `\`${text}\` is no driver's name`, `write ${NAME_RULE}`);
    return undefined;
  }
  const speaks = node.get("speaks").oneOf("kit", "stdio");
  return {
    name,
    run: readRun(node.get("run")),
    env: readEnvironment(node.get("env")),
    speaks,
    stdio: readStdio(node),
    endpoints: readEndpoints(node, speaks, contracts),
    files: readFiles(node.get("files")),
    closure: readSet(node.get("closure"), "file"),
    network: node.get("network").flag(),
    cpu: node.get("cpu").oneOf("any", "pinned"),
    loadPermille: readLoad(node.get("load")),
    restart: {
      budget: node.get("restart").get("budget").whole(0, LIMITS.restartBudget),
      withinNs: readDuration(node.get("restart").get("within"), 1),
    },
    startEarly: node.get("startEarly").flag(),
    stopWithinNs: readDuration(node.get("stopWithin")),
    memoryBytes: readMemory(node.get("memory")),
    openFiles: node.get("openFiles").whole(16, 65_536),
    place: node.place,
  };
}

function readRun(node: Node): readonly string[] {
  const run = node.texts(LIMITS.argumentsOfADriver, "write them into a file of the project that the program reads");
  if (node.sound() && (run[0] ?? "") === "") {
    node.refuse("config.value", "it names no program", 'write the program first: `["python3", "filter.py"]`');
  }
  return withoutNul(node, run);
}

/** No argument, path or variable can hold a NUL: the kernel would cut it there. */
function withoutNul(node: Node, texts: readonly string[]): readonly string[] {
  if (texts.some((each) => each.includes("\0"))) node.refuse("config.value", "it holds a NUL", "take the NUL out");
  return texts;
}

function readEnvironment(node: Node): ReadonlyMap<string, string> {
  return new Map(
    node.entries(LIMITS.argumentsOfADriver, "write them into a file of the project that the program reads").map(
      ([name, each]) => {
        if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
          each.refuse("config.name", `\`${name}\` is no variable's name`, "use letters, digits and `_`");
        }
        if (name === "RTT_CONTROL_FD") each.refuse("config.name", "that variable is rtt's own", "use another name");
        const text = each.text();
        withoutNul(each, [text]);
        return [name, text];
      },
    ),
  );
}

function readStdio(node: Node): Stdio {
  const frame = node.get("frame");
  const text = frame.text();
  const fixed = /^fixed<([1-9][0-9]{0,9})>$/.exec(text)?.[1];
  const bytes = Number(fixed ?? 0);
  if (bytes > LIMITS.recordBytes) {
    frame.refuse("config.limit", `a record has at most ${LIMITS.recordBytes} bytes`, 'use "prefixed" for large frames');
  }
  return {
    io: node.get("io").oneOf("pipe", "pty"),
    frame: fixed !== undefined ? { kind: "fixed", bytes } : { kind: frame.oneOf("lines", "prefixed") },
    quietNs: readDuration(node.get("quiet")),
    answerWithinNs: readDuration(node.get("answerWithin")),
  };
}

function readEndpoints(
  node: Node,
  speaks: Driver["speaks"],
  contracts: Contracts,
): ReadonlyMap<EndpointName, Endpoint> {
  const endpoints = new Map<EndpointName, Endpoint>();
  const inputs = node.get("in").entries(LIMITS.endpointsOfADriver, "divide the driver");
  const outputs = node.get("out").entries(LIMITS.endpointsOfADriver, "divide the driver");
  const inputNames = inputs.flatMap(([name]) => parseEndpointName(name) ?? []);
  for (const [direction, entries] of [["in", inputs], ["out", outputs]] as const) {
    for (const [text, each] of entries) {
      const name = parseEndpointName(text);
      if (!name) {
        each.refuse("config.name", `\`${text}\` is no endpoint's name`, `write ${NAME_RULE}`);
      } else if (endpoints.has(name)) {
        each.refuse("endpoint.twice", "the driver has an `in` of the same name", "give one of the two another name");
      } else {
        const endpoint = readEndpoint(name, direction, each, contracts, speaks === "stdio" ? inputNames : []);
        if (endpoint) endpoints.set(name, endpoint);
      }
    }
  }
  if (inputs.length + outputs.length > LIMITS.endpointsOfADriver) {
    node.refuse("config.limit", `it has more than ${LIMITS.endpointsOfADriver} endpoints`, "divide the driver");
  }
  return endpoints;
}

function readEndpoint(
  name: EndpointName,
  direction: Endpoint["direction"],
  node: Node,
  contracts: Contracts,
  dependsByDefault: readonly EndpointName[],
): Endpoint | undefined {
  const short = typeof node.value === "string";
  const address = short ? node : node.get("contract");
  const parsed = direction === "in"
    ? address.parsed(parseAccepted, 'a contract and a range such as "imu.sample@^1.0"')
    : address.parsed(parseSent, 'a contract and its version such as "imu.sample@1.2.0"');
  if (!parsed) return undefined;
  const capabilities = short ? undefined : node.get("capabilities");
  const depends = short || direction === "in" ? undefined : node.get("dependsOn");
  const offered = direction === "out" ? contracts.get(parsed.contract)?.capabilities ?? [] : [];
  return {
    name,
    direction,
    contract: parsed.contract,
    accepts: parsed.accepts,
    capabilities: capabilities?.there() ? readSet(capabilities, "capability") : offered,
    dependsOn: direction === "in" ? [] : depends?.there() ? readNames(depends) : dependsByDefault,
  };
}

export function readNames(node: Node): readonly EndpointName[] {
  return node.items(LIMITS.endpointsOfADriver).flatMap((each) => each.parsed(parseEndpointName, NAME_RULE) ?? []);
}

interface Accepted {
  readonly contract: ContractName;
  readonly accepts: Range;
}

export function parseAccepted(text: string): Accepted | undefined {
  const split = splitAt(text);
  const accepts = split && parseRange(split.version);
  return split && accepts ? { contract: split.contract, accepts } : undefined;
}

function parseSent(text: string): Accepted | undefined {
  const split = splitAt(text);
  const version = split && parseVersion(split.version);
  return split && version ? { contract: split.contract, accepts: exactly(version) } : undefined;
}

function readFiles(node: Node): ReadonlyMap<string, "r" | "rw"> {
  return new Map(
    node.entries(LIMITS.filesOfADriver, "name the folder that they are in").map(([path, each]) => {
      withoutNul(each, [path]);
      if (path === "") each.refuse("config.name", "its path is empty", "write the path of a file");
      return [path, each.oneOf("r", "rw")];
    }),
  );
}

/** A share of one core, rounded up to thousandths. */
function readLoad(node: Node): number {
  const share = typeof node.value === "number" && node.value > 0 && node.value <= 1 ? node.value : undefined;
  if (share === undefined) {
    node.refuse(
      "config.value",
      "it is no number above 0 and up to 1",
      "write the share of one core that it needs: 0.2",
    );
  }
  // 0.1 × 1000 is a hair above 100 in binary.
  return Math.ceil(Number(((share ?? 1) * 1000).toFixed(6)));
}

function readMemory(node: Node): number {
  const bytes = node.parsed(parseSize, 'a size such as "512MiB"') ?? 0;
  if (node.sound() && (bytes < LIMITS.memoryBytesMin || bytes > LIMITS.memoryBytesMax)) {
    node.refuse("config.limit", "it is not from 1 MiB to 1 TiB", 'write a size such as "512MiB"');
  }
  return bytes;
}
