/** `Hasher` and `Signer` by the wasm core. */
import type { Hash } from "../../core/model/names.ts";
import type { Hasher, Signer } from "../../core/ports.ts";
import { encodeHex } from "../../core/trust/base64.ts";
import { openWasm, type Wasm } from "../../wasm/mod.ts";
import { readPart } from "../parts.ts";

export interface Crypto {
  readonly hasher: Hasher;
  readonly signer: Signer;
}

let opened: Crypto | undefined;

/** Made once: compiling takes a few milliseconds, and most commands that need it need it everywhere. */
export function openCrypto(): Crypto {
  return opened ??= fromWasm(openWasm(readPart("rtt_wasm.wasm")));
}

function fromWasm(wasm: Wasm): Crypto {
  return {
    hasher: {
      sha256: (bytes) => encodeHex(wasm.sha256(bytes)) as Hash,
      crc32c: (bytes) => wasm.crc32c(bytes),
    },
    signer: {
      keyPair: (seed) => ({ secret: seed, public: wasm.ed25519Public(seed) }),
      sign: (secret, message) => wasm.ed25519Sign(secret, message),
      verify: (publicKey, message, signature) => wasm.ed25519Verify(publicKey, message, signature),
      acceptable: (publicKey) => wasm.ed25519Acceptable(publicKey),
    },
  };
}
