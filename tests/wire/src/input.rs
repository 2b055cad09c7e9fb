//! One line to send: text, with placeholders for what is captured, long, or no text at all.

use crate::pattern::{Captures, split};

/// What a line of input is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Bytes(Vec<u8>),
    Captured(String),
    /// A captured string with one character changed.
    Tampered(String),
}

impl Input {
    /// Reads a line. `known` tells whether a name was captured before.
    pub fn parse(text: &str, known: impl Fn(&str) -> bool) -> Result<Input, String> {
        let mut pieces = Vec::new();
        for part in split(text)? {
            pieces.push(match part {
                Ok(literal) => Piece::Bytes(literal.into()),
                Err("cr") => Piece::Bytes(b"\r".into()),
                Err(inside) => match inside.split_once(':') {
                    Some(("bytes", hex)) => Piece::Bytes(bytes(hex)?),
                    Some(("repeat", what)) => Piece::Bytes(repeat(what)?),
                    Some(("tamper", name)) if known(name) => Piece::Tampered(name.to_owned()),
                    None if known(inside) => Piece::Captured(inside.to_owned()),
                    _ => {
                        return Err(format!(
                            "{{{{{inside}}}}} is neither defined, nor captured by an earlier line, nor an input placeholder"
                        ));
                    }
                },
            });
        }
        Ok(Input { text: text.to_owned(), pieces })
    }

    /// As written, definitions expanded.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes to send, without line end. Fails if a value was not captured or is no string to tamper with.
    pub fn bytes(&self, captured: &Captures) -> Result<Vec<u8>, String> {
        let value =
            |name: &str| captured.get(name).ok_or_else(|| format!("{{{{{name}}}}} was never captured"));
        let mut out = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Bytes(bytes) => out.extend_from_slice(bytes),
                Piece::Captured(name) => out.extend_from_slice(value(name)?.as_bytes()),
                Piece::Tampered(name) => out.extend_from_slice(&tamper(value(name)?)?),
            }
        }
        Ok(out)
    }
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let byte = |digits| u8::from_str_radix(digits, 16).map_err(|_| format!("{digits:?} is no byte in hex"));
    hex.split_whitespace().map(byte).collect()
}

fn repeat(what: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("{what:?} is not of the form \"text\"*count");
    let (text, count) = what.rsplit_once('*').ok_or_else(wrong)?;
    let text: String = serde_json::from_str(text.trim()).map_err(|_| wrong())?;
    Ok(text.repeat(count.trim().parse().map_err(|_| wrong())?).into())
}

fn tamper(value: &str) -> Result<Vec<u8>, String> {
    if !value.starts_with('"') || value.len() < 3 {
        return Err(format!("{value} is no string to tamper with"));
    }
    let mut bytes = value.as_bytes().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> Result<Vec<u8>, String> {
        let captured = Captures::from([("s".into(), "\"xyAz\"".into()), ("n".into(), "5".into())]);
        Input::parse(text, |name| captured.contains_key(name) || name == "later")?.bytes(&captured)
    }

    #[test]
    fn placeholders_become_bytes() {
        assert_eq!(sent("a{{cr}}b{{bytes:ff 00}}").unwrap(), b"a\rb\xff\0");
        assert_eq!(sent(r#"[{{repeat:"ab"*3}}]"#).unwrap(), b"[ababab]");
        assert_eq!(sent("[{{n}},{{s}}]").unwrap(), b"[5,\"xyAz\"]");
        assert_eq!(sent("{{tamper:s}}").unwrap(), b"\"xyBz\"");
        for wrong in
            ["{{m}}", "{{tamper:m}}", "{{tamper:n}}", "{{later}}", "{{repeat:ab*3}}", "{{bytes:zz}}", "{{cr"]
        {
            assert!(sent(wrong).is_err(), "{wrong}");
        }
    }
}
