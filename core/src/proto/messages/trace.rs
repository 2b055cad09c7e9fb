//! Trace context in `_meta`: the span that a message belongs to (digest 8.3), in the forms of W3C Trace Context and
//! Baggage.

use crate::json::{JsonSlice, JsonWriter};
use std::collections::HashSet;

/// The members of `_meta` for tracing. A malformed member is left out and never causes an error (OT-2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceContext {
    /// Version, trace, span and flags.
    pub traceparent: Option<String>,
    /// Data of the tracing systems involved. It is used only with a `traceparent`.
    pub tracestate: Option<String>,
    /// Data of the program.
    pub baggage: Option<String>,
}

/// The maximum size of a member in bytes, which Baggage guarantees to transport (section 3.3.2).
const LONGEST: usize = 8192;
/// The maximum number of entries of `tracestate` (Trace Context section 3.3.1.1).
const MAX_STATES: usize = 32;

impl TraceContext {
    /// Reads the members of a message's `_meta`, in every revision (OT-4).
    pub fn read(meta: &JsonSlice) -> TraceContext {
        let mut read = TraceContext::default();
        for member in meta.members() {
            let (place, is_right): (_, fn(&str) -> bool) = match &*member.name(meta.as_bytes()) {
                "traceparent" => (&mut read.traceparent, is_traceparent),
                "tracestate" => (&mut read.tracestate, is_tracestate),
                "baggage" => (&mut read.baggage, is_baggage),
                _ => continue,
            };
            let text = meta.subslice(member.value);
            *place = text.decode_str().filter(|text| is_right(text)).map(|text| text.into_owned());
        }
        if read.traceparent.is_none() {
            read.tracestate = None;
        }
        read
    }

    /// Whether all members are missing.
    pub fn is_empty(&self) -> bool {
        self.traceparent.is_none() && self.baggage.is_none()
    }

    /// Appends the members to an open `_meta` object.
    pub fn write(&self, out: &mut JsonWriter) {
        let members = [
            ("traceparent", &self.traceparent),
            ("tracestate", &self.tracestate),
            ("baggage", &self.baggage),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                out.key(name).str(value);
            }
        }
    }
}

/// `00-<32 hexadecimal digits>-<16>-<2>`. Later versions may continue after another hyphen (Trace Context section 3.2).
pub fn is_traceparent(text: &str) -> bool {
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |text: &str, length: usize| is_hex(text, length) && text.bytes().any(|byte| byte != b'0');
    if text.len() > LONGEST {
        return false;
    }
    let mut parts = text.splitn(5, '-');
    let mut next = || parts.next().unwrap_or_default();
    let (version, trace, span, flags) = (next(), next(), next(), next());
    let more = parts.next();
    is_hex(version, 2)
        && version != "ff"
        && is_id(trace, 32)
        && is_id(span, 16)
        && is_hex(flags, 2)
        && (version != "00" || more.is_none())
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A list of `key=value` with unique keys (Trace Context section 3.3).
pub fn is_tracestate(text: &str) -> bool {
    let is_key_byte = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@')
    };
    let is_key = |key: &str| {
        (1..=256).contains(&key.len())
            && key.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && key.bytes().all(is_key_byte)
            && key.bytes().filter(|byte| *byte == b'@').count() <= 1
            && !key.ends_with('@')
    };
    let is_value = |value: &str| {
        (1..=256).contains(&value.len())
            && !value.ends_with(' ')
            && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=')
    };
    let mut keys = HashSet::new();
    let is_right = |entry: &str| {
        let Some((key, value)) = entry.split_once('=') else { return false };
        is_key(key) && is_value(value) && keys.len() < MAX_STATES && keys.insert(key.to_owned())
    };
    // Empty entries are allowed, but the list must have at least one other entry.
    let mut entries = text.split(',').map(trim).filter(|entry| !entry.is_empty()).peekable();
    text.len() <= LONGEST && entries.peek().is_some() && entries.all(is_right)
}

/// A list of `key=value;property;key=value` (Baggage section 3.2.1).
pub fn is_baggage(text: &str) -> bool {
    let is_key = |key: &str| {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !key.is_empty() && key.bytes().all(is_token)
    };
    let is_value = |value: &str| {
        value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\'))
    };
    let is_pair = |pair: &str| match pair.split_once('=') {
        Some((key, value)) => (is_key(trim(key)) && is_value(trim(value)), true),
        None => (is_key(trim(pair)), false),
    };
    let is_right = |entry: &str| {
        let mut parts = entry.split(';').map(is_pair);
        // The first part must have a value. Properties need none.
        parts.next() == Some((true, true)) && parts.all(|(right, _)| right)
    };
    text.len() <= LONGEST && text.split(',').all(is_right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;
    use proptest::prelude::*;
    use serde_json::json;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn read(meta: serde_json::Value) -> TraceContext {
        TraceContext::read(&JsonSlice::from_value(&meta))
    }

    #[test]
    fn parents_have_their_exact_form() {
        let changed = |from: &str, to: &str| PARENT.replacen(from, to, 1);
        assert!(is_traceparent(PARENT));
        assert!(is_traceparent(&changed("00-", "cc-")));
        assert!(is_traceparent(&(changed("00-", "cc-") + "-what-the-future-will-be-like")));
        for wrong in [
            String::new(),
            PARENT[1..].to_owned(),
            PARENT.to_uppercase(),
            changed("00-", "ff-"),
            changed("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            changed("b7ad6b7169203331", &"0".repeat(16)),
            changed("-01", "-1"),
            changed("-01", "-0g"),
            changed("-01", "-01-"),
            changed("-01", "-01-more"),
            changed("-01", "-01.more"),
            changed("00-", "cc-") + ".more",
            changed("0af7", "0af"),
            format!(" {PARENT}"),
            format!("{PARENT}\n"),
            changed("0af7", "０af"),
        ] {
            assert!(!is_traceparent(&wrong), "{wrong}");
        }
    }

    #[test]
    fn states_have_their_exact_form() {
        let keys = |count: usize| (0..count).map(|key| format!("k{key}=v")).collect::<Vec<_>>().join(",");
        for right in [
            "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
            "a=b , ,c=d,",
            "0tenant/x@sys*-_=a b~!",
            &format!("{}={}", "k".repeat(256), "v".repeat(256)),
            &keys(32),
        ] {
            assert!(is_tracestate(right), "{right}");
        }
        for wrong in [
            "",
            ",",
            "a",
            "a=",
            "=b",
            "A=b",
            "a=b=c",
            "a=b,a=c",
            "@a=b",
            "a@=b",
            "a@b@c=d",
            "a b=c",
            "a=é",
            "a=\u{7f}",
            &format!("{}=v", "k".repeat(257)),
            &format!("k={}", "v".repeat(257)),
            &keys(33),
            &format!("a=b{}", ",".repeat(LONGEST)),
        ] {
            assert!(!is_tracestate(wrong), "{wrong}");
        }
    }

    #[test]
    fn baggage_has_its_exact_form() {
        for right in [
            "userId=alice,serverNode=DF%2028,isProduction=false",
            "a=b;c;d=e , f = g ; h = i",
            "a=",
            "a=b=c",
            "key!#$=/:?",
        ] {
            assert!(is_baggage(right), "{right}");
        }
        for wrong in [
            "",
            "a",
            "=b",
            "a=b,",
            "a=b;",
            "a=b;;c",
            "a=b c",
            "a b=c",
            "a=\"b\"",
            "a=b\\",
            "a=é",
            "é=a",
            "a=b\n",
            "a;b=c",
            &format!("a={}", "b".repeat(LONGEST)),
        ] {
            assert!(!is_baggage(wrong), "{wrong}");
        }
    }

    /// OT-1, OT-2.
    #[test]
    fn what_is_malformed_is_as_if_it_were_not_there() {
        let all = json!({"traceparent": PARENT, "tracestate": "a=b", "x": 1, "baggage": "c=d"});
        let context = read(all);
        assert!(!context.is_empty());
        let mut out = JsonWriter::new();
        out.begin_object();
        context.write(&mut out);
        out.end_object();
        let written = out.into_slice();
        assert_eq!(
            written.to_value().unwrap(),
            json!({"traceparent": PARENT, "tracestate": "a=b", "baggage": "c=d"})
        );
        assert_eq!(TraceContext::read(&written), context);
        assert_eq!(
            read(json!({"traceparent": PARENT, "tracestate": "A", "baggage": 1})),
            TraceContext { traceparent: Some(PARENT.into()), ..TraceContext::default() }
        );
        // A `tracestate` without a `traceparent` has no meaning.
        assert_eq!(
            read(json!({"traceparent": [PARENT], "tracestate": "a=b", "baggage": "c=d"})),
            TraceContext { baggage: Some("c=d".into()), ..TraceContext::default() }
        );
        for nothing in [json!({}), json!([PARENT]), json!(null), json!({"com.example/traceparent": PARENT})] {
            assert!(read(nothing).is_empty());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_panics(text in "[-0-9a-f=,;@ \t\u{e9}]{0,70}") {
            let text = JsonSlice::from_value(&json!({"traceparent": text, "tracestate": text, "baggage": text}));
            let context = TraceContext::read(&JsonSlice::parse(text.into_bytes(), &Limits::default()).unwrap());
            prop_assert!(context.traceparent.is_some() || context.tracestate.is_none());
        }
    }
}
