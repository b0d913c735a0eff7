//! Lanes' figures for the control plane: numbers, copied into its own memory.
use crate::link::Link;
use rtt_lane::Geometry;
use rtt_lane::figures::{Figures, figures};

/// What the caller says of a lane: ring region, producer page, ring, ring bytes, credit region, consumer page.
pub const QUESTION_WORDS: usize = 6;
/// What it gets: 1 if the lane could be read, then `Figures`.
pub const ANSWER_WORDS: usize = 1 + size_of::<Figures>() / 8;

/// Answers one lane. A lane whose regions are not mapped here, or that lies outside them, is answered with zeroes.
pub fn answer(link: &Link, question: &[u64; QUESTION_WORDS], now: u64, into: &mut [u64]) {
    into.fill(0);
    let Some(read) = read(link, question, now) else { return };
    into[0] = 1;
    into[1..].copy_from_slice(&words(&read));
}

fn read(link: &Link, question: &[u64; QUESTION_WORDS], now: u64) -> Option<Figures> {
    let [ring_region, producer_page, ring, ring_bytes, credit_region, consumer_page] = *question;
    let (ring_view, credit_view) = (link.region(ring_region)?, link.region(credit_region)?);
    let ring_part = (producer_page, ring, ring_bytes, ring_view.bytes());
    let geometry = Geometry::check(ring_part, (consumer_page, credit_view.bytes()), 0).ok()?;
    Some(figures(&ring_view, &credit_view, &geometry, now))
}

/// `Figures` is nothing but 64-bit words.
fn words(figures: &Figures) -> [u64; ANSWER_WORDS - 1] {
    const { assert!(size_of::<Figures>() == (ANSWER_WORDS - 1) * 8) };
    // SAFETY: a repr(C) struct of u64 and arrays of u64, of the same size: no padding, every bit pattern is good.
    unsafe { std::mem::transmute_copy(figures) }
}
