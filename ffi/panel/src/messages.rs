//! Between JavaScript's JSON and packets: a request may need several, and an inventory may come in several.
use crate::error::{PanelError, Result};
use crate::limits::INVENTORY_PARTS;
use rtt_control::panel::{Inventory, KeeperToPanel, Outcome, PanelToKeeper, Request};

/// The packets of one request, in their order.
pub fn packets(json: &[u8]) -> Result<Vec<Vec<u8>>> {
    let PanelToKeeper { id, generation, request } = PanelToKeeper::from_json(json)?;
    let requests = match request {
        Request::Stage { transition, .. } => {
            let parts = transition.parts();
            let last = parts.len() - 1;
            let part = |(index, transition)| Request::Stage { transition, last: index == last };
            parts.into_iter().enumerate().map(part).collect()
        }
        other => vec![other],
    };
    let bytes = |request| Ok(PanelToKeeper { id, generation, request }.to_bytes()?);
    requests.into_iter().map(bytes).collect()
}

/// Joins what has come in parts.
#[derive(Default)]
pub struct Joiner {
    /// The reply that it belongs to, what has come of it, and in how many parts.
    partial: Option<(u64, Box<Inventory>, usize)>,
}

impl Joiner {
    /// The message that is whole with this packet, as JSON.
    pub fn take(&mut self, packet: &[u8]) -> Result<Option<Vec<u8>>> {
        let message = match KeeperToPanel::from_bytes(packet)? {
            KeeperToPanel::Reply { id, outcome: Outcome::Done { inventory: Some(part), more, .. } } => {
                match self.join(id, part, more)? {
                    Some(whole) => {
                        let outcome = Outcome::Done { epoch: whole.epoch, inventory: Some(whole), more: false };
                        KeeperToPanel::Reply { id, outcome }
                    }
                    None => return Ok(None),
                }
            }
            other => other,
        };
        Ok(Some(message.to_json()?))
    }

    fn join(&mut self, id: u64, part: Box<Inventory>, more: bool) -> Result<Option<Box<Inventory>>> {
        let (whole, parts) = match self.partial.take() {
            None => (part, 1),
            Some((of, mut whole, parts)) if of == id && parts < INVENTORY_PARTS => {
                whole.append(*part)?;
                (whole, parts + 1)
            }
            Some(_) => {
                return Err(PanelError::new("control.malformed", "cannot join an inventory because it has no end"));
            }
        };
        if !more {
            return Ok(Some(whole));
        }
        self.partial = Some((id, whole, parts));
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(id: u64, more: bool) -> Vec<u8> {
        let outcome = Outcome::Done { epoch: 1, inventory: Some(Box::default()), more };
        KeeperToPanel::Reply { id, outcome }.to_bytes().expect("a packet")
    }

    #[test]
    fn parts_of_one_reply_are_one_message() {
        let mut joiner = Joiner::default();
        assert_eq!(joiner.take(&part(4, true)).expect("a part"), None);
        let event = rtt_control::panel::Event {
            seq: 7,
            instance: "imu.1".into(),
            what: rtt_control::panel::What::Mapped { transition: 3 },
        };
        let event = joiner.take(&KeeperToPanel::Event(event).to_bytes().expect("a packet")).expect("an event");
        let said = r#"{"seq":7,"instance":"imu.1","kind":"mapped","transition":3}"#;
        assert_eq!(event.as_deref(), Some(said.as_bytes()));
        let whole = joiner.take(&part(4, false)).expect("the last part").expect("the whole");
        let said = r#"{"id":4,"kind":"done","epoch":0,"inventory":{"epoch":0,"lastEpoch":0,"instances":[],"regions":[],"transitions":[]},"more":false}"#;
        assert_eq!(String::from_utf8_lossy(&whole), said);
    }

    #[test]
    fn parts_of_another_reply_and_parts_without_end_are_refused() {
        let mut joiner = Joiner::default();
        assert_eq!(joiner.take(&part(4, true)).expect("a part"), None);
        assert_eq!(joiner.take(&part(5, false)).unwrap_err().code, "control.malformed");

        let mut joiner = Joiner::default();
        for _ in 0..INVENTORY_PARTS {
            assert_eq!(joiner.take(&part(4, true)).expect("a part"), None);
        }
        assert_eq!(joiner.take(&part(4, true)).unwrap_err().code, "control.malformed");
    }
}
