//! The contract: what it says is what this crate reads and writes, and other languages can use it.
#![cfg(feature = "cli")]

mod bodies;
mod bot;
mod calls;
mod documents;
mod mutants;
mod payloads;
mod samples;
mod tools;
mod typescript;
mod validators;
mod verb;
mod xml;
