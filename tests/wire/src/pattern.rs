//! One expected line: exact text, with placeholders where a value cannot be known beforehand.

use serde_json::Value;
use std::collections::HashMap;

/// The JSON text of captured values, by name.
pub type Captures = HashMap<String, String>;

/// An expected line.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Literal(String),
    /// One JSON value of this kind, kept under a name if it has one.
    Value {
        kind: Kind,
        name: Option<String>,
    },
    /// The value that was captured under this name.
    Same(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Any,
    String,
    Integer,
}

/// Where and why a line is not the expected one.
#[derive(Debug, PartialEq)]
pub struct Mismatch {
    /// Byte offset in the line that came.
    pub at: usize,
    /// What should have been there.
    pub wanted: String,
}

/// Cuts `text` into literal parts (`Ok`) and what stands between `{{` and `}}` (`Err`).
pub(crate) fn split(text: &str) -> Result<Vec<Result<&str, &str>>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(mut place) = rest.find("{{") {
        // In a run of braces the last two open the placeholder.
        while rest[place + 2..].starts_with('{') {
            place += 1;
        }
        let (inside, behind) = rest[place + 2..].split_once("}}").ok_or("a placeholder is not closed")?;
        if place > 0 {
            parts.push(Ok(&rest[..place]));
        }
        parts.push(Err(inside));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Ok(rest));
    }
    Ok(parts)
}

impl Pattern {
    /// Reads an expected line. `known` tells whether a name was captured before.
    pub fn parse(text: &str, known: impl Fn(&str) -> bool) -> Result<Pattern, String> {
        let mut pieces = Vec::new();
        for part in split(text)? {
            pieces.push(match part {
                Ok(literal) => Piece::Literal(literal.to_owned()),
                Err(inside) => match inside.split_once('=') {
                    Some((name, kind)) => Piece::Value { kind: kind_of(kind)?, name: Some(name.to_owned()) },
                    None if known(inside) => Piece::Same(inside.to_owned()),
                    None => Piece::Value { kind: kind_of(inside)?, name: None },
                },
            });
        }
        Ok(Pattern { pieces })
    }

    /// The names this line captures.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value { name, .. } => name.as_deref(),
            _ => None,
        })
    }

    /// Compares a line; gives what it captured.
    pub fn matches(&self, line: &str, captured: &Captures) -> Result<Captures, Mismatch> {
        let mut new = Captures::new();
        let mut at = 0;
        let literal = |at: usize, wanted: &str| {
            let rest = &line.as_bytes()[at..];
            let same = rest.iter().zip(wanted.as_bytes()).take_while(|(a, b)| a == b).count();
            if same == wanted.len() {
                return Ok(at + same);
            }
            Err(Mismatch { at: at + same, wanted: tail(wanted, same).to_owned() })
        };
        for piece in &self.pieces {
            match piece {
                Piece::Literal(wanted) => at = literal(at, wanted)?,
                Piece::Same(name) => {
                    let wanted = new.get(name).or_else(|| captured.get(name));
                    let wanted = wanted
                        .ok_or_else(|| Mismatch { at, wanted: format!("{{{{{name}}}}}, never captured") })?;
                    at = literal(at, wanted)?;
                }
                Piece::Value { kind, name } => {
                    let value = value_at(line, at)
                        .filter(|value| kind.fits(value))
                        .ok_or_else(|| Mismatch { at, wanted: format!("a value: {kind:?}") })?;
                    at += value.len();
                    if let Some(name) = name {
                        new.insert(name.clone(), value.to_owned());
                    }
                }
            }
        }
        if at < line.len() {
            return Err(Mismatch { at, wanted: "the end of the line".to_owned() });
        }
        Ok(new)
    }
}

/// The text from byte `at` on, or from the start of the character that holds it.
fn tail(text: &str, mut at: usize) -> &str {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    &text[at..]
}

fn kind_of(name: &str) -> Result<Kind, String> {
    match name {
        "any" => Ok(Kind::Any),
        "string" => Ok(Kind::String),
        "integer" => Ok(Kind::Integer),
        _ => Err(format!(
            "{{{{{name}}}}} is neither defined, nor captured by an earlier line, nor a kind of value"
        )),
    }
}

impl Kind {
    fn fits(self, value: &str) -> bool {
        match self {
            Kind::Any => true,
            Kind::String => value.starts_with('"'),
            Kind::Integer => value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'),
        }
    }
}

/// The one JSON value that starts exactly at byte `at`.
fn value_at(line: &str, at: usize) -> Option<&str> {
    let rest = line.get(at..)?;
    if rest.starts_with(|c: char| c.is_ascii_whitespace()) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    values.next()?.ok()?;
    rest.get(..values.byte_offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text, |name| name == "old").unwrap()
    }

    fn compare(pattern_text: &str, line: &str) -> Result<Captures, Mismatch> {
        pattern(pattern_text).matches(line, &Captures::from([("old".into(), "[1]".into())]))
    }

    #[test]
    fn text_is_compared_byte_for_byte() {
        assert!(compare(r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2}"#).is_ok());
        for other in [
            r#"{"b":2,"a":1}"#,
            r#"{"a":1, "b":2}"#,
            r#"{"a":1,"b":2} "#,
            r#"{"a":1,"b":2"#,
            r#"{"a":1,"b":2}}"#,
            "",
        ] {
            assert!(compare(r#"{"a":1,"b":2}"#, other).is_err(), "{other}");
        }
        assert_eq!(compare("abcd", "abxd"), Err(Mismatch { at: 2, wanted: "cd".into() }));
        assert!(compare("\u{e9}", "\u{e8}").is_err());
    }

    #[test]
    fn a_placeholder_stands_for_one_value_of_its_kind() {
        for value in ["1", "-0.5e3", "\"}}\\\"\"", "{\"a\":[1,{\"b\":null}]}", "null"] {
            assert!(compare(r#"{"a":{{any}}}"#, &format!(r#"{{"a":{value}}}"#)).is_ok(), "{value}");
        }
        assert!(compare(r#"{"a":{{any}}}"#, r#"{"a":1,"b":2}"#).is_err());
        assert!(compare(r#"{"a":{{any}}}"#, r#"{"a": 1}"#).is_err());
        assert!(compare(r#"[{{string}}]"#, "[1]").is_err());
        assert!(compare(r#"[{{integer}}]"#, "[-7]").is_ok());
        assert!(compare(r#"[{{integer}}]"#, "[1.5]").is_err());
        assert!(compare(r#"[{{integer}}]"#, "[\"1\"]").is_err());
        assert!(compare("{{any}}", "").is_err());
        assert!(compare("{{{string}}:[{{{string}}:{{any}}}]}", r#"{"a":[{"b":1}]}"#).is_ok());
    }

    #[test]
    fn a_captured_value_comes_back_as_it_was() {
        let captured = compare(r#"{"a":{{x=string}},"b":{{y=any}}}"#, r#"{"a":"q\n","b":[1]}"#).unwrap();
        assert_eq!((&*captured["x"], &*captured["y"]), (r#""q\n""#, "[1]"));
        assert!(compare("{{old}}", "[1]").is_ok());
        assert!(compare("{{old}}", "[2]").is_err());
    }

    #[test]
    fn unknown_placeholders_are_errors() {
        for wrong in ["{{new}}", "{{x=number}}", "{{any"] {
            assert!(Pattern::parse(wrong, |_| false).is_err(), "{wrong}");
        }
    }
}
