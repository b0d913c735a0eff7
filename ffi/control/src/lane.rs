//! Regions, lanes, bindings and transitions: `core/keeper.ts` as checked values.
use crate::codec::{read_list, text, write_list};
use crate::control_capnp as wire;
pub use crate::control_capnp::{Backpressure, Side, Wait};
use crate::error::{ControlError, Result};
use crate::limits::{ALIGNMENT, PART_LANES, REGION_BYTES_MAX, RING_BYTES_MAX, RING_BYTES_MIN};
use crate::names;

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct Region {
    pub region: u64,
    /// The one instance that maps it writable.
    pub writer: String,
    /// The one instance that reads it.
    pub reader: String,
    pub bytes: u64,
}

/// One lane as one of its two drivers sees it. Offsets are bytes from the start of a region.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct LaneSpec {
    pub lane: u64,
    pub route: String,
    pub route_id: u32,
    #[cfg_attr(feature = "json", serde(with = "crate::json::side"))]
    pub side: Side,
    /// The endpoint of this driver that uses the lane.
    pub endpoint: String,
    pub peer: String,
    pub ring_region: u64,
    pub producer_page: u64,
    pub ring: u64,
    pub ring_bytes: u64,
    pub credit_region: u64,
    pub consumer_page: u64,
    pub max_frame_bytes: u32,
    #[cfg_attr(feature = "json", serde(with = "crate::json::backpressure"))]
    pub backpressure: Backpressure,
    pub block_ns: u64,
    #[cfg_attr(feature = "json", serde(with = "crate::json::wait"))]
    pub wait: Wait,
    pub spin_ns: u64,
    pub drain_within_ns: u64,
    /// 0: none.
    pub budget_ns: u64,
    /// Declared frames a second; 0: not said.
    pub rate_hz: f64,
}

/// All lanes that one driver uses at `forward`, and all that it uses at `inverse`.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct StagedBinding {
    pub instance: String,
    pub forward: Vec<LaneSpec>,
    pub inverse: Vec<LaneSpec>,
    pub must_acknowledge: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct Transition {
    pub id: u64,
    pub from: u64,
    pub forward: u64,
    pub inverse: u64,
    pub regions: Vec<Region>,
    pub bindings: Vec<StagedBinding>,
}

impl Region {
    pub fn read(reader: wire::region::Reader<'_>) -> Result<Self> {
        let bytes = reader.get_bytes();
        if bytes == 0 || bytes > REGION_BYTES_MAX || !bytes.is_multiple_of(ALIGNMENT) {
            return Err(ControlError::malformed("a region's size", format_args!("{bytes} bytes")));
        }
        Ok(Self {
            region: reader.get_region(),
            writer: names::instance("a region's writer", text("a region's writer", reader.get_writer()?)?)?,
            reader: names::instance("a region's reader", text("a region's reader", reader.get_reader()?)?)?,
            bytes,
        })
    }

    pub fn write(&self, mut builder: wire::region::Builder<'_>) {
        builder.set_region(self.region);
        builder.set_writer(self.writer.as_str());
        builder.set_reader(self.reader.as_str());
        builder.set_bytes(self.bytes);
    }
}

impl LaneSpec {
    pub fn read(reader: wire::lane::Reader<'_>) -> Result<Self> {
        let spec = Self {
            lane: reader.get_lane(),
            route: names::name("a lane's route", text("a lane's route", reader.get_route()?)?)?,
            route_id: reader.get_route_id(),
            side: reader.get_side()?,
            endpoint: names::name("a lane's endpoint", text("a lane's endpoint", reader.get_endpoint()?)?)?,
            peer: names::instance("a lane's peer", text("a lane's peer", reader.get_peer()?)?)?,
            ring_region: reader.get_ring_region(),
            producer_page: reader.get_producer_page(),
            ring: reader.get_ring(),
            ring_bytes: reader.get_ring_bytes(),
            credit_region: reader.get_credit_region(),
            consumer_page: reader.get_consumer_page(),
            max_frame_bytes: reader.get_max_frame_bytes(),
            backpressure: reader.get_backpressure()?,
            block_ns: reader.get_block_ns(),
            wait: reader.get_wait()?,
            spin_ns: reader.get_spin_ns(),
            drain_within_ns: reader.get_drain_within_ns(),
            budget_ns: reader.get_budget_ns(),
            rate_hz: reader.get_rate_hz(),
        };
        spec.check()?;
        Ok(spec)
    }

    /// Ranges and alignment; whether the lane lies inside its regions is asked where these are known (`fits`).
    fn check(&self) -> Result<()> {
        if !self.ring_bytes.is_power_of_two() || !(RING_BYTES_MIN..=RING_BYTES_MAX).contains(&self.ring_bytes) {
            return Err(ControlError::malformed("a ring's size", format_args!("{} bytes", self.ring_bytes)));
        }
        for offset in [self.producer_page, self.ring, self.consumer_page] {
            if !offset.is_multiple_of(ALIGNMENT) || offset > REGION_BYTES_MAX {
                return Err(ControlError::malformed("a lane's offset", format_args!("{offset}")));
            }
        }
        if !self.rate_hz.is_finite() || self.rate_hz < 0.0 {
            return Err(ControlError::malformed("a lane's rate", format_args!("{} Hz", self.rate_hz)));
        }
        Ok(())
    }

    pub fn write(&self, mut builder: wire::lane::Builder<'_>) {
        builder.set_lane(self.lane);
        builder.set_route(self.route.as_str());
        builder.set_route_id(self.route_id);
        builder.set_side(self.side);
        builder.set_endpoint(self.endpoint.as_str());
        builder.set_peer(self.peer.as_str());
        builder.set_ring_region(self.ring_region);
        builder.set_producer_page(self.producer_page);
        builder.set_ring(self.ring);
        builder.set_ring_bytes(self.ring_bytes);
        builder.set_credit_region(self.credit_region);
        builder.set_consumer_page(self.consumer_page);
        builder.set_max_frame_bytes(self.max_frame_bytes);
        builder.set_backpressure(self.backpressure);
        builder.set_block_ns(self.block_ns);
        builder.set_wait(self.wait);
        builder.set_spin_ns(self.spin_ns);
        builder.set_drain_within_ns(self.drain_within_ns);
        builder.set_budget_ns(self.budget_ns);
        builder.set_rate_hz(self.rate_hz);
    }
}

impl StagedBinding {
    pub fn read(reader: wire::staged_binding::Reader<'_>) -> Result<Self> {
        Ok(Self {
            instance: names::instance("a binding's instance", text("a binding's instance", reader.get_instance()?)?)?,
            forward: read_list!("a binding", reader.get_forward()?, LaneSpec::read),
            inverse: read_list!("a binding", reader.get_inverse()?, LaneSpec::read),
            must_acknowledge: reader.get_must_acknowledge(),
        })
    }

    pub fn write(&self, mut builder: wire::staged_binding::Builder<'_>) {
        builder.set_instance(self.instance.as_str());
        builder.set_must_acknowledge(self.must_acknowledge);
        write_list!(builder.init_forward, &self.forward);
        write_list!(builder.init_inverse, &self.inverse);
    }

    /// The binding cut so that each part fits a packet; concatenated in order they are the whole. At least one part.
    pub fn parts(&self) -> Vec<Self> {
        let empty = || Self {
            instance: self.instance.clone(),
            forward: Vec::new(),
            inverse: Vec::new(),
            must_acknowledge: self.must_acknowledge,
        };
        let mut parts = Vec::new();
        for chunk in self.forward.chunks(PART_LANES) {
            parts.push(Self { forward: chunk.to_vec(), ..empty() });
        }
        for chunk in self.inverse.chunks(PART_LANES) {
            parts.push(Self { inverse: chunk.to_vec(), ..empty() });
        }
        if self.forward.len() + self.inverse.len() <= PART_LANES || parts.is_empty() {
            return vec![self.clone()];
        }
        parts
    }

    /// Adds the next part of the same binding.
    pub fn append(&mut self, part: Self) {
        self.forward.extend(part.forward);
        self.inverse.extend(part.inverse);
        self.must_acknowledge = part.must_acknowledge;
    }
}

impl Transition {
    pub fn read(reader: wire::transition::Reader<'_>) -> Result<Self> {
        let transition = Self {
            id: reader.get_id(),
            from: reader.get_from(),
            forward: reader.get_forward(),
            inverse: reader.get_inverse(),
            regions: read_list!("the regions", reader.get_regions()?, Region::read),
            bindings: read_list!("the bindings", reader.get_bindings()?, StagedBinding::read),
        };
        if transition.from < transition.forward && transition.forward < transition.inverse {
            Ok(transition)
        } else {
            Err(ControlError::malformed(
                "a transition",
                format_args!(
                    "not from < forward < inverse: {}, {}, {}",
                    transition.from, transition.forward, transition.inverse
                ),
            ))
        }
    }

    pub fn write(&self, mut builder: wire::transition::Builder<'_>) {
        builder.set_id(self.id);
        builder.set_from(self.from);
        builder.set_forward(self.forward);
        builder.set_inverse(self.inverse);
        write_list!(builder.init_regions, &self.regions);
        write_list!(builder.init_bindings, &self.bindings);
    }

    /// The transition cut so that each part fits a packet. Bindings of one instance in several parts are one binding.
    pub fn parts(&self) -> Vec<Self> {
        let head = || Self {
            id: self.id,
            from: self.from,
            forward: self.forward,
            inverse: self.inverse,
            regions: Vec::new(),
            bindings: Vec::new(),
        };
        let mut parts = Vec::new();
        let mut part = head();
        let mut weight = 0;
        let mut push = |part: &mut Self, weight: &mut usize, adds: usize| {
            if *weight > 0 && *weight + adds > PART_LANES {
                parts.push(std::mem::replace(part, head()));
                *weight = 0;
            }
            *weight += adds;
        };
        for region in &self.regions {
            push(&mut part, &mut weight, 1);
            part.regions.push(region.clone());
        }
        for binding in self.bindings.iter().flat_map(StagedBinding::parts) {
            push(&mut part, &mut weight, 1 + binding.forward.len() + binding.inverse.len());
            part.add(binding);
        }
        parts.push(part);
        parts
    }

    /// Adds the next part of the same transition.
    pub fn append(&mut self, part: Self) -> Result<()> {
        let same = (self.id, self.from, self.forward, self.inverse) == (part.id, part.from, part.forward, part.inverse);
        if !same {
            return Err(ControlError::malformed("a part of a transition", "of another transition"));
        }
        self.regions.extend(part.regions);
        part.bindings.into_iter().for_each(|binding| self.add(binding));
        Ok(())
    }

    /// Pieces of one binding come one after the other.
    fn add(&mut self, binding: StagedBinding) {
        match self.bindings.last_mut().filter(|last| last.instance == binding.instance) {
            Some(last) => last.append(binding),
            None => self.bindings.push(binding),
        }
    }
}
