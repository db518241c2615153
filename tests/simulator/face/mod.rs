//! The face on a socket: levers by HTTP, and who may pull them.

mod control;
mod gate;
pub(crate) mod served;
