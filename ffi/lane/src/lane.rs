//! Where one lane lies and how it is used: the native side's own copy of what the panel planned. Nothing here is ever read
//! from shared memory.
use crate::error::LaneError;
use crate::layout::{CONSUMER_PAGE, HEADER_BYTES, PRODUCER_PAGE, frame_max};
use crate::limits::{RING_BYTES_MAX, RING_BYTES_MIN};

/// Offsets of a lane's parts in its two regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    pub producer_page: usize,
    pub ring: usize,
    /// A power of two.
    pub ring_bytes: u64,
    pub consumer_page: usize,
}

/// What the route's policy says about the lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knobs {
    pub max_frame_bytes: u32,
    /// 0: none.
    pub budget_ns: u64,
    /// Declared frames a second; 0: not said.
    pub rate_hz: f64,
}

const ALIGNMENT: u64 = 64;

impl Geometry {
    /// The lane of these offsets, if it lies inside regions of these sizes.
    pub fn check(
        (producer_page, ring, ring_bytes, ring_region_bytes): (u64, u64, u64, u64),
        (consumer_page, credit_region_bytes): (u64, u64),
        max_frame_bytes: u32,
    ) -> Result<Self, LaneError> {
        let error = |why: String| LaneError::new("lane.geometry", format!("cannot use a lane because {why}"));
        let refused = |why: String| Err(error(why));
        if !ring_bytes.is_power_of_two() || !(RING_BYTES_MIN..=RING_BYTES_MAX).contains(&ring_bytes) {
            return refused(format!("its ring is {ring_bytes} bytes"));
        }
        let inside = |at: u64, bytes: u64, region: u64| {
            at.is_multiple_of(ALIGNMENT) && at.checked_add(bytes).is_some_and(|end| end <= region)
        };
        if !inside(producer_page, PRODUCER_PAGE, ring_region_bytes)
            || !inside(ring, ring_bytes, ring_region_bytes)
            || !inside(consumer_page, CONSUMER_PAGE, credit_region_bytes)
        {
            return refused("a part of it is outside its region".into());
        }
        if producer_page < ring + ring_bytes && ring < producer_page + PRODUCER_PAGE {
            return refused("its page lies in its ring".into());
        }
        if HEADER_BYTES as u64 + u64::from(max_frame_bytes) > frame_max(ring_bytes) {
            return refused(format!(
                "a frame of {max_frame_bytes} bytes is above a quarter of its ring of {ring_bytes}"
            ));
        }
        let small = |value: u64| usize::try_from(value).map_err(|_| error("it is too large for this host".into()));
        Ok(Self {
            producer_page: small(producer_page)?,
            ring: small(ring)?,
            ring_bytes,
            consumer_page: small(consumer_page)?,
        })
    }
}
