//! What an input reads: its lanes, the step under way between two bindings, and what was drained while its owner was busy.
use crate::backlog::Backlog;
use crate::core::Core;
use crate::ends::{End, InLane};
use crate::frame::{Frame, FrameInfo};
use crate::limits::HEADERS_A_LOOK;
use rtt_control::lane::Wait;
use rtt_lane::layout::{Drop, HEADER_BYTES, flag};
use rtt_lane::{Next, clock};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct InState {
    /// Every lane that this endpoint reads or may read again.
    pub lanes: BTreeMap<u64, Box<InLane>>,
    /// Those that it reads now.
    pub active: Vec<u64>,
    pub leaving: Option<Leaving>,
    /// Lanes that were left before their `SWITCH` came: what still comes is passed and counted, so that their producers are not
    /// held up on a full ring.
    pub cut: Vec<u64>,
    /// Frames that the control thread took from ending lanes while the owner was outside.
    pub backlog: Backlog,
    /// The lane whose frame the owner is handling.
    pub outstanding: Option<u64>,
    pub turn: usize,
    pub performed: u64,
    /// The epoch of the last step performed.
    pub last_epoch: u64,
    /// The epoch word as it was looked at last.
    pub seen: u64,
    /// The last frame delivered of each route of its lanes, for those sent again.
    pub last_ids: BTreeMap<u32, u64>,
}

/// A step under way: these lanes are read to their `SWITCH` before those of the next binding are touched.
#[derive(Debug)]
pub struct Leaving {
    pub epoch: u64,
    /// Lane and the time from which its rest is superseded.
    pub left: Vec<(u64, u64)>,
    pub next: Vec<u64>,
}

enum Look {
    Frame(usize),
    Nothing,
    /// Headers were passed over, as many as one look may: there may be a frame behind them.
    More,
    /// There is something that cannot be read yet, or never: no use in sleeping on it.
    Stuck,
}

impl InState {
    pub fn seen(&self) -> u64 {
        self.seen
    }

    pub fn lane(&self, lane: u64) -> Option<&InLane> {
        self.lanes.get(&lane).map(|lane| &**lane)
    }

    pub fn begin(&mut self, core: &Core, epoch: u64, next: Vec<u64>) {
        for lane in &next {
            if !self.lanes.contains_key(lane)
                && let Some(End::In(end)) = core.take_end(*lane)
            {
                self.lanes.insert(*lane, end);
            }
        }
        let now = clock::now();
        let left = self
            .active
            .iter()
            .filter(|lane| !next.contains(lane))
            .filter_map(|lane| self.lanes.get(lane))
            .map(|lane| (lane.spec.lane, now.saturating_add(lane.spec.drain_within_ns)))
            .collect();
        self.leaving = Some(Leaving { epoch, left, next });
    }

    /// Whether all lanes of the step under way have ended.
    pub fn ended_all(&mut self, core: &Core, drain: bool) -> bool {
        let lanes: Vec<u64> =
            self.leaving.iter().flat_map(|leaving| leaving.left.iter().map(|(lane, _)| *lane)).collect();
        for lane in lanes {
            let most = self.lanes.get(&lane).map_or(0, |lane| lane.spec.ring_bytes / HEADER_BYTES as u64);
            // A ring holds no more; a producer that writes on meanwhile is met again at the next turn.
            for _ in 0..=most {
                let Look::Frame(bytes) = self.look(core, lane) else { break };
                if !drain || !self.backlog.has_room(bytes) {
                    break;
                }
                let mut payload = vec![0; bytes];
                if let Some(info) = self.take(lane, &mut payload) {
                    self.backlog.push(Frame { payload, info });
                }
                self.give_back(lane);
            }
            self.supersede(lane);
        }
        self.leaving.as_ref().is_none_or(|leaving| leaving.left.is_empty())
    }

    fn give_back(&mut self, lane: u64) {
        if let Some(lane) = self.lanes.get_mut(&lane) {
            lane.consumer.done();
        }
    }

    fn end(&mut self, lane: u64) {
        if let Some(leaving) = &mut self.leaving {
            leaving.left.retain(|(each, _)| *each != lane);
        }
    }

    /// Past the drain's bound: what is there is counted and passed, and what will come before the `SWITCH` when it is met.
    fn supersede(&mut self, number: u64) {
        let Some(leaving) = &self.leaving else { return };
        let epoch = leaving.epoch;
        let due = leaving.left.iter().any(|(lane, deadline)| *lane == number && *deadline <= clock::now());
        let Some(lane) = self.lanes.get_mut(&number).filter(|_| due) else { return };
        // A ring holds no more; a producer that writes on meanwhile does not keep this side here.
        for _ in 0..=lane.spec.ring_bytes / HEADER_BYTES as u64 {
            match lane.consumer.look() {
                Next::Frame(_) => lane.consumer.drop_next(Drop::Superseded),
                Next::Switch(switched) => {
                    lane.consumer.pass_switch();
                    if switched == epoch {
                        return self.end(number);
                    }
                }
                Next::Empty | Next::Broken => break,
            }
        }
        lane.expects.push(epoch);
        self.cut.push(number);
        self.end(number);
    }

    /// Passes what still comes on lanes that were left early, up to their `SWITCH`: so many headers of each in one call.
    pub fn discard(&mut self, most: u32) {
        let InState { cut, lanes, .. } = self;
        cut.retain(|number| {
            let Some(lane) = lanes.get_mut(number) else { return false };
            for _ in 0..most {
                match lane.consumer.look() {
                    Next::Frame(_) if lane.expects.is_empty() => return false,
                    Next::Frame(_) => lane.consumer.drop_next(Drop::Superseded),
                    Next::Switch(epoch) => {
                        let Some(place) = lane.expects.iter().position(|each| *each == epoch) else { return false };
                        lane.expects.drain(..=place);
                        lane.consumer.pass_switch();
                    }
                    Next::Empty => break,
                    Next::Broken => return false,
                }
            }
            !lane.expects.is_empty()
        });
    }

    /// The next frame of a lane, past switches and what is not to be delivered; of these so many in one call, since a ring that
    /// was filled with them once has no end.
    fn look(&mut self, core: &Core, number: u64) -> Look {
        let leaving = self.leaving.as_ref().filter(|leaving| leaving.left.iter().any(|(each, _)| *each == number));
        let leaving = leaving.map(|leaving| leaving.epoch);
        let Some(lane) = self.lanes.get_mut(&number) else { return Look::Stuck };
        for _ in 0..HEADERS_A_LOOK {
            match lane.consumer.look() {
                Next::Frame(bytes) => match undeliverable(lane, bytes, &self.last_ids) {
                    Some(reason) => lane.consumer.drop_next(reason),
                    None => return Look::Frame(bytes),
                },
                Next::Switch(epoch) => {
                    if let Some(place) = lane.expects.iter().position(|each| *each == epoch) {
                        lane.expects.drain(..=place);
                        lane.consumer.pass_switch();
                    } else if leaving == Some(epoch) {
                        lane.consumer.pass_switch();
                        self.end(number);
                        return Look::Nothing;
                    } else if epoch <= self.last_epoch {
                        // No honest producer leaves a lane that its consumer stays on.
                        lane.consumer.pass_switch();
                    } else {
                        // Of a step that this side has not been shown yet: the producer saw the epoch first.
                        return Look::Stuck;
                    }
                }
                Next::Empty => {
                    if leaving.is_some() && core.has_ended(number) {
                        self.end(number);
                    }
                    return Look::Nothing;
                }
                Next::Broken => {
                    if !std::mem::replace(&mut lane.is_broken, true) {
                        core.tell_broken(&lane.spec);
                    }
                    if leaving.is_some() {
                        self.end(number);
                    }
                    return Look::Stuck;
                }
            }
        }
        Look::More
    }

    /// Whether the step under way has left this lane already: what follows its `SWITCH` is not of this binding.
    fn is_drained(&self, lane: u64) -> bool {
        self.leaving
            .as_ref()
            .is_some_and(|leaving| !leaving.next.contains(&lane) && !leaving.left.iter().any(|(each, _)| *each == lane))
    }

    /// The next lane that has a frame, and its bytes; lanes take turns.
    pub fn poll(&mut self, core: &Core) -> Option<(u64, usize)> {
        for index in 0..self.active.len() {
            let at = (self.turn + index) % self.active.len();
            let lane = self.active[at];
            if self.is_drained(lane) {
                continue;
            }
            if let Look::Frame(bytes) = self.look(core, lane) {
                self.turn = at + 1;
                return Some((lane, bytes));
            }
        }
        None
    }

    /// Takes the frame that `poll` found; None if it was corrupt, which is counted on the lane.
    pub fn take(&mut self, number: u64, into: &mut [u8]) -> Option<FrameInfo> {
        let lane = self.lanes.get_mut(&number)?;
        let received = lane.consumer.take(into).ok()?;
        let header = received.header;
        self.last_ids.insert(lane.spec.route_id, header.frame_id);
        Some(FrameInfo {
            frame_id: header.frame_id,
            route_id: header.route_id,
            stamp_ns: header.stamp,
            age_ns: received.age_ns,
            lane: number,
            bytes: received.bytes,
        })
    }

    /// The owner is handling a frame of this lane from now on.
    pub fn deliver(&mut self, lane: u64) {
        self.outstanding = Some(lane);
    }

    /// Frames of the backlog are handled like any other, but their credit is back already.
    pub fn deliver_backlog(&mut self) -> Option<Frame> {
        let frame = self.backlog.pop()?;
        self.outstanding = Some(frame.info.lane);
        Some(frame)
    }

    /// Until when the step under way may wait for its lanes' ends.
    pub fn drain_deadline(&self) -> u64 {
        let deadlines = self.leaving.iter().flat_map(|leaving| leaving.left.iter().map(|(_, deadline)| *deadline));
        deadlines.min().unwrap_or(u64::MAX)
    }

    /// All lanes whose next frame concerns this side: those that it reads, and those that it left early.
    pub fn watched(&self) -> Vec<u64> {
        self.active.iter().chain(&self.cut).copied().collect()
    }

    /// As many frames as may lie in the lanes that it reads: more than that have come since.
    pub fn most_frames(&self) -> u64 {
        let lanes = self.active.iter().filter_map(|lane| self.lanes.get(lane));
        lanes.map(|lane| lane.spec.ring_bytes / HEADER_BYTES as u64).sum::<u64>() + self.backlog.len() as u64
    }

    /// Lets go of lanes that nothing can lead back to.
    pub fn retain(&mut self, core: &Core) {
        let InState { lanes, active, last_ids, .. } = self;
        lanes.retain(|lane, _| active.contains(lane) || core.is_kept(*lane));
        last_ids.retain(|route, _| lanes.values().any(|lane| lane.spec.route_id == *route));
    }

    /// Lanes on whose next frame it makes sense to sleep; None if there is a frame.
    pub fn quiet_lanes(&mut self, core: &Core) -> Option<Vec<u64>> {
        self.discard(HEADERS_A_LOOK);
        let mut quiet: Vec<u64> = self.cut.iter().filter(|lane| !self.active.contains(lane)).copied().collect();
        for lane in self.active.clone() {
            if self.is_drained(lane) {
                continue;
            }
            match self.look(core, lane) {
                Look::Frame(_) | Look::More => return None,
                Look::Nothing => quiet.push(lane),
                Look::Stuck => {}
            }
        }
        Some(quiet)
    }

    pub fn spin_ns(&self) -> u64 {
        let spins = self
            .active
            .iter()
            .filter_map(|lane| self.lanes.get(lane))
            .filter(|lane| lane.spec.wait == Wait::SpinThenSleep);
        spins.map(|lane| lane.spec.spin_ns).max().unwrap_or(0)
    }
}

/// Why the frame that lies next on this lane is passed over, if it is. Its header is what a peer says: that of another route is
/// not this one's, and its size is what the plan gave it.
fn undeliverable(lane: &InLane, bytes: usize, last_ids: &BTreeMap<u32, u64>) -> Option<Drop> {
    let header = lane.consumer.peeked()?;
    if !lane.expects.is_empty() {
        Some(Drop::Superseded)
    } else if header.route_id != lane.spec.route_id {
        Some(Drop::Corrupt)
    } else if bytes > lane.spec.max_frame_bytes as usize {
        Some(Drop::TooLarge)
    } else {
        let last = (header.flags & flag::RESENT != 0).then(|| last_ids.get(&lane.spec.route_id)).flatten();
        last.is_some_and(|last| header.frame_id <= *last).then_some(Drop::Duplicate)
    }
}
