//! The face on a socket: levers by HTTP, and who may pull them.

mod agents;
mod control;
mod deliveries;
mod events;
mod gate;
mod listed;
mod malformed;
mod office;
mod page;
pub(crate) mod served;
mod visitors;
mod visits;
