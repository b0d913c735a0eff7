/**
 * Tokens on `Open`: random, each bound to one endpoint, one verb, one instance and an expiry. The panel makes them and checks
 * them; the keeper, which starts the cell with them, checks them before it asks the panel.
 */
import type { KeeperEvent, OpenToken } from "../keeper.ts";
import type { Instance } from "../model/names.ts";
import type { Entropy } from "../ports.ts";
import { encodeHex } from "./base64.ts";

export const TOKEN_BYTES = 32;

/** One token for each endpoint: an output may only send, an input may only receive. */
export function makeTokens(
  endpoints: readonly { readonly name: string; readonly direction: "in" | "out" }[],
  expiresNs: number,
  entropy: Entropy,
): readonly OpenToken[] {
  return endpoints.map(({ name, direction }) => ({
    endpoint: name,
    verb: direction === "out" ? "send" : "receive",
    token: encodeHex(entropy.bytes(TOKEN_BYTES)),
    expiresNs,
  }));
}

/** Why an open is refused: a stable code; empty when it is granted. */
export type Refusal = "" | "open.unavailable" | "open.endpoint" | "open.verb" | "open.token" | "open.expired";

/** `tokens` are those of the instance whose socket the request came on; undefined when none were made for it. */
export function checkOpen(
  open: Extract<KeeperEvent, { kind: "open" }>,
  tokens: readonly OpenToken[] | undefined,
  nowNs: number,
): Refusal {
  if (!tokens) return "open.unavailable";
  const endpoint = endpointOf(open.saddr, open.instance);
  const token = tokens.find((each) => each.endpoint === endpoint);
  if (!token) return "open.endpoint";
  if (token.verb !== open.verb) return "open.verb";
  if (!equalText(token.token, open.token)) return "open.token";
  return nowNs < token.expiresNs ? "" : "open.expired";
}

/** The endpoint of a run-time address (`imu.3/sample`), if it is one of this instance. */
function endpointOf(saddr: string, instance: Instance): string | undefined {
  const prefix = `${instance}/`;
  return saddr.startsWith(prefix) ? saddr.slice(prefix.length) : undefined;
}

/** Takes as long for a wrong first character as for a wrong last one. */
export function equalText(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at++) {
    difference |= one.charCodeAt(at) ^ (at < other.length ? other.charCodeAt(at) : 0);
  }
  return difference === 0;
}
