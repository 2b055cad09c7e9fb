//! What a message asks of the HTTP request that carries it.

use serde_json::Value;

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// What a line of a transcript is.
#[derive(Debug, Default, PartialEq)]
pub struct Kind {
    /// It carries the envelope of a modern request.
    pub is_modern: bool,
    /// It opens a session.
    pub is_initialize: bool,
    /// It ends the handshake.
    pub is_initialized: bool,
    /// The headers that repeat what a modern message says.
    pub headers: Vec<(&'static str, String)>,
}

/// Looks at a line, whatever it holds.
pub fn kind(line: &[u8]) -> Kind {
    let Ok(message) = serde_json::from_slice::<Value>(line) else { return Kind::default() };
    let method = message["method"].as_str();
    let meta = &message["params"]["_meta"];
    let mut found = Kind {
        is_modern: meta.get(VERSION).is_some(),
        is_initialize: method == Some("initialize"),
        is_initialized: method == Some("notifications/initialized"),
        headers: Vec::new(),
    };
    if !found.is_modern {
        return found;
    }
    let mut push = |name, value: Option<&str>| {
        if let Some(value) = value {
            found.headers.push((name, encoded(value)));
        }
    };
    push("mcp-protocol-version", meta[VERSION].as_str());
    push("mcp-method", method);
    let target = match method {
        Some("tools/call" | "prompts/get") => "name",
        Some("resources/read") => "uri",
        Some("tasks/get" | "tasks/update" | "tasks/cancel") => "taskId",
        _ => return found,
    };
    push("mcp-name", message["params"][target].as_str());
    found
}

/// A value as a header holds it: as it is, or between markers if it is not plain.
fn encoded(value: &str) -> String {
    let is_plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && value.trim() == value
        && !(value.starts_with("=?base64?") && value.ends_with("?="));
    if is_plain { value.to_owned() } else { format!("=?base64?{}?=", base64(value.as_bytes())) }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            out.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// Whether a status is one that an answer of this text may have: which one belongs to which error is the protocol's.
pub fn status_fits(status: u16, is_modern: bool, answer: &str) -> bool {
    let Ok(answer) = serde_json::from_str::<Value>(answer) else { return false };
    // Of a batch, 400 where nothing in it was a message.
    if answer.is_array() {
        return status == 200 || status == 400;
    }
    let Some(error) = answer.get("error") else { return status == 200 };
    match (error["code"].as_i64(), is_modern) {
        (Some(-32601), true) => status == 404,
        (Some(-32022..=-32020), _) => status == 400,
        (Some(-32700), _) => status == 400,
        (Some(-32600 | -32602), _) => status == 400 || status == 200 && answer.get("id").is_some(),
        _ => status == 200,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_repeat_what_a_modern_message_says() {
        let line = r#"{"method":"prompts/get","params":{"name":"é","_meta":{"io.modelcontextprotocol/protocolVersion":"v"}}}"#;
        let pairs =
            [("mcp-protocol-version", "v"), ("mcp-method", "prompts/get"), ("mcp-name", "=?base64?w6k=?=")];
        assert_eq!(kind(line.as_bytes()).headers, pairs.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(kind(br#"{"method":"ping","params":{"_meta":{}}}"#), Kind::default());
        assert!(kind(br#"{"method":"initialize"}"#).is_initialize);
        assert_eq!(kind(b"rubbish"), Kind::default());
        assert_eq!([base64(b"a"), base64(b"ab"), base64(b"abc")], ["YQ==", "YWI=", "YWJj"]);
    }

    #[test]
    fn a_status_belongs_to_its_error() {
        let error = |code: i64| format!(r#"{{"id":1,"error":{{"code":{code}}}}}"#);
        for (status, is_modern, answer, fits) in [
            (200, true, r#"{"id":1,"result":{}}"#.to_owned(), true),
            (400, true, r#"{"id":1,"result":{}}"#.to_owned(), false),
            (404, true, error(-32601), true),
            (404, false, error(-32601), false),
            (200, false, error(-32601), true),
            (200, true, error(-32022), false),
            (200, true, error(-32002), true),
            (200, false, r#"{"error":{"code":-32600}}"#.to_owned(), false),
        ] {
            assert_eq!(status_fits(status, is_modern, &answer), fits, "{status} {answer}");
        }
    }
}
