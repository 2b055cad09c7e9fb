//! Finds the registered entry that a request names.

use super::uri_template::MAX_URI;
use crate::dispatch::access::Caller;
use crate::dispatch::registry::catalog::Snapshot;
use crate::dispatch::registry::registered::Registered;
use crate::dispatch::validation::arguments::Unready;
use crate::json::{JsonSlice, JsonWriter, Kind as JsonKind};
use crate::proto::catalog::definition::completion_name;
use crate::proto::catalog::header_params::ParamFields;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::{RpcError, clip, stage};
use crate::proto::messages::message::Params;
use crate::proto::operation::{Method, Needs, Op, Operation};
use crate::proto::session::capability::Capabilities;
use crate::proto::version::Revision;
use std::sync::Arc;

/// The part of the engine or the program that answers a request.
pub(crate) enum Route<T> {
    /// The handler of an entry.
    Call(Invocation<T>),
    /// The list of a kind.
    List(Kind, &'static Operation),
    /// The handler of an entry that lists in pages, whose cursors the engine seals.
    Pages(Invocation<T>, &'static Operation),
    /// The engine itself.
    Own(Op),
    /// No handler: the arguments are not valid, which the tool reports as a failed result.
    Failed(String),
}

/// An entry whose handler must run, with its input.
pub(crate) struct Invocation<T> {
    pub(crate) entry: Arc<Registered<T>>,
    /// A JSON object.
    pub(crate) input: JsonSlice,
    /// The resource's address, if the entry is a resource.
    pub(crate) uri: Option<Arc<str>>,
    /// The check of the input takes too long for this thread. The input is still as the client sent it.
    pub(crate) unchecked: bool,
}

impl<T> Invocation<T> {
    fn of(entry: &Arc<Registered<T>>, input: JsonSlice) -> Route<T> {
        Route::Call(Invocation { entry: entry.clone(), input, uri: None, unchecked: false })
    }

    fn unchecked(entry: &Arc<Registered<T>>, input: JsonSlice) -> Route<T> {
        Route::Call(Invocation { entry: entry.clone(), input, uri: None, unchecked: true })
    }
}

/// The caller of a request, and what its request has beside the parameters.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    /// The revision of the request.
    pub(crate) revision: Revision,
    /// Who asks.
    pub(crate) caller: Caller<'a>,
    /// Over HTTP, the headers that repeat arguments.
    pub(crate) fields: Option<&'a ParamFields>,
}

/// Finds the entry for a request. The caller must be permitted to use it; this is checked before its arguments.
/// `declared` are the server's capabilities that do not follow from the registered entries.
pub(crate) fn route<T>(
    method: &Method,
    params: &Params,
    asker: Asker<'_>,
    snapshot: &Snapshot<T>,
    declared: Capabilities,
) -> Result<Route<T>, RpcError> {
    let Asker { revision, caller, .. } = asker;
    if snapshot.has(Kind::Method)
        && let Some(entry) = snapshot.find(Kind::Method, method.as_str())
        && method.may_be_asked_in(revision)
    {
        if !entry.is_seen_by(caller) {
            return Err(RpcError::method_not_found(method.as_str()));
        }
        entry.permit(caller)?;
        if entry.paged
            && let Method::Known(operation) = method
        {
            let input = params.object();
            let invocation = Invocation { entry: entry.clone(), input, uri: None, unchecked: false };
            return Ok(Route::Pages(invocation, operation));
        }
        return validated(entry, params.object(), "Invalid params: ");
    }
    let served = (snapshot.capabilities().and(declared), snapshot.extensions());
    let operation = method.request_in(revision, served)?;
    match (operation.needs, operation.op) {
        (Needs::Handler, Op::ToolsCall) => tool(params, asker, snapshot),
        (Needs::Handler, Op::ResourcesRead) => resource(params, caller, snapshot),
        (Needs::Handler, Op::PromptsGet) => prompt(params, caller, snapshot),
        (Needs::Handler, Op::Complete) => completion(params, asker, snapshot),
        (Needs::List(kind), _) => Ok(Route::List(kind, operation)),
        (_, op) => Ok(Route::Own(op)),
    }
}

/// The entry that a request names, and its input as the client sent it, for a report. Nothing is checked.
pub(crate) fn named<T>(
    method: &Method,
    params: &Params,
    snapshot: &Snapshot<T>,
) -> Option<(Arc<Registered<T>>, JsonSlice)> {
    if let Some(entry) = snapshot.find(Kind::Method, method.as_str()) {
        return Some((entry.clone(), params.object()));
    }
    let Method::Known(operation) = method else { return None };
    let of_name = |kind: Kind| {
        let entry = snapshot.find(kind, &params.get_str("name").ok()??)?;
        Some((entry.clone(), params.get("arguments").unwrap_or_else(JsonSlice::empty_object)))
    };
    match operation.op {
        Op::ToolsCall => of_name(Kind::Tool),
        Op::PromptsGet => of_name(Kind::Prompt),
        Op::ResourcesRead => {
            let (entry, input) = snapshot.resource(&address(params).ok()?)?;
            Some((entry.clone(), input))
        }
        _ => None,
    }
}

/// The entries that a request names or lists.
pub(crate) fn concerned<T>(
    method: &Method,
    params: &Params,
    snapshot: &Snapshot<T>,
) -> Vec<Arc<Registered<T>>> {
    let Method::Known(operation) = method else { return Vec::new() };
    if let Some(entry) = snapshot.find(Kind::Method, method.as_str()) {
        let (kind, name) = entry.seen_as();
        let decides = if kind == Kind::Method { None } else { snapshot.find(kind, name) };
        return decides.into_iter().cloned().collect();
    }
    let one = match (operation.needs, operation.op) {
        (Needs::List(Kind::Resource), _) => {
            // The templates whose resources are listed too.
            let providers = snapshot.all(Kind::ResourceProvider).iter();
            let templates = providers.filter_map(|entry| snapshot.find(Kind::ResourceTemplate, &entry.name));
            return snapshot.all(Kind::Resource).iter().chain(templates).cloned().collect();
        }
        (Needs::List(kind), _) => return snapshot.all(kind).to_vec(),
        (_, Op::Complete) => {
            let found = completed(params).ok().and_then(|(_, kind, of)| snapshot.find(kind, &of));
            found.cloned()
        }
        (_, Op::Subscribe) => {
            let uri = address(params).ok();
            uri.and_then(|uri| snapshot.resource(&uri).map(|(entry, _)| entry.clone()))
        }
        _ => named(method, params, snapshot).map(|(entry, _)| entry),
    };
    one.into_iter().collect()
}

/// A call with the input that the entry prepares from the client's input. If the input is not valid, the error is
/// -32602.
fn validated<T>(entry: &Arc<Registered<T>>, input: JsonSlice, wrong: &str) -> Result<Route<T>, RpcError> {
    match entry.prepare_quickly(input) {
        Ok(input) => Ok(Invocation::of(entry, input)),
        Err(Unready::Costly(input)) => Ok(Invocation::unchecked(entry, input)),
        Err(Unready::Refused(reasons)) => {
            Err(RpcError::invalid_params(format!("{wrong}{reasons}")).refused_by(stage::ARGUMENTS, "schema"))
        }
    }
}

/// The resource with this address, or else the template that matches it best (RS-4, RS-5).
fn resource<T>(params: &Params, caller: Caller<'_>, snapshot: &Snapshot<T>) -> Result<Route<T>, RpcError> {
    let uri = address(params)?;
    let found = snapshot.resource(&uri).filter(|(entry, _)| entry.is_seen_by(caller));
    let (entry, input) = found.ok_or_else(|| RpcError::not_found(&uri))?;
    entry.permit(caller)?;
    Ok(Route::Call(Invocation { entry: entry.clone(), input, uri: Some(uri.into()), unchecked: false }))
}

/// The address of a resource that a request names.
pub(crate) fn address(params: &Params) -> Result<String, RpcError> {
    let uri = text(params, "uri")?;
    if uri.len() > MAX_URI {
        // The error does not repeat the address, unlike the error for an address that is not found.
        let text = format!("Invalid params: uri has more than {MAX_URI} bytes");
        return Err(RpcError::invalid_params(text));
    }
    Ok(uri)
}

/// PR-3, PR-4.
fn prompt<T>(params: &Params, caller: Caller<'_>, snapshot: &Snapshot<T>) -> Result<Route<T>, RpcError> {
    let name = text(params, "name")?;
    let entry = snapshot
        .find(Kind::Prompt, &name)
        .filter(|entry| entry.is_seen_by(caller))
        .ok_or_else(|| RpcError::invalid_params(format!("Unknown prompt: {}", clip(&name))))
        .map_err(|error| error.refused_by(stage::ROUTING, "prompt"))?;
    entry.permit(caller)?;
    validated(entry, arguments(params)?, &format!("Invalid arguments for prompt {name:?}: "))
}

/// The registered completions decide what can be completed. An argument without a completion has no suggestions (CP-2
/// to CP-5).
fn completion<T>(params: &Params, asker: Asker<'_>, snapshot: &Snapshot<T>) -> Result<Route<T>, RpcError> {
    let Asker { revision, caller, .. } = asker;
    let (word, kind, of) = completed(params)?;
    let argument = object(params, "argument")?;
    let (name, value) = (part(&argument, "argument", "name")?, part(&argument, "argument", "value")?);
    // Suggestions show what the entry has, so they are for those who may use it.
    let of_entry = snapshot.find(kind, &of).filter(|entry| entry.is_seen_by(caller));
    of_entry.map_or(Ok(()), |entry| entry.permit(caller))?;
    // Before 2025-06-18 the protocol has no such member. If the member has the right form, it is used; otherwise it
    // is ignored.
    let given = match params.get("context").map(|context| context_arguments(&context)) {
        Some(Err(_)) if revision < Revision::V2025_06_18 => JsonSlice::empty_object(),
        Some(given) => given?,
        None => JsonSlice::empty_object(),
    };
    let mut input = JsonWriter::new();
    input.begin_object().key("value").str(&value).key("arguments").slice(&given).end_object();
    if let Some(entry) = snapshot.find(Kind::Completion, &completion_name(word, &of, &name))
        && caller.sees(kind, &of)
    {
        entry.permit(caller)?;
        return Ok(Invocation::of(entry, input.into_slice()));
    }
    let Some(entry) = of_entry else {
        let text = format!("Invalid params: unknown {} {}", kind.noun(), clip(&of));
        return Err(RpcError::invalid_params(text));
    };
    if !entry.has_argument(&name) {
        let text = format!("Invalid params: {entry} has no argument {:?}", clip(&name));
        return Err(RpcError::invalid_params(text));
    }
    Ok(Route::Own(Op::Complete))
}

/// The entry that a completion is for: the type of the reference, the kind and the name.
fn completed(params: &Params) -> Result<(&'static str, Kind, String), RpcError> {
    let reference = object(params, "ref")?;
    let word = part(&reference, "ref", "type")?;
    match word.as_str() {
        "ref/prompt" => Ok(("ref/prompt", Kind::Prompt, part(&reference, "ref", "name")?)),
        "ref/resource" => Ok(("ref/resource", Kind::ResourceTemplate, part(&reference, "ref", "uri")?)),
        _ => {
            let text = "Invalid params: ref.type must be \"ref/prompt\" or \"ref/resource\"";
            Err(RpcError::invalid_params(text))
        }
    }
}

/// A member of `params` that is an object.
fn object(params: &Params, name: &str) -> Result<JsonSlice, RpcError> {
    params
        .get(name)
        .filter(|value| value.kind() == JsonKind::Object)
        .ok_or_else(|| RpcError::invalid_params(format!("Invalid params: {name} must be an object")))
}

/// A member of an object in `params` that is a string.
fn part(of: &JsonSlice, whose: &str, name: &str) -> Result<String, RpcError> {
    let value = of.member(name);
    let value = value.as_ref().and_then(|value| value.decode_str()).map(|text| text.into_owned());
    value.ok_or_else(|| RpcError::invalid_params(format!("Invalid params: {whose}.{name} must be a string")))
}

/// The arguments that have a value already: strings by name, as for a prompt (CP-2, PR-3).
fn context_arguments(context: &JsonSlice) -> Result<JsonSlice, RpcError> {
    let wrong = |what: String| RpcError::invalid_params(format!("Invalid params: context{what}"));
    if context.kind() != JsonKind::Object {
        return Err(wrong(" must be an object".into()));
    }
    let Some(given) = context.member("arguments") else { return Ok(JsonSlice::empty_object()) };
    if given.kind() != JsonKind::Object {
        return Err(wrong(".arguments must be an object".into()));
    }
    match given.members().find(|member| member.kind != JsonKind::String) {
        Some(member) => {
            let name = member.name(given.as_bytes());
            Err(wrong(format!(".arguments: {:?} must be a string", clip(&name))))
        }
        None => Ok(given),
    }
}

fn tool<T>(params: &Params, asker: Asker<'_>, snapshot: &Snapshot<T>) -> Result<Route<T>, RpcError> {
    let Asker { revision, caller, fields } = asker;
    let name = text(params, "name")?;
    let entry = snapshot
        .find(Kind::Tool, &name)
        .filter(|entry| entry.is_seen_by(caller))
        .ok_or_else(|| RpcError::invalid_params(format!("Unknown tool: {}", clip(&name))))
        .map_err(|error| error.refused_by(stage::ROUTING, "tool"))?;
    entry.permit(caller)?;
    let input = arguments(params)?;
    // Arguments that came only in a body are not compared with headers (XH-14).
    if let Some(fields) = fields {
        fields.check(&entry.header_params, &input)?;
    }
    match entry.prepare_quickly(input) {
        Ok(input) => Ok(Invocation::of(entry, input)),
        Err(Unready::Costly(input)) => Ok(Invocation::unchecked(entry, input)),
        Err(Unready::Refused(reasons)) => {
            arguments_refused(Kind::Tool, &name, revision, &reasons).map(Route::Failed)
        }
    }
}

/// The result of a call whose arguments are refused: the text of a failed result, or an error.
pub(crate) fn arguments_refused(
    kind: Kind,
    name: &str,
    revision: Revision,
    reasons: &str,
) -> Result<String, RpcError> {
    let text = match kind {
        Kind::Tool | Kind::Prompt => format!("Invalid arguments for {} {name:?}: {reasons}", kind.noun()),
        _ => format!("Invalid params: {reasons}"),
    };
    // From 2025-11-25 on, the model sees the reason and can correct itself (TL-13).
    match kind == Kind::Tool && revision >= Revision::V2025_11_25 {
        true => Ok(text),
        false => Err(RpcError::invalid_params(text).refused_by(stage::ARGUMENTS, "schema")),
    }
}

/// A member of `params` that is a string.
fn text(params: &Params, member: &str) -> Result<String, RpcError> {
    params
        .get_str(member)?
        .ok_or_else(|| RpcError::invalid_params(format!("Invalid params: {member} is missing")))
}

fn arguments(params: &Params) -> Result<JsonSlice, RpcError> {
    match params.get("arguments") {
        None => Ok(JsonSlice::empty_object()),
        Some(arguments) if arguments.kind() == JsonKind::Object => Ok(arguments),
        Some(_) => Err(RpcError::invalid_params("Invalid params: arguments must be an object")),
    }
}
