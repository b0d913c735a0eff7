//! Messages between the panel and the keeper.
use crate::cell::CellSpec;
use crate::codec::{cut, decode, encode, sentence, text};
use crate::control_capnp as wire;
pub use crate::control_capnp::Verb;
use crate::error::Result;
pub use crate::inventory::{InstanceFact, InstanceState, Inventory, RegionFact};
use crate::lane::Transition;
use crate::names;

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize))]
pub struct PanelToKeeper {
    pub id: u64,
    pub generation: u64,
    pub request: Request,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase", rename_all_fields = "camelCase")
)]
pub enum Request {
    Attach {
        protocol: u32,
        panel: String,
    },
    Inventory {},
    Spawn {
        cell: Box<CellSpec>,
    },
    /// A part of a transition.
    Stage {
        transition: Transition,
        #[cfg_attr(feature = "json", serde(default))]
        last: bool,
    },
    Seal {
        transition: u64,
    },
    Flip {
        from: u64,
        to: u64,
    },
    Discard {
        transition: u64,
    },
    Settle {
        transition: u64,
    },
    Stop {
        instance: String,
        within_ns: u64,
    },
    AnswerOpen {
        instance: String,
        request: u64,
        refusal: String,
    },
    Acknowledge {
        seq: u64,
    },
    Configure {
        no_panel_for_ns: u64,
        log_bytes: u64,
    },
    Shutdown {},
    RegionDescriptors {
        regions: Vec<u64>,
    },
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(untagged))]
pub enum KeeperToPanel {
    Reply {
        id: u64,
        #[cfg_attr(feature = "json", serde(flatten))]
        outcome: Outcome,
    },
    Event(Event),
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize),
    serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")
)]
pub enum Outcome {
    /// With `more`, further parts of the inventory follow under the same id.
    Done {
        epoch: u64,
        inventory: Option<Box<Inventory>>,
        more: bool,
    },
    Refused {
        code: String,
        message: String,
    },
    Attached {
        protocol: u32,
        generation: u64,
        keeper_version: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize))]
pub struct Event {
    pub seq: u64,
    pub instance: String,
    #[cfg_attr(feature = "json", serde(flatten))]
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize),
    serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")
)]
pub enum What {
    Hello {
        protocol: u32,
        kit: String,
    },
    Open {
        request: u64,
        saddr: String,
        #[cfg_attr(feature = "json", serde(with = "crate::json::verb"))]
        verb: Verb,
        token: String,
    },
    Parked,
    Mapped {
        transition: u64,
    },
    Ready {
        transition: u64,
    },
    Acknowledged {
        epoch: u64,
    },
    Failed {
        code: String,
        message: String,
    },
    Exited {
        exit: i32,
    },
}

impl PanelToKeeper {
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let message = decode(bytes)?;
        let root: wire::panel_to_keeper::Reader<'_> = message.get_root()?;
        Ok(Self { id: root.get_id(), generation: root.get_generation(), request: Request::read(root)? })
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut message = capnp::message::Builder::new_default();
        let mut root: wire::panel_to_keeper::Builder<'_> = message.init_root();
        root.set_id(self.id);
        root.set_generation(self.generation);
        self.request.write(root);
        encode(&message)
    }
}

impl Request {
    fn read(root: wire::panel_to_keeper::Reader<'_>) -> Result<Self> {
        use wire::panel_to_keeper::Which;
        Ok(match root.which()? {
            Which::Attach(attach) => {
                let attach = attach?;
                Self::Attach { protocol: attach.get_protocol(), panel: sentence("the panel", attach.get_panel()?)? }
            }
            Which::Inventory(()) => Self::Inventory {},
            Which::Spawn(cell) => Self::Spawn { cell: Box::new(CellSpec::read(cell?)?) },
            Which::Stage(group) => {
                Self::Stage { transition: Transition::read(group.get_transition()?)?, last: group.get_last() }
            }
            Which::Seal(id) => Self::Seal { transition: id },
            Which::Flip(group) => Self::Flip { from: group.get_from(), to: group.get_to() },
            Which::Discard(id) => Self::Discard { transition: id },
            Which::Settle(id) => Self::Settle { transition: id },
            Which::Stop(group) => Self::Stop {
                instance: names::instance("the instance", text("the instance", group.get_instance()?)?)?,
                within_ns: group.get_within_ns(),
            },
            Which::AnswerOpen(group) => Self::AnswerOpen {
                instance: names::instance("the instance", text("the instance", group.get_open_instance()?)?)?,
                request: group.get_request(),
                refusal: sentence("a refusal", group.get_refusal()?)?,
            },
            Which::Acknowledge(seq) => Self::Acknowledge { seq },
            Which::Configure(group) => {
                Self::Configure { no_panel_for_ns: group.get_no_panel_for_ns(), log_bytes: group.get_log_bytes() }
            }
            Which::Shutdown(()) => Self::Shutdown {},
            Which::RegionDescriptors(list) => {
                let list = list?;
                crate::codec::bounded("the regions", list.len())?;
                Self::RegionDescriptors { regions: list.iter().collect() }
            }
        })
    }

    fn write(&self, mut root: wire::panel_to_keeper::Builder<'_>) {
        match self {
            Self::Attach { protocol, panel } => {
                let mut attach = root.init_attach();
                attach.set_protocol(*protocol);
                attach.set_panel(cut(panel));
            }
            Self::Inventory {} => root.set_inventory(()),
            Self::Spawn { cell } => cell.write(root.init_spawn()),
            Self::Stage { transition, last } => {
                let mut group = root.init_stage();
                transition.write(group.reborrow().init_transition());
                group.set_last(*last);
            }
            Self::Seal { transition: id } => root.set_seal(*id),
            Self::Flip { from, to } => {
                let mut group = root.init_flip();
                group.set_from(*from);
                group.set_to(*to);
            }
            Self::Discard { transition: id } => root.set_discard(*id),
            Self::Settle { transition: id } => root.set_settle(*id),
            Self::Stop { instance, within_ns } => {
                let mut group = root.init_stop();
                group.set_instance(instance.as_str());
                group.set_within_ns(*within_ns);
            }
            Self::AnswerOpen { instance, request, refusal } => {
                let mut group = root.init_answer_open();
                group.set_open_instance(instance.as_str());
                group.set_request(*request);
                group.set_refusal(cut(refusal));
            }
            Self::Acknowledge { seq } => root.set_acknowledge(*seq),
            Self::Configure { no_panel_for_ns, log_bytes } => {
                let mut group = root.init_configure();
                group.set_no_panel_for_ns(*no_panel_for_ns);
                group.set_log_bytes(*log_bytes);
            }
            Self::Shutdown {} => root.set_shutdown(()),
            Self::RegionDescriptors { regions } => {
                let mut list = root.init_region_descriptors(crate::codec::length(regions.len()));
                for (index, region) in regions.iter().enumerate() {
                    list.set(crate::codec::length(index), *region);
                }
            }
        }
    }
}

impl KeeperToPanel {
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        use wire::keeper_to_panel::Which;
        let message = decode(bytes)?;
        let root: wire::keeper_to_panel::Reader<'_> = message.get_root()?;
        Ok(match root.which()? {
            Which::Reply(reply) => {
                let reply = reply?;
                Self::Reply { id: reply.get_id(), outcome: Outcome::read(reply)? }
            }
            Which::Event(event) => Self::Event(Event::read(event?)?),
        })
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut message = capnp::message::Builder::new_default();
        let root: wire::keeper_to_panel::Builder<'_> = message.init_root();
        match self {
            Self::Reply { id, outcome } => {
                let mut reply = root.init_reply();
                reply.set_id(*id);
                outcome.write(reply);
            }
            Self::Event(event) => event.write(root.init_event()),
        }
        encode(&message)
    }
}

impl Outcome {
    fn read(reply: wire::reply::Reader<'_>) -> Result<Self> {
        use wire::reply::Which;
        Ok(match reply.which()? {
            Which::Done(group) => Self::Done {
                epoch: group.get_epoch(),
                inventory: if group.get_has_inventory() {
                    Some(Box::new(Inventory::read(group.get_inventory()?)?))
                } else {
                    None
                },
                more: group.get_more(),
            },
            Which::Refused(group) => Self::Refused {
                code: sentence("a code", group.get_code()?)?,
                message: sentence("a message", group.get_message()?)?,
            },
            Which::Attached(group) => Self::Attached {
                protocol: group.get_protocol(),
                generation: group.get_generation(),
                keeper_version: sentence("the version", group.get_keeper_version()?)?,
            },
        })
    }

    fn write(&self, reply: wire::reply::Builder<'_>) {
        match self {
            Self::Done { epoch, inventory, more } => {
                let mut group = reply.init_done();
                group.set_epoch(*epoch);
                group.set_more(*more);
                group.set_has_inventory(inventory.is_some());
                if let Some(inventory) = inventory {
                    inventory.write(group.init_inventory());
                }
            }
            Self::Refused { code, message } => {
                let mut group = reply.init_refused();
                group.set_code(cut(code));
                group.set_message(cut(message));
            }
            Self::Attached { protocol, generation, keeper_version } => {
                let mut group = reply.init_attached();
                group.set_protocol(*protocol);
                group.set_generation(*generation);
                group.set_keeper_version(cut(keeper_version));
            }
        }
    }
}

impl Event {
    fn read(reader: wire::event::Reader<'_>) -> Result<Self> {
        use wire::event::Which;
        let what = match reader.which()? {
            Which::Hello(group) => {
                What::Hello { protocol: group.get_protocol(), kit: sentence("the kit", group.get_kit()?)? }
            }
            Which::Open(group) => What::Open {
                request: group.get_request(),
                saddr: names::saddr("an address", text("an address", group.get_saddr()?)?)?,
                verb: group.get_verb()?,
                token: names::hash("the token", text("the token", group.get_token()?)?)?,
            },
            Which::Parked(()) => What::Parked,
            Which::Mapped(id) => What::Mapped { transition: id },
            Which::Ready(id) => What::Ready { transition: id },
            Which::Acknowledged(epoch) => What::Acknowledged { epoch },
            Which::Failed(group) => What::Failed {
                code: sentence("a code", group.get_code()?)?,
                message: sentence("a message", group.get_message()?)?,
            },
            Which::Exited(exit) => What::Exited { exit },
        };
        let instance = names::instance("an event's instance", text("an event's instance", reader.get_instance()?)?)?;
        Ok(Self { seq: reader.get_seq(), instance, what })
    }

    fn write(&self, mut builder: wire::event::Builder<'_>) {
        builder.set_seq(self.seq);
        builder.set_instance(self.instance.as_str());
        match &self.what {
            What::Hello { protocol, kit } => {
                let mut group = builder.init_hello();
                group.set_protocol(*protocol);
                group.set_kit(cut(kit));
            }
            What::Open { request, saddr, verb, token } => {
                let mut group = builder.init_open();
                group.set_request(*request);
                group.set_saddr(saddr.as_str());
                group.set_verb(*verb);
                group.set_token(token.as_str());
            }
            What::Parked => builder.set_parked(()),
            What::Mapped { transition: id } => builder.set_mapped(*id),
            What::Ready { transition: id } => builder.set_ready(*id),
            What::Acknowledged { epoch } => builder.set_acknowledged(*epoch),
            What::Failed { code, message } => {
                let mut group = builder.init_failed();
                group.set_code(cut(code));
                group.set_message(cut(message));
            }
            What::Exited { exit } => builder.set_exited(*exit),
        }
    }
}
