//! The messages the load client sends and the check every reply has to pass.

use std::borrow::Cow;
use std::io::Write;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a client speaks: after a handshake, or with an envelope in every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Era {
    Legacy,
    Modern,
}

impl Era {
    pub const ALL: [Era; 2] = [Era::Legacy, Era::Modern];

    pub fn name(self) -> &'static str {
        match self {
            Era::Legacy => "legacy",
            Era::Modern => "modern",
        }
    }

    pub fn version(self) -> &'static str {
        match self {
            Era::Legacy => "2025-11-25",
            Era::Modern => "2026-07-28",
        }
    }
}

/// What the requests of a run ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// A call of `echo` with one text.
    Echo,
    /// A call of `echo` with the same text each time. The server puts behind it how often its handler has run
    /// (`--count`), which is to stay 1.
    Same,
    /// A call of `echo` whose one argument, `message`, is an object with the text in it.
    Model,
    /// The list of [`LISTED`] tools.
    List,
    /// The `ping` of the protocol, which the modern era does not have.
    Ping,
}

/// How many tools a server that is asked for its list has.
pub const LISTED: usize = 100;

const TOOL: &str = "echo";

impl Work {
    pub fn method(self) -> &'static str {
        match self {
            Work::Echo | Work::Same | Work::Model => "tools/call",
            Work::List => "tools/list",
            Work::Ping => "ping",
        }
    }

    /// The tool that is called.
    pub fn tool(self) -> Option<&'static str> {
        (self.method() == "tools/call").then_some(TOOL)
    }
}

pub const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// The legacy handshake's first request.
pub fn initialize(id: u64) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"initialize","params":{{"protocolVersion":"{}","capabilities":{{}},"clientInfo":{{"name":"tenon-bench","version":"{}"}}}}}}"#,
        Era::Legacy.version(),
        env!("CARGO_PKG_VERSION"),
    )
}

/// Appends one request, without a line end. The text of a call names the id, so that no two calls are alike, except for
/// [`Work::Same`].
pub fn push_request(era: Era, work: Work, id: u64, out: &mut Vec<u8>) {
    push(out, format_args!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{}","params":{{"#, work.method()));
    match work {
        Work::Echo => {
            push(out, format_args!(r#""name":"{TOOL}","arguments":{{"text":"{TEXT}{id}"}}"#));
        }
        Work::Same => {
            push(out, format_args!(r#""name":"{TOOL}","arguments":{{"text":"{TEXT}{SAME}"}}"#));
        }
        Work::Model => {
            push(out, format_args!(r#""name":"{TOOL}","arguments":{{"message":{{"text":"{TEXT}{id}"}}}}"#));
        }
        Work::List | Work::Ping => {}
    }
    if era == Era::Modern {
        let comma = if work.tool().is_none() { "" } else { "," };
        push(
            out,
            format_args!(
                concat!(
                    r#"{}"_meta":{{"io.modelcontextprotocol/protocolVersion":"{}","#,
                    r#""io.modelcontextprotocol/clientInfo":{{"name":"tenon-bench","version":"{}"}},"#,
                    r#""io.modelcontextprotocol/clientCapabilities":{{}}}}"#
                ),
                comma,
                era.version(),
                env!("CARGO_PKG_VERSION"),
            ),
        );
    }
    out.extend_from_slice(b"}}");
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a Vec cannot fail");
}

const TEXT: &str = "The quick brown fox jumps over the lazy dog, call ";
const SAME: &str = "again";
/// How the text of an answer to [`Work::Same`] ends.
const SAME_AND_ONE_RUN: &str = "again 1";

#[derive(Deserialize)]
struct Reply<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    result: Option<CallResult<'a>>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct CallResult<'a> {
    #[serde(borrow, default)]
    content: Vec<Block<'a>>,
    #[serde(default)]
    tools: Vec<IgnoredAny>,
    #[serde(rename = "isError", default)]
    is_error: bool,
    #[serde(borrow, rename = "resultType")]
    result_type: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
}

/// Checks an answer and gives the id it answers; `Ok(None)` is a notification. Whether that id is outstanding is the
/// caller's to know.
pub fn check_reply(work: Work, bytes: &[u8]) -> Result<Option<u64>, String> {
    let fault = |why: &str| Err(format!("{why}: {}", excerpt(bytes)));
    let reply: Reply = match serde_json::from_slice(bytes) {
        Ok(reply) => reply,
        Err(e) => return fault(&format!("not a reply to a call ({e})")),
    };
    let id = match (reply.id, &reply.method) {
        (None, Some(_)) => return Ok(None),
        (_, Some(method)) => return fault(&format!("the server asks for {method}")),
        (None, None) => return fault("a reply without id"),
        (Some(id), None) => id,
    };
    if let Some(error) = reply.error {
        return fault(&format!("error {error}"));
    }
    let Some(result) = reply.result else { return fault("neither result nor error") };
    if result.is_error {
        return fault("the tool failed");
    }
    if result.result_type.is_some_and(|kind| kind != "complete") {
        return fault("not a complete result");
    }
    if work == Work::List {
        return match result.tools.len() {
            LISTED => Ok(Some(id)),
            other => fault(&format!("{other} tools instead of {LISTED}")),
        };
    }
    if work == Work::Ping {
        return Ok(Some(id));
    }
    let [block] = &result.content[..] else { return fault("not exactly one content block") };
    let sent = block.text.as_deref().and_then(|text| text.strip_prefix(TEXT));
    let right = sent.is_some_and(|rest| match work {
        Work::Same => rest == SAME_AND_ONE_RUN,
        _ => rest.parse() == Ok(id),
    });
    if block.kind != "text" || !right {
        return fault("not the text that was sent");
    }
    Ok(Some(id))
}

/// Checks the answer to [`initialize`].
pub fn check_initialize(bytes: &[u8], id: u64) -> Result<(), String> {
    let reply: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|e| format!("initialize: {e}: {}", excerpt(bytes)))?;
    if reply["id"] != id || reply["result"]["protocolVersion"] != Era::Legacy.version() {
        return Err(format!("initialize was not accepted: {}", excerpt(bytes)));
    }
    Ok(())
}

/// The beginning of a message, for an error text.
pub fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]);
    if bytes.len() > 300 { format!("{text}…") } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(id: u64, text: &str) -> Vec<u8> {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#)
            .into_bytes()
    }

    #[test]
    fn calls_are_json_and_differ_by_id() {
        for era in Era::ALL {
            let mut out = Vec::new();
            push_request(era, Work::Echo, 42, &mut out);
            let call: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(call["id"], 42);
            assert_eq!(call["params"]["arguments"]["text"], format!("{TEXT}42"));
            let version = &call["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"];
            assert_eq!(version.as_str(), (era == Era::Modern).then_some("2026-07-28"));
        }
        let hello: serde_json::Value = serde_json::from_str(&initialize(1)).unwrap();
        assert_eq!(hello["params"]["protocolVersion"], "2025-11-25");
    }

    #[test]
    fn requests_say_what_they_ask_for() {
        let asked = |era, work| {
            let mut out = Vec::new();
            push_request(era, work, 3, &mut out);
            serde_json::from_slice::<serde_json::Value>(&out).unwrap()
        };
        for era in Era::ALL {
            let call = asked(era, Work::Model);
            assert_eq!(call["params"]["arguments"]["message"]["text"], format!("{TEXT}3"));
            let list = asked(era, Work::List);
            assert_eq!((list["method"].as_str(), list["params"].get("name")), (Some("tools/list"), None));
            assert_eq!(list["params"]["_meta"].is_object(), era == Era::Modern);
        }
        let tools = |count| format!(r#"{{"id":3,"result":{{"tools":[{}]}}}}"#, vec!["{}"; count].join(","));
        assert_eq!(check_reply(Work::List, tools(LISTED).as_bytes()), Ok(Some(3)));
        assert!(check_reply(Work::List, tools(99).as_bytes()).unwrap_err().starts_with("99 tools"));
    }

    #[test]
    fn the_right_text_passes() {
        assert_eq!(check_reply(Work::Echo, &answer(7, &format!("{TEXT}7"))), Ok(Some(7)));
        let escaped = format!("{TEXT}7").replace('q', "\\u0071");
        assert_eq!(check_reply(Work::Echo, &answer(7, &escaped)), Ok(Some(7)));
    }

    #[test]
    fn the_same_call_is_answered_by_one_run() {
        let asked = |id| {
            let mut out = Vec::new();
            push_request(Era::Legacy, Work::Same, id, &mut out);
            serde_json::from_slice::<Value>(&out).unwrap()["params"].take()
        };
        assert_eq!((asked(3), Work::Same.tool()), (asked(40), Some(TOOL)));
        let check = |text: &str| check_reply(Work::Same, &answer(7, text));
        assert_eq!(check(&format!("{TEXT}{SAME} 1")), Ok(Some(7)));
        for wrong in [format!("{TEXT}{SAME} 2"), format!("{TEXT}{SAME}"), format!("{TEXT}7")] {
            assert!(check(&wrong).unwrap_err().starts_with("not the text that was sent"), "{wrong}");
        }
    }

    #[test]
    fn a_ping_has_an_empty_answer() {
        let mut out = Vec::new();
        push_request(Era::Legacy, Work::Ping, 3, &mut out);
        let asked: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(asked, serde_json::json!({ "jsonrpc": "2.0", "id": 3, "method": "ping", "params": {} }));
        assert_eq!(check_reply(Work::Ping, br#"{"id":3,"result":{}}"#), Ok(Some(3)));
        assert!(check_reply(Work::Ping, br#"{"id":3,"error":{"code":-32601}}"#).is_err());
    }

    #[test]
    fn notifications_are_no_reply() {
        assert_eq!(
            check_reply(Work::Echo, br#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#),
            Ok(None)
        );
    }

    #[test]
    fn wrong_answers_are_named() {
        let wrong = |bytes: &[u8]| check_reply(Work::Echo, bytes).unwrap_err();
        assert!(wrong(&answer(7, &format!("{TEXT}8"))).starts_with("not the text that was sent"));
        assert!(wrong(&answer(7, "")).starts_with("not the text that was sent"));
        assert!(
            wrong(br#"{"id":7,"error":{"code":-32601,"message":"x"}}"#).starts_with("error {\"code\":-32601")
        );
        assert!(wrong(br#"{"id":7,"result":{"content":[],"isError":true}}"#).starts_with("the tool failed"));
        assert!(wrong(br#"{"id":7,"result":{"content":[]}}"#).starts_with("not exactly one"));
        assert!(wrong(br#"{"id":7}"#).starts_with("neither"));
        assert!(
            wrong(br#"{"id":7,"result":{"content":[],"resultType":"input_required"}}"#)
                .starts_with("not a complete result")
        );
        assert!(wrong(br#"{"id":7,"method":"ping"}"#).starts_with("the server asks for ping"));
        assert!(wrong(b"hello").starts_with("not a reply"));
        assert!(wrong(br#"{"id":"7","result":{"content":[]}}"#).starts_with("not a reply"));
    }

    #[test]
    fn initialize_must_agree_on_the_version() {
        let good = br#"{"id":1,"result":{"protocolVersion":"2025-11-25"}}"#;
        assert_eq!(check_initialize(good, 1), Ok(()));
        assert!(check_initialize(good, 2).is_err());
        assert!(check_initialize(br#"{"id":1,"result":{"protocolVersion":"2024-11-05"}}"#, 1).is_err());
        assert!(check_initialize(br#"{"id":1,"error":{"code":1,"message":""}}"#, 1).is_err());
    }
}
