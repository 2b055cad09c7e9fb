//! Operations on the store of a server, for tests of stores.

use crate::dispatch::options::Spelling;
use crate::dispatch::store::wire::{read_operation, write_reply};
use crate::error::Error;
use crate::json::JsonSlice;
use crate::server::Server;
use bytes::Bytes;

/// Runs an operation on the store of a server that is served. The operation and the reply are JSON text, in the spelling
/// of a language. `done` gets the reply, before this returns or later, on any thread.
///
/// # Errors
/// The text is no operation.
pub fn store_operation(
    server: &Server,
    op: &str,
    spelling: Spelling,
    done: impl FnOnce(String) + Send + 'static,
) -> Result<(), Error> {
    let engine = server.engine();
    let op = JsonSlice::parse(Bytes::copy_from_slice(op.as_bytes()), &engine.limits().json())
        .map_err(|error| Error::invalid(format!("the operation is not JSON: {error}")))?;
    let op = read_operation(&op, spelling).map_err(|why| Error::invalid(format!("the operation: {why}")))?;
    let done = move |reply| done(write_reply(&reply, spelling).as_str().to_owned());
    engine.store().submit(op, engine.now(), Box::new(done));
    Ok(())
}
