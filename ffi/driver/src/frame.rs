//! What an input delivers.

/// A frame in private memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub payload: Vec<u8>,
    pub info: FrameInfo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// Counts the frames of its output, over all lanes.
    pub frame_id: u64,
    pub route_id: u32,
    /// CLOCK_MONOTONIC nanoseconds at sending; at high rates that of a frame shortly before.
    pub stamp_ns: u64,
    /// From sending to receiving; 0 where the frame carries no stamp of its own.
    pub age_ns: u64,
    pub lane: u64,
    /// Bytes of the payload.
    pub bytes: usize,
}
