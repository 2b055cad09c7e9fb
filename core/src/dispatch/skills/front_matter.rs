//! Reads the front matter of a skill's manifest: YAML to JSON, by the core schema of YAML 1.2.
//!
//! A host compares the entry that it receives with the manifest that it reads. So anything that YAML readers treat
//! differently is refused: tags, anchors, keys that are not plain values, numbers that JSON does not have.

use super::names::check_name;
use crate::json::{JsonSlice, JsonWriter};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use std::collections::HashSet;

/// Longest front matter.
const MAX_TEXT: usize = 64 << 10;
const MAX_DEPTH: usize = 32;
/// From the Agent Skills specification.
const MAX_DESCRIPTION: usize = 1024;
const RESERVED: &str = "io.modelcontextprotocol/";

/// The front matter of a skill.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FrontMatter {
    pub(crate) name: String,
    pub(crate) description: String,
    /// The whole front matter.
    pub(crate) json: JsonSlice,
}

/// Reads the front matter of a manifest. The error gives the reason if it is not valid.
pub(crate) fn front_matter(manifest: &[u8]) -> Result<FrontMatter, String> {
    let text = std::str::from_utf8(manifest).map_err(|_| "it is not UTF-8".to_owned())?;
    let yaml = block(text).ok_or("it must begin with front matter: YAML between two lines of ---")?;
    if yaml.len() > MAX_TEXT {
        return Err(format!("its front matter has more than {MAX_TEXT} bytes"));
    }
    let json = json_of(yaml).map_err(|error| format!("front matter: {error}"))?;
    if json.kind() != crate::json::Kind::Object {
        return Err("front matter must be a mapping".to_owned());
    }
    let text = |member: &str| {
        let value = json.member(member).ok_or_else(|| format!("front matter: {member} is missing"))?;
        let text = value.decode_str().map(|text| text.into_owned()).filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| format!("front matter: {member} must be a string that is not empty"))
    };
    let (name, description) = (text("name")?, text("description")?);
    check_name(&name).map_err(|error| format!("front matter: name {name:?}: {error}"))?;
    if description.chars().count() > MAX_DESCRIPTION {
        return Err(format!("front matter: description has more than {MAX_DESCRIPTION} characters"));
    }
    if let Some(metadata) = json.member("metadata") {
        let reserved = |name: &str| name.starts_with(RESERVED);
        let mut names = metadata.members().map(|member| member.name(metadata.as_bytes()).into_owned());
        if let Some(name) = names.find(|name| reserved(name)) {
            return Err(format!("front matter: metadata key {name:?} is reserved for the protocol"));
        }
    }
    Ok(FrontMatter { name, description, json })
}

/// The text between the first two lines of `---`.
fn block(text: &str) -> Option<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = text.strip_prefix("---")?;
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))?;
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.strip_prefix("---").is_some_and(|tail| tail.trim_matches([' ', '\t', '\r', '\n']).is_empty())
        {
            return Some(&rest[..at]);
        }
        at += line.len();
    }
    None
}

type Next<'a> = Result<(Event<'a>, Span), ScanError>;

fn json_of(yaml: &str) -> Result<JsonSlice, String> {
    let mut events = Parser::new_from_str(yaml).filter(|event| {
        !matches!(event, Ok((Event::Nothing | Event::StreamStart | Event::DocumentStart(_), _)))
    });
    let mut out = JsonWriter::new();
    let first = next(&mut events)?;
    if matches!(first, Event::StreamEnd | Event::DocumentEnd) {
        return Err("it is empty".to_owned());
    }
    value(first, &mut events, 0, &mut out)?;
    match next(&mut events)? {
        Event::DocumentEnd => match next(&mut events)? {
            Event::StreamEnd => Ok(out.into_slice()),
            _ => Err("there is more than one document".to_owned()),
        },
        _ => Err("there is more than one document".to_owned()),
    }
}

fn next<'a>(events: &mut impl Iterator<Item = Next<'a>>) -> Result<Event<'a>, String> {
    match events.next() {
        Some(Ok((event, _))) => Ok(event),
        Some(Err(error)) => Err(error.to_string()),
        None => Ok(Event::StreamEnd),
    }
}

fn value<'a>(
    event: Event<'a>,
    events: &mut impl Iterator<Item = Next<'a>>,
    depth: usize,
    out: &mut JsonWriter,
) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("it is nested deeper than {MAX_DEPTH} levels"));
    }
    plain(&event)?;
    match event {
        Event::Scalar(text, style, _, _) => scalar(&text, style, out)?,
        Event::SequenceStart(..) => {
            out.begin_array();
            loop {
                match next(events)? {
                    Event::SequenceEnd => break,
                    event => value(event, events, depth + 1, out)?,
                }
            }
            out.end_array();
        }
        Event::MappingStart(..) => {
            let mut keys: HashSet<String> = HashSet::new();
            out.begin_object();
            loop {
                let key = match next(events)? {
                    Event::MappingEnd => break,
                    event @ Event::Scalar(..) => {
                        plain(&event)?;
                        let Event::Scalar(text, style, ..) = event else { continue };
                        if !is_text(&text, style)? {
                            return Err(format!("key {text:?} must be a string in quotes"));
                        }
                        text.into_owned()
                    }
                    _ => return Err("a key must be a string".to_owned()),
                };
                out.key(&key);
                if !keys.insert(key.clone()) {
                    return Err(format!("key {key:?} is given twice"));
                }
                let event = next(events)?;
                value(event, events, depth + 1, out)?;
            }
            out.end_object();
        }
        _ => return Err("it ends too early".to_owned()),
    }
    Ok(())
}

/// Refuses aliases, anchors and tags.
fn plain(event: &Event<'_>) -> Result<(), String> {
    let (anchor, tag) = match event {
        Event::Alias(_) => return Err("aliases are not supported".to_owned()),
        Event::Scalar(_, _, anchor, tag) => (*anchor, tag.is_some()),
        Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
        _ => (0, false),
    };
    match (anchor, tag) {
        (0, false) => Ok(()),
        (0, true) => Err("tags are not supported".to_owned()),
        _ => Err("anchors are not supported".to_owned()),
    }
}

/// Whether a value is a string by the core schema.
fn is_text(text: &str, style: ScalarStyle) -> Result<bool, String> {
    let mut out = JsonWriter::new();
    scalar(text, style, &mut out)?;
    Ok(out.as_bytes().first() == Some(&b'"'))
}

/// Writes a value by the core schema.
fn scalar(text: &str, style: ScalarStyle, out: &mut JsonWriter) -> Result<(), String> {
    if style != ScalarStyle::Plain {
        out.str(text);
        return Ok(());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => _ = out.null(),
        "true" | "True" | "TRUE" => _ = out.bool(true),
        "false" | "False" | "FALSE" => _ = out.bool(false),
        text => match number(text)? {
            Some(number) => _ = out.raw(number.as_bytes()),
            None => _ = out.str(text),
        },
    }
    Ok(())
}

/// A number in JSON's form, if the text is one.
fn number(text: &str) -> Result<Option<String>, String> {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|digit| digit.is_digit(radix))
        {
            let number = u64::from_str_radix(digits, radix)
                .map_err(|_| format!("the number {text} is too large for 64 bits; quote it"))?;
            return Ok(Some(number.to_string()));
        }
    }
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => ("-", &text[1..]),
        Some(b'+') => ("", &text[1..]),
        _ => ("", text),
    };
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err(format!("{text} is not a number in JSON"));
    }
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(place) => (&digits[..place], Some(&digits[place + 1..])),
        None => (digits, None),
    };
    let (whole, fraction) =
        mantissa.split_once('.').map_or((mantissa, None), |(whole, part)| (whole, Some(part)));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_digits = exponent.map(|text| text.strip_prefix(['-', '+']).unwrap_or(text));
    let is_number = all_digits(whole)
        && fraction.is_none_or(all_digits)
        && (!whole.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty()))
        && exponent_digits.is_none_or(|text| !text.is_empty() && all_digits(text));
    if !is_number {
        return Ok(None);
    }
    // JSON allows no leading zeros, and requires digits on both sides of a point.
    let whole = whole.trim_start_matches('0');
    let mut number = format!("{sign}{}", if whole.is_empty() { "0" } else { whole });
    if let Some(fraction) = fraction.filter(|fraction| !fraction.is_empty()) {
        number.push('.');
        number.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        number.push('e');
        number.push_str(exponent);
    }
    Ok(Some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<String, String> {
        json_of(yaml).map(|json| json.to_string())
    }

    #[test]
    fn values_are_those_of_the_core_schema() {
        let yaml = "name: a\nn: [~, null, '', true, False, 12, +3, -0, 007, 0x1F, 0o17, 1.50, .5, 3., 1e3, 2026-07-28, 1_000, yes]\n\
                    m:\n  deep: {a: 'b: c', \"d\": \"\\u00e9\"}\n  text: |\n    one\n    two\n  folded: >-\n    one\n    two\n'1': one\n";
        let wanted = "{\"name\":\"a\",\"n\":[null,null,\"\",true,false,12,3,-0,7,31,15,1.50,0.5,3,1e3,\"2026-07-28\",\"1_000\",\"yes\"],\
                      \"m\":{\"deep\":{\"a\":\"b: c\",\"d\":\"é\"},\"text\":\"one\\ntwo\\n\",\"folded\":\"one two\"},\"1\":\"one\"}";
        assert_eq!(read(yaml).unwrap(), wanted);
    }

    #[test]
    fn what_readers_take_differently_is_refused() {
        for (yaml, wanted) in [
            ("", "empty"),
            ("a: &x 1\nb: *x\n", "anchors"),
            ("a: *x\n", ""),
            ("a: !!str 1\n", "tags"),
            ("a: !custom {}\n", "tags"),
            ("? [a]\n: b\n", "key"),
            ("1: b\n", "in quotes"),
            ("~: b\n", "in quotes"),
            ("a: 1\na: 2\n", "twice"),
            ("a: .inf\n", "JSON"),
            ("a: -.Inf\n", "JSON"),
            ("a: .nan\n", "JSON"),
            ("a: 0xFFFFFFFFFFFFFFFFF\n", "too large"),
            ("a: [1\n", ""),
            ("a: b: c\n", ""),
            ("a: 1\n...\n---\nb: 2\n", "document"),
            (&format!("a: {}1{}\n", "[".repeat(40), "]".repeat(40)), "deeper"),
        ] {
            let error = read(yaml).unwrap_err();
            assert!(error.contains(wanted), "{yaml:?}: {error}");
        }
    }

    #[test]
    fn a_manifest_begins_with_its_front_matter() {
        let good = "\u{feff}---\r\nname: a\r\ndescription: b\r\nmetadata:\r\n  example.com/x: 1\r\n--- \r\nBody\r\n---\r\n";
        let read = front_matter(good.as_bytes()).unwrap();
        assert_eq!((read.name.as_str(), read.description.as_str()), ("a", "b"));
        assert_eq!(read.json.as_str(), r#"{"name":"a","description":"b","metadata":{"example.com/x":1}}"#);
        assert!(front_matter(b"---\nname: a\ndescription: b\n---").is_ok());
        for (text, wanted) in [
            ("name: a\n", "must begin"),
            (" ---\nname: a\n---\n", "must begin"),
            ("---\nname: a\ndescription: b\n", "must begin"),
            ("---\n- a\n---\n", "mapping"),
            ("---\ndescription: b\n---\n", "name is missing"),
            ("---\nname: a\n---\n", "description is missing"),
            ("---\nname: a\ndescription: ''\n---\n", "not empty"),
            ("---\nname: 1\ndescription: b\n---\n", "name must be a string"),
            ("---\nname: A\ndescription: b\n---\n", "a-z"),
            ("---\nname: a\ndescription: b\nmetadata: {io.modelcontextprotocol/x: 1}\n---\n", "reserved"),
            (&format!("---\nname: a\ndescription: {}\n---\n", "x".repeat(1025)), "1024"),
            (&format!("---\nname: a\ndescription: b\nx: {}\n---\n", "x".repeat(70_000)), "65536"),
        ] {
            let error = front_matter(text.as_bytes()).unwrap_err();
            assert!(error.contains(wanted), "{text:?}: {error}");
        }
        assert!(front_matter(b"---\nname: \xff\n---\n").unwrap_err().contains("UTF-8"));
    }
}
