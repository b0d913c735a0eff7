/** `Entropy` by the system's random numbers. */
import type { Entropy } from "../../core/ports.ts";

export const entropy: Entropy = { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) };
