//! What the control plane computes over bytes: SHA-256, CRC-32C, the chain of the log, and strict Ed25519.
//!
//! It is WebAssembly, and not the runtime's own cryptography, because `core/` is synchronous and deterministic, because the
//! runtime's Ed25519 accepts public keys of small order, and because the same bytes then run wherever a plan is checked.
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use wasm_bindgen::prelude::wasm_bindgen;

/// Bytes of a secret key, and of a public key.
const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;

/// SHA-256 of `bytes`: 32 bytes.
#[wasm_bindgen]
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// CRC-32C (Castagnoli) of `bytes`, as frames and log sectors carry it.
#[wasm_bindgen]
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// The public key (32 bytes) of a 32-byte secret; empty when the secret has another length.
#[wasm_bindgen]
pub fn ed25519_public(secret: &[u8]) -> Vec<u8> {
    match <[u8; KEY_BYTES]>::try_from(secret) {
        Ok(secret) => SigningKey::from_bytes(&secret).verifying_key().to_bytes().to_vec(),
        Err(_) => Vec::new(),
    }
}

/// The signature (64 bytes) of `message`; empty when the secret is not 32 bytes long.
#[wasm_bindgen]
pub fn ed25519_sign(secret: &[u8], message: &[u8]) -> Vec<u8> {
    match <[u8; KEY_BYTES]>::try_from(secret) {
        Ok(secret) => SigningKey::from_bytes(&secret).sign(message).to_bytes().to_vec(),
        Err(_) => Vec::new(),
    }
}

/// Whether a public key may be imported: a canonical encoding of a point that is not of small order.
#[wasm_bindgen]
pub fn ed25519_acceptable(public: &[u8]) -> bool {
    key(public).is_some()
}

/// Strict verification (RFC 8032 with canonical S, no small-order key or R).
#[wasm_bindgen]
pub fn ed25519_verify(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Some(key) = key(public) else { return false };
    let Ok(signature) = <[u8; SIGNATURE_BYTES]>::try_from(signature) else { return false };
    key.verify_strict(message, &Signature::from_bytes(&signature)).is_ok()
}

fn key(public: &[u8]) -> Option<VerifyingKey> {
    let bytes = <[u8; KEY_BYTES]>::try_from(public).ok()?;
    let key = VerifyingKey::from_bytes(&bytes).ok()?;
    // Decompression takes y ≥ p and "negative zero"; a key has one encoding here, since key ids are hashes of it.
    let canonical = key.to_edwards().compress().to_bytes() == bytes;
    (canonical && !key.is_weak()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn rfc_8032_vector_2_signs_and_verifies() {
        let secret = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let public = ed25519_public(&secret);
        assert_eq!(public, hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"));
        let signature = ed25519_sign(&secret, &[0x72]);
        assert_eq!(
            signature,
            hex(
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            )
        );
        assert!(ed25519_verify(&public, &[0x72], &signature));
    }

    #[test]
    fn small_order_and_non_canonical_keys_are_not_acceptable() {
        let small = [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            // The same points with y ≥ p.
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ];
        for each in small {
            assert!(!ed25519_acceptable(&hex(each)), "{each}");
        }
    }

    #[test]
    fn crc32c_of_the_check_string() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    proptest! {
        #[test]
        fn a_flipped_bit_never_verifies(seed in any::<[u8; 32]>(), message in prop::collection::vec(any::<u8>(), 1..200), bit in any::<usize>()) {
            let public = ed25519_public(&seed);
            let mut signature = ed25519_sign(&seed, &message);
            prop_assert!(ed25519_verify(&public, &message, &signature));
            let at = bit % (signature.len() * 8);
            signature[at / 8] ^= 1 << (at % 8);
            prop_assert!(!ed25519_verify(&public, &message, &signature));
        }

        #[test]
        fn other_lengths_are_refused(public in prop::collection::vec(any::<u8>(), 0..80), signature in prop::collection::vec(any::<u8>(), 0..80)) {
            if public.len() != KEY_BYTES || signature.len() != SIGNATURE_BYTES {
                prop_assert!(!ed25519_verify(&public, b"message", &signature));
            }
        }
    }
}
