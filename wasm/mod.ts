/** The wasm core, made ready from its bytes. No import side effect: nothing is compiled until `openWasm` is called. */
import {
  crc32c,
  ed25519_acceptable,
  ed25519_public,
  ed25519_sign,
  ed25519_verify,
  initSync,
  sha256,
} from "./generated/rtt_wasm.js";

/** The exports of `wasm/src/lib.rs`; see there for units and lengths. */
export interface Wasm {
  sha256(bytes: Uint8Array): Uint8Array;
  crc32c(bytes: Uint8Array): number;
  ed25519Public(secret: Uint8Array): Uint8Array;
  ed25519Sign(secret: Uint8Array, message: Uint8Array): Uint8Array;
  ed25519Acceptable(publicKey: Uint8Array): boolean;
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

export function openWasm(bytes: Uint8Array<ArrayBuffer>): Wasm {
  initSync({ module: bytes });
  return {
    sha256,
    crc32c,
    ed25519Public: ed25519_public,
    ed25519Sign: ed25519_sign,
    ed25519Acceptable: ed25519_acceptable,
    ed25519Verify: ed25519_verify,
  };
}
