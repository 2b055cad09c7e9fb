//! The settings of tools and resources for views (MCP Apps; digest 7.14).

use crate::json::{JsonSlice, JsonWriter, Kind as JsonKind};
use crate::proto::catalog::kind::Kind;
use crate::proto::catalog::members::check::{At, Step, check, check_object};
use crate::proto::catalog::members::{Form, Row, Table};
use crate::proto::version::Revision;

const fn member(name: &'static str, form: Form) -> Row {
    Row { name, form, required: false, from: Revision::V2024_11_05, to: Revision::V2026_07_28 }
}

const fn table(whose: &'static str, rows: &'static [Row]) -> Table {
    Table { whose, rows, one_of: &[], whole_from: Some(Revision::V2024_11_05) }
}

/// AP-3, AP-4.
static OF_TOOL: Table = table(
    "the ui of a tool has",
    &[
        member("resourceUri", Form::ViewUri),
        member("visibility", Form::List(&Form::OneOf(&["model", "app"]))),
    ],
);

/// AP-6.
static OF_RESOURCE: Table = table(
    "the ui of a resource has",
    &[
        member("csp", Form::Object(&CSP)),
        member("permissions", Form::Object(&PERMISSIONS)),
        member("domain", Form::Word),
        member("prefersBorder", Form::Bool),
    ],
);

static CSP: Table = table(
    "a csp has",
    &[
        member("connectDomains", ORIGINS),
        member("resourceDomains", ORIGINS),
        member("frameDomains", ORIGINS),
        member("baseUriDomains", ORIGINS),
    ],
);

const ORIGINS: Form = Form::List(&Form::Origin);

static PERMISSIONS: Table = table(
    "permissions have",
    &[
        member("camera", Form::Open),
        member("microphone", Form::Open),
        member("geolocation", Form::Open),
        member("clipboardWrite", Form::Open),
    ],
);

/// Checks an entry's settings for views. For a tool, the URI of its view alone is also valid.
pub(crate) fn check_ui(kind: Kind, value: JsonSlice) -> Result<JsonSlice, String> {
    let at = At::new(&At::WHOLE, Step::Member("ui"));
    if kind != Kind::Tool {
        check_object(&OF_RESOURCE, &value, &at)?;
        return Ok(value);
    }
    if value.kind() != JsonKind::String {
        check_object(&OF_TOOL, &value, &at)?;
        return Ok(value);
    }
    check(&Form::ViewUri, &value, &at)?;
    let mut out = JsonWriter::new();
    out.begin_object().key("resourceUri").slice(&value).end_object();
    Ok(out.into_slice())
}
