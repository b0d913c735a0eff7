//! The keeper's facts, with drivers' claims apart.
use crate::cell::Tag;
use crate::codec::{read_list, read_texts, text, write_list, write_texts};
use crate::control_capnp as wire;
pub use crate::control_capnp::InstanceState;
use crate::error::Result;
use crate::lane::{LaneSpec, Transition};
use crate::limits::{LANE_BYTES, PART_LANES, TEXT_POINTER_BYTES};
use crate::names;

#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct Inventory {
    pub epoch: u64,
    pub last_epoch: u64,
    pub instances: Vec<InstanceFact>,
    pub regions: Vec<RegionFact>,
    pub transitions: Vec<Transition>,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct InstanceFact {
    pub instance: String,
    pub tag: Tag,
    pub pid: i32,
    #[cfg_attr(feature = "json", serde(with = "crate::json::state"))]
    pub state: InstanceState,
    /// Exit code, or −signal.
    pub exit: Option<i32>,
    pub acknowledged: u64,
    pub opened: Vec<String>,
    pub lanes: Vec<LaneSpec>,
    /// `NAME=how`.
    #[cfg_attr(feature = "json", serde(with = "crate::json::sandbox"))]
    pub sandbox: Vec<String>,
    /// Whether the keeper still hears it.
    pub connected: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct RegionFact {
    pub region: u64,
    pub writer: String,
    pub reader: String,
    pub bytes: u64,
    pub inode: u64,
    pub seals: Vec<String>,
}

impl Inventory {
    pub fn read(reader: wire::inventory::Reader<'_>) -> Result<Self> {
        Ok(Self {
            epoch: reader.get_epoch(),
            last_epoch: reader.get_last_epoch(),
            instances: read_list!("the instances", reader.get_instances()?, InstanceFact::read),
            regions: read_list!("the regions", reader.get_regions()?, RegionFact::read),
            transitions: read_list!("the transitions", reader.get_transitions()?, Transition::read),
        })
    }

    pub fn write(&self, mut builder: wire::inventory::Builder<'_>) {
        builder.set_epoch(self.epoch);
        builder.set_last_epoch(self.last_epoch);
        write_list!(builder.init_instances, &self.instances);
        write_list!(builder.init_regions, &self.regions);
        write_list!(builder.init_transitions, &self.transitions);
    }

    /// The inventory cut so that each part fits a reply; facts of one instance (or a transition of one id) in several
    /// parts are one. At least one part.
    pub fn parts(&self) -> Vec<Self> {
        let head = || Self { epoch: self.epoch, last_epoch: self.last_epoch, ..Self::default() };
        let mut parts = vec![head()];
        let mut weight = 0;
        for fact in &self.instances {
            for piece in fact.pieces() {
                if weight > 0 && weight + piece.weight() > PART_LANES {
                    parts.push(head());
                    weight = 0;
                }
                weight += piece.weight();
                parts.last_mut().expect("bug: there is a part").add(piece);
            }
        }
        for chunk in self.regions.chunks(PART_LANES) {
            parts.push(Self { regions: chunk.to_vec(), ..head() });
        }
        for part in self.transitions.iter().flat_map(Transition::parts) {
            parts.push(Self { transitions: vec![part], ..head() });
        }
        parts
    }

    /// Adds the next part of the same inventory. The numbers of the last one are the newest.
    pub fn append(&mut self, part: Self) -> Result<()> {
        (self.epoch, self.last_epoch) = (part.epoch, part.last_epoch);
        self.regions.extend(part.regions);
        part.instances.into_iter().for_each(|fact| self.add(fact));
        for transition in part.transitions {
            match self.transitions.last_mut().filter(|last| last.id == transition.id) {
                Some(last) => last.append(transition)?,
                None => self.transitions.push(transition),
            }
        }
        Ok(())
    }

    /// Pieces of one instance come one after the other.
    fn add(&mut self, piece: InstanceFact) {
        match self.instances.last_mut().filter(|last| last.instance == piece.instance) {
            Some(last) => last.lanes.extend(piece.lanes),
            None => self.instances.push(piece),
        }
    }
}

impl InstanceFact {
    /// Facts that fit a part, one after the other; at least one.
    fn pieces(&self) -> Vec<Self> {
        let whole = || Self { lanes: Vec::new(), ..self.clone() };
        if self.lanes.is_empty() {
            return vec![whole()];
        }
        self.lanes.chunks(PART_LANES / 2).map(|lanes| Self { lanes: lanes.to_vec(), ..whole() }).collect()
    }

    /// How much of a packet it takes, counted in lanes.
    fn weight(&self) -> usize {
        let texts = self.opened.iter().chain(&self.sandbox).map(|text| text.len() + TEXT_POINTER_BYTES);
        1 + self.lanes.len() + texts.sum::<usize>().div_ceil(LANE_BYTES)
    }

    pub fn read(reader: wire::instance_fact::Reader<'_>) -> Result<Self> {
        Ok(Self {
            instance: names::instance("an instance", text("an instance", reader.get_instance()?)?)?,
            tag: Tag::read(reader.get_tag()?)?,
            pid: reader.get_pid(),
            state: reader.get_state()?,
            exit: reader.get_exited().then(|| reader.get_exit()),
            acknowledged: reader.get_acknowledged(),
            opened: read_texts("an endpoint", reader.get_opened()?)?,
            lanes: read_list!("the lanes", reader.get_lanes()?, LaneSpec::read),
            sandbox: read_texts("the sandbox", reader.get_sandbox()?)?,
            connected: !reader.get_closed(),
        })
    }

    pub fn write(&self, mut builder: wire::instance_fact::Builder<'_>) {
        builder.set_instance(self.instance.as_str());
        self.tag.write(builder.reborrow().init_tag());
        builder.set_pid(self.pid);
        builder.set_state(self.state);
        builder.set_exited(self.exit.is_some());
        builder.set_exit(self.exit.unwrap_or(0));
        builder.set_acknowledged(self.acknowledged);
        write_texts!(builder.init_opened, &self.opened);
        write_list!(builder.init_lanes, &self.lanes);
        builder.set_closed(!self.connected);
        write_texts!(builder.init_sandbox, &self.sandbox);
    }
}

impl RegionFact {
    pub fn read(reader: wire::region_fact::Reader<'_>) -> Result<Self> {
        Ok(Self {
            region: reader.get_region(),
            writer: names::instance("a writer", text("a writer", reader.get_writer()?)?)?,
            reader: names::instance("a reader", text("a reader", reader.get_reader()?)?)?,
            bytes: reader.get_bytes(),
            inode: reader.get_inode(),
            seals: read_texts("a seal", reader.get_seals()?)?,
        })
    }

    pub fn write(&self, mut builder: wire::region_fact::Builder<'_>) {
        builder.set_region(self.region);
        builder.set_writer(self.writer.as_str());
        builder.set_reader(self.reader.as_str());
        builder.set_bytes(self.bytes);
        builder.set_inode(self.inode);
        write_texts!(builder.init_seals, &self.seals);
    }
}
