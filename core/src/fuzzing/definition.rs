//! Definitions: the first byte is the kind, the rest the object.

use crate::json::{JsonSlice, JsonWriter, Limits};
use crate::proto::definition::Definition;
use crate::proto::kind::Kind;
use crate::proto::version::Revision;
use bytes::Bytes;

fn read(kind: Kind, object: &JsonSlice) -> Result<Definition, String> {
    let mut definition = Definition::from_json(kind, object)?;
    definition.finish()?;
    Ok(definition)
}

pub(super) fn run(data: &[u8]) {
    let Some((&kind, text)) = data.split_first() else { return };
    let kind = Kind::ALL[usize::from(kind) % Kind::ALL.len()];
    let Ok(object) = JsonSlice::parse(Bytes::copy_from_slice(text), &Limits::default()) else { return };
    let definition = match read(kind, &object) {
        Ok(definition) => definition,
        Err(reason) => return assert!(!reason.is_empty()),
    };
    // What was accepted is accepted in the form in which it is shown, and shown the same.
    let shown = definition.to_json();
    let again = read(kind, &shown).expect("what is shown is legal");
    assert_eq!(again.to_json().as_bytes(), shown.as_bytes());
    assert_eq!(again.name(), definition.name());
    for revision in Revision::ALL {
        let mut out = JsonWriter::new();
        definition.write(revision, &mut out);
        let written = out.into_slice();
        let value: serde_json::Value = serde_json::from_slice(written.as_bytes()).expect("it is JSON");
        assert!(value.is_object(), "{value}");
    }
}
