//! Parameters of sampling: their checks, and their form for older clients.

use super::need::{SAMPLING_CONTEXT, SAMPLING_TOOLS};
use super::{Need, Refusal, only, string};
use crate::proto::version::Revision;
use serde_json::{Value, json};
use std::collections::HashSet;

const MEMBERS: [&str; 11] = [
    "messages",
    "maxTokens",
    "modelPreferences",
    "systemPrompt",
    "includeContext",
    "temperature",
    "stopSequences",
    "metadata",
    "tools",
    "toolChoice",
    "_meta",
];

/// Checks the parameters (SA-2 to SA-5). Returns the further capabilities that they need (SA-3, SA-7).
pub(super) fn check(params: &Value) -> Result<Vec<Need>, String> {
    only(params, &MEMBERS)?;
    let messages = params["messages"].as_array().ok_or("messages must be an array")?;
    check_messages(messages)?;
    if params["maxTokens"].as_f64().is_none_or(|count| count < 1.0 || count.fract() != 0.0) {
        return Err("maxTokens must be an integer above zero".into());
    }
    let is = |name: &str, what: &str, fits: &dyn Fn(&Value) -> bool| match params.get(name) {
        Some(value) if !fits(value) => Err(format!("{name} must be {what}")),
        _ => Ok(()),
    };
    let texts = |value: &Value| value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
    is("systemPrompt", "a string", &Value::is_string)?;
    is("temperature", "a number", &Value::is_number)?;
    is("stopSequences", "an array of strings", &texts)?;
    is("metadata", "an object", &Value::is_object)?;
    let one_of = |words: &'static [&str]| move |value: &Value| words.iter().any(|word| value == word);
    is("includeContext", "none, thisServer or allServers", &one_of(&["none", "thisServer", "allServers"]))?;
    is(
        "tools",
        "an array of tools, each with a name and an inputSchema of \"type\": \"object\"",
        &|tools| {
            let tool = |tool: &Value| tool["name"].is_string() && tool["inputSchema"]["type"] == "object";
            tools.as_array().is_some_and(|tools| tools.iter().all(tool))
        },
    )?;
    is("toolChoice", "an object; its mode is auto, required or none", &|choice| {
        let known = one_of(&["auto", "required", "none"]);
        choice.is_object() && choice.get("mode").is_none_or(known)
    })?;
    if let Some(preferences) = params.get("modelPreferences") {
        check_preferences(preferences).map_err(|reason| format!("modelPreferences: {reason}"))?;
    }
    let mut needs = Vec::new();
    if uses_tools(params) {
        needs.push(SAMPLING_TOOLS);
    }
    if params.get("includeContext").is_some_and(|context| context != "none") {
        needs.push(SAMPLING_CONTEXT);
    }
    Ok(needs)
}

/// Whether the model gets tools, or messages about the use of tools.
fn uses_tools(params: &Value) -> bool {
    let says_tool = |block: &Value| matches!(block["type"].as_str(), Some("tool_use" | "tool_result"));
    params.get("tools").or(params.get("toolChoice")).is_some()
        || params["messages"].as_array().into_iter().flatten().flat_map(blocks).any(says_tool)
}

fn check_preferences(preferences: &Value) -> Result<(), String> {
    if !preferences.is_object() {
        return Err("must be an object".into());
    }
    for name in ["costPriority", "speedPriority", "intelligencePriority"] {
        let fits = |value: &Value| value.as_f64().is_some_and(|value| (0.0..=1.0).contains(&value));
        if preferences.get(name).is_some_and(|value| !fits(value)) {
            return Err(format!("{name} must be a number from 0 to 1"));
        }
    }
    let hint = |hint: &Value| hint.is_object() && hint.get("name").is_none_or(Value::is_string);
    let hints = |hints: &Value| hints.as_array().is_some_and(|hints| hints.iter().all(hint));
    if preferences.get("hints").is_some_and(|value| !hints(value)) {
        return Err("hints must be an array of objects with a name".into());
    }
    Ok(())
}

/// The content blocks of a message, which has one or an array of them.
fn blocks(message: &Value) -> &[Value] {
    match &message["content"] {
        Value::Array(blocks) => blocks,
        block => std::slice::from_ref(block),
    }
}

/// Checks each message, and that the message after each use of a tool has its result (SA-5).
fn check_messages(messages: &[Value]) -> Result<(), String> {
    let mut open = HashSet::new();
    for (place, message) in messages.iter().enumerate() {
        let at = |reason: String| format!("messages/{place}: {reason}");
        let wrong = |reason: &str| Err(at(reason.to_owned()));
        let asks = match message["role"].as_str() {
            Some("assistant") => true,
            Some("user") => false,
            _ => return wrong("role must be user or assistant"),
        };
        let blocks = blocks(message);
        if blocks.is_empty() {
            return wrong("content must have at least one block");
        }
        let of = |kind: &str| blocks.iter().filter(|block| block["type"] == kind).count();
        blocks.iter().try_for_each(check_block).map_err(at)?;
        let results = of("tool_result");
        if results > 0 && results < blocks.len() {
            return wrong("a message with tool results must have no other blocks");
        }
        if results > 0 && asks || of("tool_use") > 0 && !asks {
            return wrong("tool_use is for assistant messages, tool_result for user messages");
        }
        for block in blocks {
            if results > 0 && !open.remove(block["toolUseId"].as_str().unwrap_or_default()) {
                return wrong("tool_result must answer a tool_use of the message before");
            }
        }
        if !open.is_empty() {
            return wrong("each tool_use of the message before must be answered here by a tool_result");
        }
        for block in blocks.iter().filter(|block| block["type"] == "tool_use") {
            if !open.insert(block["id"].as_str().unwrap_or_default()) {
                return wrong("tool_use ids must differ");
            }
        }
    }
    match open.is_empty() {
        true => Ok(()),
        false => Err("messages: each tool_use must be answered by a tool_result in the next message".into()),
    }
}

/// Checks a content block of a message.
pub(super) fn check_block(block: &Value) -> Result<(), String> {
    let kind = block["type"].as_str().ok_or("a content block must be an object with a type")?;
    let members: &[&str] = match kind {
        "text" => &["text"],
        "image" | "audio" => &["data", "mimeType"],
        "tool_use" => &["id", "name"],
        "tool_result" => &["toolUseId"],
        _ => return Err(format!("there is no content block of type {kind:?}")),
    };
    let at = |reason: &dyn std::fmt::Display| format!("{kind}: {reason}");
    for name in members {
        string(block, name).map_err(|reason| at(&reason))?;
    }
    match kind {
        "tool_use" if !block["input"].is_object() => Err(at(&"input must be an object")),
        "tool_result" if !block["content"].is_array() => Err(at(&"content must be an array")),
        _ => Ok(()),
    }
}

/// Converts the parameters for a revision. Before 2025-11-25 a message has exactly one block (SA-6). If tools are used
/// here, the client has declared them, and so knows messages with several blocks.
pub(super) fn shape(mut params: Value, revision: Revision) -> Result<Value, Refusal> {
    if revision >= Revision::V2025_11_25 || uses_tools(&params) {
        return Ok(params);
    }
    let mut single = Vec::new();
    for message in params["messages"].as_array().into_iter().flatten() {
        for block in blocks(message) {
            if block["type"] == "audio" && revision < Revision::V2025_03_26 {
                return Err(Refusal::Unknown(format!("{revision} has no audio")));
            }
            single.push(json!({ "role": message["role"], "content": block }));
        }
    }
    params["messages"] = single.into();
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::super::Question;
    use super::super::tests::client;
    use super::*;
    use crate::json::JsonSlice;

    fn text(text: &str) -> Value {
        json!({ "type": "text", "text": text })
    }

    fn message(role: &str, content: Value) -> Value {
        json!({ "role": role, "content": content })
    }

    fn params(messages: Value) -> Value {
        json!({ "messages": messages, "maxTokens": 10 })
    }

    fn sent(revision: Revision, sampling: Value, params: &Value) -> Result<Value, Refusal> {
        let client = client(revision, json!({ "sampling": sampling }));
        let params = Question::Sample.prepare(&JsonSlice::from_value(params), &client)?;
        Ok(params.to_value().unwrap())
    }

    #[test]
    fn every_parameter_goes_through() {
        // SA-2, SA-4
        let full = json!({
            "messages": [message("user", text("a")), message("assistant", json!([text("b")]))],
            "maxTokens": 1,
            "modelPreferences": { "hints": [{ "name": "m" }], "costPriority": 0.5 },
            "systemPrompt": "s",
            "includeContext": "none",
            "temperature": 0.1,
            "stopSequences": ["x"],
            "metadata": { "a": 1 },
            "tools": [{ "name": "t", "inputSchema": { "type": "object" } }],
            "toolChoice": { "mode": "required" },
        });
        for revision in Revision::ALL {
            assert_eq!(sent(revision, json!({ "tools": {} }), &full).unwrap(), full);
            assert!(matches!(sent(revision, json!({}), &full), Err(Refusal::Undeclared(_))), "SA-3");
        }
        let mut context = params(json!([message("user", text("a"))]));
        context["includeContext"] = json!("thisServer");
        let new = Revision::V2025_11_25;
        assert!(matches!(sent(new, json!({}), &context), Err(Refusal::Undeclared(_))), "SA-7");
        assert!(sent(new, json!({ "context": {} }), &context).is_ok());
        assert!(sent(Revision::V2024_11_05, json!({}), &context).is_ok());
    }

    #[test]
    fn wrong_parameters_are_refused_by_name() {
        let with = |name: &str, value: Value| {
            let mut params = params(json!([message("user", text("a"))]));
            params[name] = value;
            params
        };
        let wrong = [
            (with("max_tokens", json!(1)), "\"max_tokens\""),
            (with("maxTokens", json!(0)), "maxTokens"),
            (with("maxTokens", json!("1")), "maxTokens"),
            (with("messages", json!({})), "messages"),
            (with("messages", json!([{}])), "role"),
            (with("messages", json!([message("user", json!([]))])), "at least one block"),
            (with("messages", json!([message("user", json!({ "type": "video" }))])), "\"video\""),
            (with("systemPrompt", json!(1)), "systemPrompt"),
            (with("includeContext", json!("all")), "includeContext"),
            (with("stopSequences", json!([1])), "stopSequences"),
            (with("modelPreferences", json!({ "costPriority": 2 })), "costPriority"),
            (with("modelPreferences", json!({ "hints": ["m"] })), "hints"),
            (with("tools", json!([{ "name": "t" }])), "tools"),
            (with("toolChoice", json!({ "mode": "any" })), "toolChoice"),
        ];
        for (params, why) in wrong {
            let text = check(&params).map(|_| ()).unwrap_err();
            assert!(text.contains(why), "{why}: {text}");
        }
    }

    #[test]
    fn uses_of_tools_and_their_results_are_paired() {
        // SA-5
        let used = |id: &str| json!({ "type": "tool_use", "id": id, "name": "n", "input": {} });
        let result = |id: &str| json!({ "type": "tool_result", "toolUseId": id, "content": [text("r")] });
        let asks = |ids: &[&str]| message("assistant", ids.iter().map(|id| used(id)).collect());
        let answers = |ids: &[&str]| message("user", ids.iter().map(|id| result(id)).collect());
        let say = message("user", text("a"));
        assert!(check(&params(json!([say, asks(&["1", "2"]), answers(&["2", "1"]), say]))).is_ok());
        let wrong = [
            json!([asks(&["1"])]),
            json!([asks(&["1"]), say]),
            json!([asks(&["1", "2"]), answers(&["1"])]),
            json!([asks(&["1", "1"]), answers(&["1"])]),
            json!([asks(&["1"]), answers(&["2"])]),
            json!([answers(&["1"])]),
            json!([asks(&["1"]), message("user", json!([result("1"), text("and")]))]),
            json!([message("user", used("1")), answers(&["1"])]),
        ];
        for messages in wrong {
            assert!(check(&params(messages.clone())).is_err(), "{messages}");
        }
    }

    #[test]
    fn an_older_client_gets_one_block_in_each_message() {
        // SA-6
        let params =
            params(json!([message("user", json!([text("a"), text("b")])), message("assistant", text("c"))]));
        let single =
            json!([message("user", text("a")), message("user", text("b")), message("assistant", text("c"))]);
        let old = [Revision::V2024_11_05, Revision::V2025_03_26, Revision::V2025_06_18];
        for revision in old {
            assert_eq!(sent(revision, json!({}), &params).unwrap()["messages"], single);
        }
        let audio = json!({ "type": "audio", "data": "", "mimeType": "audio/wav" });
        let audio = super::tests::params(json!([message("user", audio)]));
        match sent(old[0], json!({}), &audio) {
            Err(Refusal::Unknown(text)) => assert_eq!(text, "2024-11-05 has no audio"),
            other => panic!("{other:?}"),
        }
        assert!(sent(old[1], json!({}), &audio).is_ok());
    }
}
