//! The keys of `_meta`.

use crate::json::{JsonSlice, Kind};
use crate::proto::catalog::members::check::{At, Step, must_be};
use crate::proto::messages::error::clip;

/// The labels of prefixes that are reserved for the protocol.
const RESERVED: [&str; 2] = ["modelcontextprotocol", "mcp"];
/// Names without a prefix that requests use.
const OF_REQUESTS: [&str; 1] = ["progressToken"];
/// Names without a prefix that the protocol defines (META-4). Programs may set them.
const OF_TRACES: [&str; 3] = ["traceparent", "tracestate", "baggage"];

/// Checks the keys that a program has set (META-1 to META-4). Their values are not checked.
pub(super) fn check(value: &JsonSlice, at: &At<'_>) -> Result<(), String> {
    if value.kind() != Kind::Object {
        return Err(must_be(at, "an object"));
    }
    for member in value.members() {
        let key = member.name(value.as_bytes());
        let inner = At::new(at, Step::Member(&key));
        if let Some(fault) = fault(&key) {
            return Err(format!("{}: key {:?} {fault}", at.text(), clip(&key)));
        }
        if OF_TRACES.contains(&&*key) && member.kind != Kind::String {
            return Err(must_be(&inner, "a string"));
        }
    }
    Ok(())
}

/// The reason why the name of an extension is not valid. It must be a key with a prefix, which may be reserved for the
/// protocol (EXT-1).
pub fn extension_fault(id: &str) -> Option<&'static str> {
    match shape_fault(id) {
        Some(fault) => Some(fault),
        None if id.contains('/') => None,
        None => Some("must have a prefix, such as com.example/name"),
    }
}

fn fault(key: &str) -> Option<&'static str> {
    if let Some(fault) = shape_fault(key) {
        return Some(fault);
    }
    let Some((prefix, _)) = key.split_once('/') else {
        return OF_REQUESTS.contains(&key).then_some("is reserved for requests");
    };
    // Since 2025-11-25 the second label is reserved. In 2025-06-18 any label that is followed by another one is.
    let last = prefix.split('.').count() - 1;
    let is_reserved =
        |(place, label): (usize, &str)| RESERVED.contains(&label) && (place == 1 || place < last);
    prefix.split('.').enumerate().any(is_reserved).then_some("has a prefix that is reserved for the protocol")
}

/// The reason why a key is not an optional prefix of labels and a name (META-1).
fn shape_fault(key: &str) -> Option<&'static str> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let ends = |text: &str| {
        let alphanumeric = |c: char| c.is_ascii_alphanumeric();
        text.starts_with(alphanumeric) && text.ends_with(alphanumeric)
    };
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = name.is_empty() || ends(name) && name.bytes().all(inside);
    if !is_name {
        return Some("must be letters and digits, with - _ . between them, after an optional prefix and /");
    }
    let is_label = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_alphabetic())
            && ends(label)
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let labelled = prefix.is_none_or(|prefix| prefix.split('.').all(is_label));
    (!labelled).then_some("must have a prefix of labels such as com.example")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_grammar_and_reserved_prefixes_are_refused() {
        for good in ["", "a", "a.b-c_d", "ui", "ui/resourceUri", "com.example/", "com.example.mcp/x", "mcp/x"]
        {
            assert_eq!(fault(good), None, "META-1, META-2: {good}");
        }
        for good in OF_TRACES {
            assert_eq!(fault(good), None, "META-4: {good}");
        }
        for bad in ["-a", "a_", "a b", "é", "/a", "a/b/c", "1a/b", "a-/b", "a..b/c", "a_b/c"] {
            assert!(fault(bad).is_some_and(|fault| fault.starts_with("must")), "META-1: {bad}");
        }
        for bad in ["io.modelcontextprotocol/serverInfo", "com.mcp.tools/x", "io.mcp/"] {
            assert!(fault(bad).is_some_and(|fault| fault.contains("reserved")), "META-2: {bad}");
        }
        for bad in ["modelcontextprotocol.io/x", "mcp.dev/x", "tools.mcp.com/x", "a.b.mcp.c/x"] {
            assert!(fault(bad).is_some_and(|fault| fault.contains("reserved")), "META-3: {bad}");
        }
        assert!(fault("progressToken").is_some(), "META-4");
    }

    #[test]
    fn an_extension_has_a_prefix() {
        for good in ["com.example/x", "io.modelcontextprotocol/ui", "x/"] {
            assert_eq!(extension_fault(good), None, "EXT-1: {good}");
        }
        for bad in ["", "x", "com.example", "/x", "a b/x", "com.example/x/y", "com..example/x"] {
            assert!(extension_fault(bad).is_some(), "EXT-1: {bad}");
        }
    }
}
