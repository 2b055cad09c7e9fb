//! The body of a result: the handler's return value, checked against the table for its kind.

use crate::json::{self, JsonSlice, JsonWriter};
use crate::proto::catalog::definition::Definition;
use crate::proto::catalog::kind::Kind;
use crate::proto::catalog::members::{
    At, RESULT_COMPLETE, RESULT_COMPLETION, RESULT_METHOD, RESULT_PROMPT, RESULT_PROVIDED, RESULT_RESOURCE,
    RESULT_TOOL, Table, check_known, check_object,
};
use crate::proto::results::content;
use crate::proto::results::content::noun;
use crate::proto::results::result::{CalledEntry, HandlerResult};

/// The content of a result, before it is written for a revision.
#[derive(Clone, Debug)]
pub(super) enum Body<'a> {
    /// A tool's text.
    Said(&'a str),
    /// The text of a tool's failure.
    Failed(&'a str),
    /// A tool's plain value.
    Value(&'a JsonSlice),
    /// A resource's text.
    Text(&'a str),
    /// A resource's plain value.
    Json(&'a JsonSlice),
    /// A resource's bytes.
    Bytes(&'a [u8]),
    /// A complete object, checked against its table.
    Whole(JsonSlice, &'static Table),
    /// The list of a resource provider.
    Provided(Vec<Definition>, Option<JsonSlice>),
    /// The handler of a notification or a hook returns nothing that is sent.
    Nothing,
}

/// Checks the return value of a handler. The error does not name the entry yet.
pub(super) fn body<'a>(called: &CalledEntry<'a>, returned: HandlerResult<'a>) -> Result<Body<'a>, String> {
    let definition = called.definition;
    let whole = |result: JsonSlice, table: &'static Table| {
        check_object(table, &result, &At::WHOLE)?;
        Ok(Body::Whole(result, table))
    };
    match (definition.kind(), returned) {
        (Kind::Notification | Kind::Hook, _) => Ok(Body::Nothing),
        (Kind::Tool, HandlerResult::Failed(text)) => Ok(Body::Failed(text)),
        (_, HandlerResult::Failed(text)) => Err(text.to_owned()),

        (Kind::Tool, HandlerResult::Text(text)) => Ok(Body::Said(text)),
        (Kind::Tool, HandlerResult::Json(value)) => Ok(Body::Value(value)),
        (Kind::Tool, HandlerResult::Content(value)) => {
            whole(content::of_tool(value, definition.name())?, &RESULT_TOOL)
        }
        (Kind::Tool, HandlerResult::Bytes(bytes)) => {
            whole(content::of_tool(&content::of_bytes(bytes), definition.name())?, &RESULT_TOOL)
        }
        (Kind::Tool, HandlerResult::Result(result)) => whole(result.clone(), &RESULT_TOOL),

        (Kind::Resource | Kind::ResourceTemplate, returned) => match returned {
            HandlerResult::Text(text) => Ok(Body::Text(text)),
            HandlerResult::Json(value) => Ok(Body::Json(value)),
            HandlerResult::Bytes(bytes) => Ok(Body::Bytes(bytes)),
            HandlerResult::Content(value) => {
                let mime_type = definition.member("mimeType");
                whole(not_empty(content::of_resource(value, called.uri, mime_type)?)?, &RESULT_RESOURCE)
            }
            HandlerResult::Result(result) => whole(not_empty(result.clone())?, &RESULT_RESOURCE),
            HandlerResult::Failed(text) => Err(text.to_owned()),
        },

        (Kind::Prompt, HandlerResult::Text(text)) => {
            let text = JsonSlice::from_value(&text.into());
            whole(content::of_prompt(&text, None)?, &RESULT_PROMPT)
        }
        (Kind::Prompt, HandlerResult::Json(value)) => whole(content::of_prompt(value, None)?, &RESULT_PROMPT),
        (Kind::Prompt, HandlerResult::Content(value)) => {
            whole(content::of_prompt(value, Some(definition.name()))?, &RESULT_PROMPT)
        }
        (Kind::Prompt, HandlerResult::Result(result)) => whole(result.clone(), &RESULT_PROMPT),
        (Kind::Prompt, HandlerResult::Bytes(bytes)) => {
            whole(content::of_prompt(&content::of_bytes(bytes), Some(definition.name()))?, &RESULT_PROMPT)
        }

        (Kind::Completion, HandlerResult::Result(result)) => completion(result),
        (Kind::Completion, HandlerResult::Json(value)) if value.kind() == json::Kind::Object => {
            completion(value)
        }
        (Kind::Completion, HandlerResult::Json(value) | HandlerResult::Content(value)) => {
            completion(&content::of_completion(value)?)
        }
        (Kind::Completion, HandlerResult::Text(_) | HandlerResult::Bytes(_)) => {
            Err("must return an array of strings".to_owned())
        }

        (
            Kind::ResourceProvider,
            HandlerResult::Json(value) | HandlerResult::Content(value) | HandlerResult::Result(value),
        ) => provided(value),
        (Kind::ResourceProvider, HandlerResult::Text(_) | HandlerResult::Bytes(_)) => {
            Err("must return an array of resources".to_owned())
        }

        (Kind::Method, HandlerResult::Json(value) | HandlerResult::Result(value)) => match value.kind() {
            json::Kind::Null => Ok(Body::Whole(JsonSlice::empty_object(), &RESULT_METHOD)),
            json::Kind::Object => {
                check_known(&RESULT_METHOD, value, &At::WHOLE)?;
                Ok(Body::Whole(value.clone(), &RESULT_METHOD))
            }
            _ => Err(format!("must return an object, not {}", noun(value))),
        },
        (Kind::Method, HandlerResult::Content(value)) => {
            Err(format!("must return an object, not {}", noun(value)))
        }
        (Kind::Method, HandlerResult::Text(_) | HandlerResult::Bytes(_)) => {
            Err("must return an object".to_owned())
        }
    }
}

/// A read without contents is refused, because it would mean that the resource exists. A missing resource is an error
/// (RS-6).
fn not_empty(result: JsonSlice) -> Result<JsonSlice, String> {
    let contents = result.member("contents");
    match contents.filter(|contents| contents.kind() == json::Kind::Array) {
        Some(contents) if contents.elements().next().is_none() => {
            Err("contents must not be empty; if the resource does not exist, return a not-found error"
                .to_owned())
        }
        _ => Ok(result),
    }
}

/// A completion's result: the complete object, or its inner object.
fn completion<'a>(result: &JsonSlice) -> Result<Body<'a>, String> {
    let inner = match result.member("completion") {
        Some(inner) => {
            check_object(&RESULT_COMPLETE, result, &At::WHOLE)?;
            inner
        }
        None => {
            check_object(&RESULT_COMPLETION, result, &At::WHOLE)?;
            result.clone()
        }
    };
    let mut out = JsonWriter::with_capacity(inner.as_bytes().len() + 32);
    out.begin_object().key("completion").slice(&content::cut(&inner));
    if let Some(meta) = result.member("_meta") {
        out.key("_meta").slice(&meta);
    }
    out.end_object();
    Ok(Body::Whole(out.into_slice(), &RESULT_COMPLETE))
}

/// The list of a resource provider: an array of resources, or an object with that array.
fn provided<'a>(value: &JsonSlice) -> Result<Body<'a>, String> {
    let (resources, next) = match value.kind() {
        json::Kind::Array => (Some(value.clone()), None),
        json::Kind::Object => {
            check_object(&RESULT_PROVIDED, value, &At::WHOLE)?;
            (value.member("resources"), value.member("nextCursor"))
        }
        _ => return Err(format!("must return an array of resources, not {}", noun(value))),
    };
    let mut definitions = Vec::new();
    for (place, item) in resources.iter().flat_map(JsonSlice::elements).enumerate() {
        let finished = Definition::from_json(Kind::Resource, &item).and_then(|mut resource| {
            resource.finish()?;
            Ok(resource)
        });
        definitions.push(finished.map_err(|error| format!("resources[{place}]: {error}"))?);
    }
    Ok(Body::Provided(definitions, next))
}
