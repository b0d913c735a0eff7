//! `--name=value` arguments of a driver. Whatever is not asked for is an error, so that a misspelt knob is not ignored.
use crate::outcome::Outcome;
use std::collections::BTreeMap;
use std::str::FromStr;

pub struct Arguments {
    given: Vec<String>,
    values: BTreeMap<String, String>,
}

impl Arguments {
    pub fn new(words: impl Iterator<Item = String>) -> Self {
        let given: Vec<String> = words.collect();
        let values = given
            .iter()
            .filter_map(|word| word.strip_prefix("--")?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self { given, values }
    }

    /// The value of `--name=`, or the default.
    pub fn take<T: FromStr>(&mut self, name: &str, default: T) -> Outcome<T> {
        match self.values.remove(name) {
            None => Ok(default),
            Some(text) => {
                text.parse().map_err(|_| format!("cannot read --{name}={text} because it is no such value").into())
            }
        }
    }

    pub fn take_text(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    /// To be called when all that is known was taken.
    pub fn done(self) -> Outcome {
        let odd = self.given.iter().find(|word| match word.strip_prefix("--").and_then(|rest| rest.split_once('=')) {
            Some((name, _)) => self.values.contains_key(name),
            None => true,
        });
        match odd {
            Some(word) => {
                Err(format!("cannot use the argument `{word}` because this driver has none of that name").into())
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        Arguments::new(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn values_are_parsed_and_defaults_hold() {
        let mut given = arguments(&["--rate=2000"]);
        assert_eq!(given.take("rate", 1_u32).unwrap(), 2000);
        assert_eq!(given.take("bytes", 64_u32).unwrap(), 64);
        assert!(given.done().is_ok());
    }

    #[test]
    fn what_nobody_asked_for_is_an_error() {
        for odd in ["--rat=1", "rate", "--rate"] {
            assert!(arguments(&[odd]).done().unwrap_err().to_string().contains(odd));
        }
        assert!(arguments(&["--rate=fast"]).take("rate", 1_u32).is_err());
    }
}
