//! Proof of the rings: what is common to the programs that look at every interleaving of small rings, run them under Miri and
//! ThreadSanitizer, and change memory under them.

pub mod fault;
