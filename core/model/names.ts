/**
 * The names everything else is keyed by. Each is a string with a brand, so that a route can't be used where a driver is
 * meant; the only way to make one from outside data is the matching `parse…` function.
 */
declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: { readonly [each in Name]: true } };

/** A driver as declared: `imu`. */
export type DriverName = Branded<string, "DriverName">;
/** An endpoint of a driver: `sample`. */
export type EndpointName = Branded<string, "EndpointName">;
/** A route as declared: `attitude`. */
export type RouteName = Branded<string, "RouteName">;
/** A contract's type: `imu.sample`. */
export type ContractName = Branded<string, "ContractName">;
/** An endpoint's address in config and plan: `imu/sample` (the run-time form adds the instance: `imu.3/sample`). */
export type Saddr = Branded<string, "Saddr">;
/** One run of a driver: `imu.3`. Numbers are never used again on one panel. */
export type Instance = Branded<string, "Instance">;
/** Lower-case hexadecimal SHA-256, 64 characters. */
export type Hash = Branded<string, "Hash">;
/** SHA-256 of the plan's bytes. */
export type PlanId = Branded<Hash, "PlanId">;

/** Names that people write: a letter, then letters, digits, `_` and `-`; at most 63 characters. */
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
/** A contract's type: names joined by dots. */
const CONTRACT = /^[A-Za-z][A-Za-z0-9_-]{0,62}(\.[A-Za-z][A-Za-z0-9_-]{0,62}){0,7}$/;
const HASH = /^[0-9a-f]{64}$/;
const INSTANCE = /^([A-Za-z][A-Za-z0-9_-]{0,62})\.([1-9][0-9]{0,14})$/;

export function parseDriverName(text: string): DriverName | undefined {
  return NAME.test(text) ? text as DriverName : undefined;
}

export function parseEndpointName(text: string): EndpointName | undefined {
  return NAME.test(text) ? text as EndpointName : undefined;
}

export function parseRouteName(text: string): RouteName | undefined {
  return NAME.test(text) ? text as RouteName : undefined;
}

export function parseContractName(text: string): ContractName | undefined {
  return CONTRACT.test(text) ? text as ContractName : undefined;
}

export function parseHash(text: string): Hash | undefined {
  return HASH.test(text) ? text as Hash : undefined;
}

export function parsePlanId(text: string): PlanId | undefined {
  return HASH.test(text) ? text as PlanId : undefined;
}

/** The two halves of a `driver/endpoint` address, or undefined when it is not one. */
export function splitSaddr(text: string): { driver: DriverName; endpoint: EndpointName } | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const driver = parseDriverName(text.slice(0, slash));
  const endpoint = parseEndpointName(text.slice(slash + 1));
  return driver && endpoint ? { driver, endpoint } : undefined;
}

export function saddr(driver: DriverName, endpoint: EndpointName): Saddr {
  return `${driver}/${endpoint}` as Saddr;
}

export function instance(driver: DriverName, number: number): Instance {
  return `${driver}.${number}` as Instance;
}

/** The driver and number of an instance, or undefined when the text is none. */
export function splitInstance(text: string): { driver: DriverName; number: number } | undefined {
  const match = INSTANCE.exec(text);
  if (!match) return undefined;
  return { driver: match[1] as DriverName, number: Number(match[2]) };
}
