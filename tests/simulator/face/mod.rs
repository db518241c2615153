//! The face on a socket: levers by HTTP, and who may pull them.

mod control;
mod gate;
mod page;
pub(crate) mod served;
