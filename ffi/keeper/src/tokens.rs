//! Tokens: what a driver needs to open an endpoint. The keeper knows their SHA-256 only.
use crate::error::{Refusal, Result};
use rtt_control::cell::{OpenToken, Verb};
use sha2::{Digest, Sha256};
use std::hint::black_box;

#[derive(Debug)]
struct Known {
    endpoint: String,
    verb: Verb,
    hash: [u8; 32],
    expires_ns: u64,
}

/// Those of one instance: a token of another instance is unknown here.
#[derive(Debug, Default)]
pub struct Tokens {
    known: Vec<Known>,
}

impl Tokens {
    pub fn new(tokens: &[OpenToken]) -> Self {
        let known = tokens.iter().map(|token| Known {
            endpoint: token.endpoint.clone(),
            verb: token.verb,
            hash: digest(&token.token),
            expires_ns: token.expires_ns,
        });
        Self { known: known.collect() }
    }

    /// Every entry is compared whole, whatever the others said: the time taken tells nothing about them.
    pub fn check(&self, endpoint: &str, verb: Verb, token: &str, now_ns: u64) -> Result<()> {
        let asked = digest(token);
        let mut found = None;
        for known in &self.known {
            if same(&known.hash, &asked) {
                found = Some(known);
            }
        }
        let refused = |code, why| Err(Refusal::new(code, format!("cannot open {endpoint} because {why}")));
        match found {
            None => refused("token.unknown", "its token is none of this driver's"),
            Some(known) if known.endpoint != endpoint => refused("token.endpoint", "its token is for another endpoint"),
            Some(known) if known.verb != verb => refused("token.verb", "its token is for the other direction"),
            Some(known) if known.expires_ns <= now_ns => refused("token.expired", "its token has expired"),
            Some(_) => Ok(()),
        }
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    let difference = one.iter().zip(other).fold(0_u8, |sum, (a, b)| sum | (a ^ b));
    black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens::new(&[
            OpenToken { endpoint: "out".into(), verb: Verb::Send, token: "a".repeat(64), expires_ns: 100 },
            OpenToken { endpoint: "in".into(), verb: Verb::Receive, token: "b".repeat(64), expires_ns: 100 },
        ])
    }

    #[test]
    fn a_token_opens_what_it_names_until_it_expires() {
        assert!(tokens().check("out", Verb::Send, &"a".repeat(64), 99).is_ok());
        assert!(tokens().check("in", Verb::Receive, &"b".repeat(64), 0).is_ok());
    }

    #[test]
    fn every_other_use_has_a_code_of_its_own() {
        let code = |endpoint, verb, token: &str, now| tokens().check(endpoint, verb, token, now).unwrap_err().code;
        assert_eq!(code("out", Verb::Send, &"c".repeat(64), 0), "token.unknown");
        assert_eq!(code("in", Verb::Send, &"a".repeat(64), 0), "token.endpoint");
        assert_eq!(code("out", Verb::Receive, &"a".repeat(64), 0), "token.verb");
        assert_eq!(code("out", Verb::Send, &"a".repeat(64), 100), "token.expired");
    }
}
