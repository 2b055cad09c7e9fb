//! Observers, which receive what a server reports to operators, see
//! [`ServerBuilder::observer`](crate::ServerBuilder::observer).

pub use crate::dispatch::observer::{
    EntryName, Event, EventField, EventKind, EventRow, Interests, Message, Observer, RequestEnd, StreamKind,
    Transport,
};
