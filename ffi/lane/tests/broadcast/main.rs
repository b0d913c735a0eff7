//! Broadcast lanes: what each reader gets, and what a hostile writer can do to it.
mod hostile;
mod lane;
mod window;
