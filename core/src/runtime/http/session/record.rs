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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_knows_the_principal_of_its_session() {
        let capabilities = JsonSlice::empty_object();
        let client = Client { revision: Revision::V2025_11_25, info: None, capabilities };
        for (principal, written) in [
            (None, ""),
            (Some(Principal::from("ann")), r#""principal":"ann","#),
            (Some(Principal::new("idp", "ann")), r#""principal":{"issuer":"idp","subject":"ann"},"#),
        ] {
            let text = record(&client, principal.as_ref()).to_string();
            assert_eq!(text, format!(r#"{{"revision":"2025-11-25",{written}"capabilities":{{}}}}"#));
            let (_, read) = read_record(&text.clone().into()).unwrap();
            assert_eq!(read, principal);
            for wrong in [r#""principal":1,"#, r#""principal":"","#, r#""principal":{"issuer":"idp"},"#] {
                let text = text.replace(written, "").replacen('{', &format!("{{{wrong}"), 1);
                assert!(read_record(&text.into()).is_none(), "{wrong}");
            }
        }
    }
}
