//! The store for data that outlives a request. Replicas behind one address share a store, see
//! [`ServerBuilder::store`](crate::ServerBuilder::store).

pub use crate::dispatch::options::StoreUrl;
pub use crate::dispatch::store::{
    Done, Entries, Entry, Keep, MemoryStore, Once, Rate, Record, Store, StoreBounds, StoreDone, StoreOp,
    Version, When, consume_once,
};

/// How operations and replies cross the boundary to a host language. It may change at any time.
#[doc(hidden)]
pub use crate::dispatch::store::wire;
