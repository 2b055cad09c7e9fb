//! Results as handlers return them and as each revision shows them.

use crate::json::{self, JsonSlice, JsonWriter};
use crate::proto::catalog::cache::CacheHints;
use crate::proto::catalog::definition::Definition;
use crate::proto::catalog::kind::Kind;
use crate::proto::catalog::members::property_tests::{any_object, any_of, fits, parsed};
use crate::proto::catalog::members::{
    At, Form, RESULT_COMPLETE, RESULT_PROMPT, RESULT_RESOURCE, RESULT_TOOL, Table, check_object,
};
use crate::proto::results::frame::Rest;
use crate::proto::results::result::{CalledEntry, CheckedResult, HandlerResult};
use crate::proto::version::Revision;
use crate::proto::version::Revision::*;
use proptest::prelude::*;
use serde_json::json;

mod generated;
mod kinds;
mod refused;

fn slice(text: &str) -> JsonSlice {
    JsonSlice::parse(text.to_owned().into(), &json::Limits::default()).unwrap()
}

const SERVER: &str = r#"{"name":"demo","version":"1"}"#;
const MODERN: &str = concat!(
    r#""resultType":"complete","#,
    r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"demo","version":"1"}}"#
);

fn define(kind: Kind, text: &str) -> Definition {
    let mut definition = Definition::from_json(kind, &slice(text)).unwrap();
    definition.finish().unwrap();
    definition
}

fn plain(kind: Kind) -> Definition {
    define(
        kind,
        match kind {
            Kind::Resource => r#"{"uri":"a:b"}"#,
            Kind::ResourceTemplate | Kind::ResourceProvider => r#"{"uriTemplate":"a:{x}"}"#,
            Kind::Completion => r#"{"ref":{"type":"ref/prompt","name":"p"},"argument":"a"}"#,
            Kind::Hook => r#"{"name":"session_start"}"#,
            _ => r#"{"name":"x"}"#,
        },
    )
}

fn called(definition: &Definition) -> CalledEntry<'_> {
    CalledEntry { definition, uri: "a:b", structured: false, wraps: false }
}

/// The members of a result's object in `revision`, without the frame.
fn shown(checked: &CheckedResult<'_>, revision: Revision) -> String {
    let mut out = JsonWriter::new();
    out.begin_object();
    checked.write(revision, &mut out);
    out.end_object();
    out.into_slice().to_string()
}

fn of(kind: Kind, returned: HandlerResult<'_>, revision: Revision) -> Result<String, String> {
    let definition = plain(kind);
    Ok(shown(&CheckedResult::new(called(&definition), returned)?, revision))
}
