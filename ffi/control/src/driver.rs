//! Messages between the keeper and a driver's kit.
use crate::cell::{Endpoint, FileGrant, OpenToken, Stdio};
use crate::codec::{cut, decode, encode, read_list, read_texts, sentence, text, write_list, write_texts};
use crate::control_capnp as wire;
pub use crate::control_capnp::Verb;
use crate::error::Result;
use crate::lane::{Region, StagedBinding};
use crate::names;

/// First message to a driver. Descriptors: the epoch page, then granted files in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Welcome {
    pub protocol: u32,
    pub instance: String,
    pub tokens: Vec<OpenToken>,
    pub endpoints: Vec<Endpoint>,
    pub stdio: Option<Stdio>,
    pub run: Vec<String>,
    pub files: Vec<FileGrant>,
    pub start_early: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum KeeperToDriver {
    Welcome(Welcome),
    /// An empty refusal: granted.
    Opened {
        request: u64,
        refusal: String,
    },
    /// A part of two bindings. Descriptors: writable ones of `writes`, in order.
    Stage {
        id: u64,
        binding: StagedBinding,
        writes: Vec<Region>,
        forward: u64,
        inverse: u64,
        base: u64,
        last: bool,
    },
    /// Descriptors: read-only ones of `reads`, in order.
    HandOut {
        id: u64,
        reads: Vec<Region>,
        last: bool,
    },
    Discard(u64),
    /// `in_force` is the transition's `forward`, or its `inverse` after a flip back; 0: not said.
    Settle {
        id: u64,
        gone: Vec<u64>,
        in_force: u64,
    },
    /// The other side of this lane is dead: nothing more is written to it, or nothing more is credited.
    LaneEnded {
        lane: u64,
        epoch: u64,
    },
    Stop,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriverToKeeper {
    Hello { protocol: u32, kit: String },
    Open { request: u64, endpoint: String, verb: Verb, token: String },
    Parked,
    Mapped(u64),
    Ready(u64),
    Acknowledged(u64),
    Failed { code: String, message: String },
}

impl Welcome {
    fn read(reader: wire::welcome::Reader<'_>) -> Result<Self> {
        let stdio = match reader.get_stdio().which()? {
            wire::welcome::stdio::None(()) => None,
            wire::welcome::stdio::Some(some) => Some(Stdio::read(some?)?),
        };
        Ok(Self {
            protocol: reader.get_protocol(),
            instance: names::instance("the instance", text("the instance", reader.get_instance()?)?)?,
            tokens: read_list!("the tokens", reader.get_tokens()?, OpenToken::read),
            endpoints: read_list!("the endpoints", reader.get_endpoints()?, Endpoint::read),
            stdio,
            run: read_texts("an argument", reader.get_run()?)?,
            files: read_list!("the files", reader.get_files()?, FileGrant::read),
            start_early: reader.get_start_early(),
        })
    }

    fn write(&self, mut builder: wire::welcome::Builder<'_>) {
        builder.set_protocol(self.protocol);
        builder.set_instance(self.instance.as_str());
        write_list!(builder.init_tokens, &self.tokens);
        write_list!(builder.init_endpoints, &self.endpoints);
        match &self.stdio {
            None => builder.reborrow().init_stdio().set_none(()),
            Some(stdio) => stdio.write(builder.reborrow().init_stdio().init_some()),
        }
        write_texts!(builder.init_run, &self.run);
        write_list!(builder.init_files, &self.files);
        builder.set_start_early(self.start_early);
    }
}

impl KeeperToDriver {
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        use wire::keeper_to_driver::Which;
        let message = decode(bytes)?;
        let root: wire::keeper_to_driver::Reader<'_> = message.get_root()?;
        Ok(match root.which()? {
            Which::Welcome(welcome) => Self::Welcome(Welcome::read(welcome?)?),
            Which::Opened(group) => {
                Self::Opened { request: group.get_request(), refusal: sentence("a refusal", group.get_refusal()?)? }
            }
            Which::Stage(group) => Self::Stage {
                id: group.get_id(),
                binding: StagedBinding::read(group.get_binding()?)?,
                writes: read_list!("the regions", group.get_writes()?, Region::read),
                forward: group.get_forward(),
                inverse: group.get_inverse(),
                base: group.get_base(),
                last: group.get_last(),
            },
            Which::HandOut(group) => Self::HandOut {
                id: group.get_hand_out_id(),
                reads: read_list!("the regions", group.get_reads()?, Region::read),
                last: group.get_hand_out_last(),
            },
            Which::Discard(id) => Self::Discard(id),
            Which::Settle(group) => {
                let gone = group.get_gone()?;
                crate::codec::bounded("the regions", gone.len())?;
                Self::Settle { id: group.get_settle_id(), gone: gone.iter().collect(), in_force: group.get_in_force() }
            }
            Which::LaneEnded(group) => Self::LaneEnded { lane: group.get_lane(), epoch: group.get_epoch() },
            Which::Stop(()) => Self::Stop,
        })
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut message = capnp::message::Builder::new_default();
        let mut root: wire::keeper_to_driver::Builder<'_> = message.init_root();
        match self {
            Self::Welcome(welcome) => welcome.write(root.init_welcome()),
            Self::Opened { request, refusal } => {
                let mut group = root.init_opened();
                group.set_request(*request);
                group.set_refusal(cut(refusal));
            }
            Self::Stage { id, binding, writes, forward, inverse, base, last } => {
                let mut group = root.init_stage();
                group.set_id(*id);
                binding.write(group.reborrow().init_binding());
                write_list!(group.init_writes, writes);
                group.set_forward(*forward);
                group.set_inverse(*inverse);
                group.set_base(*base);
                group.set_last(*last);
            }
            Self::HandOut { id, reads, last } => {
                let mut group = root.init_hand_out();
                group.set_hand_out_id(*id);
                write_list!(group.init_reads, reads);
                group.set_hand_out_last(*last);
            }
            Self::Discard(id) => root.set_discard(*id),
            Self::Settle { id, gone, in_force } => {
                let mut group = root.init_settle();
                group.set_settle_id(*id);
                group.set_in_force(*in_force);
                let mut list = group.init_gone(crate::codec::length(gone.len()));
                for (index, region) in gone.iter().enumerate() {
                    list.set(crate::codec::length(index), *region);
                }
            }
            Self::LaneEnded { lane, epoch } => {
                let mut group = root.init_lane_ended();
                group.set_lane(*lane);
                group.set_epoch(*epoch);
            }
            Self::Stop => root.set_stop(()),
        }
        encode(&message)
    }
}

impl DriverToKeeper {
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        use wire::driver_to_keeper::Which;
        let message = decode(bytes)?;
        let root: wire::driver_to_keeper::Reader<'_> = message.get_root()?;
        Ok(match root.which()? {
            Which::Hello(group) => {
                Self::Hello { protocol: group.get_protocol(), kit: sentence("the kit", group.get_kit()?)? }
            }
            Which::Open(group) => Self::Open {
                request: group.get_request(),
                endpoint: names::name("the endpoint", text("the endpoint", group.get_endpoint()?)?)?,
                verb: group.get_verb()?,
                token: names::hash("the token", text("the token", group.get_token()?)?)?,
            },
            Which::Parked(()) => Self::Parked,
            Which::Mapped(id) => Self::Mapped(id),
            Which::Ready(id) => Self::Ready(id),
            Which::Acknowledged(epoch) => Self::Acknowledged(epoch),
            Which::Failed(group) => Self::Failed {
                code: sentence("a code", group.get_code()?)?,
                message: sentence("a message", group.get_message()?)?,
            },
        })
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut message = capnp::message::Builder::new_default();
        let mut root: wire::driver_to_keeper::Builder<'_> = message.init_root();
        match self {
            Self::Hello { protocol, kit } => {
                let mut group = root.init_hello();
                group.set_protocol(*protocol);
                group.set_kit(cut(kit));
            }
            Self::Open { request, endpoint, verb, token } => {
                let mut group = root.init_open();
                group.set_request(*request);
                group.set_endpoint(endpoint.as_str());
                group.set_verb(*verb);
                group.set_token(token.as_str());
            }
            Self::Parked => root.set_parked(()),
            Self::Mapped(id) => root.set_mapped(*id),
            Self::Ready(id) => root.set_ready(*id),
            Self::Acknowledged(epoch) => root.set_acknowledged(*epoch),
            Self::Failed { code, message } => {
                let mut group = root.init_failed();
                group.set_code(cut(code));
                group.set_message(cut(message));
            }
        }
        encode(&message)
    }
}
