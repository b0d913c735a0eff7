//! The panel's messages as JSON, in the shapes and words of `core/keeper.ts`: what its TypeScript says and hears.
use crate::cell::{Access, Io};
use crate::endpoint::Direction;
use crate::error::{ControlError, Result};
use crate::inventory::InstanceState;
use crate::lane::{Backpressure, Side, Wait};
use crate::panel::{KeeperToPanel, PanelToKeeper, Verb};
use serde::Serialize as _;
use serde_json::ser::{CompactFormatter, Formatter};
use std::io;

/// Every whole number up to this one is a number of JavaScript.
const EXACT: u64 = (1 << 53) - 1;

impl PanelToKeeper {
    pub fn from_json(text: &[u8]) -> Result<Self> {
        serde_json::from_slice(text)
            .map_err(|error| ControlError::new("control.json", format!("cannot read the request because {error}")))
    }
}

impl KeeperToPanel {
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut text = Vec::with_capacity(128);
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, ExactNumbers);
        self.serialize(&mut serializer).map_err(|error| ControlError::malformed("a value", error))?;
        Ok(text)
    }
}

/// JavaScript would round what is beyond.
struct ExactNumbers;

impl Formatter for ExactNumbers {
    fn write_u64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        if value > EXACT {
            return Err(io::Error::other(format!("beyond 2^53: {value}")));
        }
        CompactFormatter.write_u64(writer, value)
    }
}

/// A module for `serde(with)`: an enumeration of the schema by the words of `core/keeper.ts`.
macro_rules! words {
    ($module:ident, $kind:ty, $($variant:path = $word:literal),+) => {
        pub(crate) mod $module {
            use super::*;

            #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a field by reference")]
            pub fn serialize<S: serde::Serializer>(value: &$kind, to: S) -> std::result::Result<S::Ok, S::Error> {
                to.serialize_str(match value {
                    $($variant => $word,)+
                })
            }

            pub fn deserialize<'a, D: serde::Deserializer<'a>>(from: D) -> std::result::Result<$kind, D::Error> {
                match <String as serde::Deserialize>::deserialize(from)?.as_str() {
                    $($word => Ok($variant),)+
                    other => Err(serde::de::Error::unknown_variant(other, &[$($word),+])),
                }
            }
        }
    };
}

words!(side, Side, Side::Producer = "producer", Side::Consumer = "consumer");
words!(
    backpressure,
    Backpressure,
    Backpressure::Block = "block",
    Backpressure::DropNewest = "dropNewest",
    Backpressure::Fail = "fail"
);
words!(wait, Wait, Wait::Sleep = "sleep", Wait::SpinThenSleep = "spinThenSleep");
words!(verb, Verb, Verb::Send = "send", Verb::Receive = "receive");
words!(direction, Direction, Direction::In = "in", Direction::Out = "out");
words!(access, Access, Access::Read = "r", Access::ReadWrite = "rw");
words!(io_kind, Io, Io::Pipe = "pipe", Io::Pty = "pty");
words!(
    state,
    InstanceState,
    InstanceState::Starting = "starting",
    InstanceState::Parked = "parked",
    InstanceState::Running = "running",
    InstanceState::Exited = "exited"
);

/// `NAME=value` here, `["NAME", "value"]` there.
pub(crate) mod variables {
    use serde::de::Deserialize;
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(lines: &[String], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(lines.iter().map(|line| line.split_once('=').unwrap_or((line, ""))))
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<String>, D::Error> {
        let pairs = Vec::<(String, String)>::deserialize(from)?;
        Ok(pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
    }
}

/// `NAME=how` here, an object there.
pub(crate) mod sandbox {
    use serde::de::Deserialize;
    use serde::{Deserializer, Serializer};
    use std::collections::BTreeMap;

    pub fn serialize<S: Serializer>(lines: &[String], to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(lines.iter().map(|line| line.split_once('=').unwrap_or((line, ""))))
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<String>, D::Error> {
        let object = BTreeMap::<String, String>::deserialize(from)?;
        Ok(object.into_iter().map(|(name, how)| format!("{name}={how}")).collect())
    }
}
