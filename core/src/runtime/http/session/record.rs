//! The record of a session in the store, from which another process can resume the session.

use crate::dispatch::principal::{self, Principal};
use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::messages::envelope::Client;
use crate::proto::version::Revision;
use bytes::Bytes;

pub(super) fn key(id: &str) -> String {
    ["session/", id].concat()
}

/// The data with which another process can resume the session. The buffer has exactly the size of the data.
pub(super) fn record(client: &Client, principal: Option<&Principal>) -> JsonSlice {
    let mut out = JsonWriter::new();
    out.begin_object().key("revision").str(client.revision.as_str());
    if let Some(info) = &client.info {
        out.key("clientInfo").slice(info);
    }
    if let Some(principal) = principal {
        principal::write(principal, out.key("principal"));
    }
    out.key("capabilities").slice(&client.capabilities).end_object();
    JsonSlice::from_trusted(Bytes::copy_from_slice(&out.into_bytes()))
}

pub(super) fn read_record(record: &Bytes) -> Option<(Client, Option<Principal>)> {
    let record = JsonSlice::parse(record.clone(), &crate::json::Limits::default()).ok()?;
    let principal = match record.member("principal") {
        Some(principal) => Some(principal::read(&principal)?),
        None => None,
    };
    Some((client_of(&record)?, principal))
}

/// The client of a record. The client's values share the memory of the record.
pub(super) fn client_of(record: &JsonSlice) -> Option<Client> {
    let revision = Revision::parse(&record.member("revision")?.decode_str()?)?;
    let object = |name| record.member(name).filter(|value| value.kind() == Kind::Object);
    let client = Client { revision, info: object("clientInfo"), capabilities: object("capabilities")? };
    (!revision.is_modern()).then_some(client)
}
