//! Proof of the rings: what the program has in common that lets loom look at every interleaving of small rings, and shows it
//! the mistakes that it has to find.

pub mod fault;
