//! Expands a template with values to a URI (RFC 6570 section 3), and matches one template. Only tests do this.

use super::parse::{Expression, Modifier, Part, parts};
use super::steps::Value;
use super::units::{is_reserved, is_unreserved};
use super::{UriTemplate, read};

impl UriTemplate {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The values of the variables with which the template gives `uri`.
    pub fn matches(&self, uri: &str) -> Option<Vec<(&str, Value)>> {
        self.matches_units(&read(uri)?)
    }

    /// The template with its variables replaced by values. Variables without a value, or with an empty list, are left
    /// out.
    pub fn expand(&self, values: &[(&str, Value)]) -> String {
        let mut out = String::with_capacity(self.text.len() + 32);
        for part in &parts(&self.text).expect("the template was parsed before") {
            match part {
                Part::Literal(text, _) => encode(&mut out, text, true),
                Part::Expression(expression) => expression.expand(values, &mut out),
            }
        }
        out
    }
}

impl Expression {
    fn expand(&self, values: &[(&str, Value)], out: &mut String) {
        let mut before = self.operator.first().map(char::from);
        for variable in &self.variables {
            let Some((_, value)) = values.iter().find(|(name, _)| *name == variable.name) else { continue };
            let (items, explode) = match value {
                Value::Text(text) => (std::slice::from_ref(text), false),
                Value::List(items) => (items.as_slice(), variable.modifier == Modifier::Explode),
            };
            for (place, item) in items.iter().enumerate() {
                let starts = place == 0 || explode;
                match before {
                    Some(before) if starts => out.push(before),
                    _ if !starts => out.push(','),
                    _ => {}
                }
                before = Some(char::from(self.operator.separator()));
                if starts && self.operator.is_named() {
                    out.push_str(&variable.name);
                    // A path parameter without a value has no equals sign.
                    if self.operator.separator() != b';' || !item.is_empty() || items.len() > 1 && !explode {
                        out.push('=');
                    }
                }
                let end = match variable.modifier {
                    Modifier::Prefix(length) => item.char_indices().nth(length).map(|(end, _)| end),
                    _ => None,
                };
                encode(out, &item[..end.unwrap_or(item.len())], self.operator.is_open());
            }
        }
    }
}

/// Appends `text`, percent-encoded. If reserved characters stay as they are, existing percent sequences stay too.
fn encode(out: &mut String, text: &str, reserved: bool) {
    for (at, byte) in text.bytes().enumerate() {
        let is_triple = || {
            let digits = text.as_bytes().get(at + 1..at + 3);
            byte == b'%' && digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        if is_unreserved(byte) || reserved && (is_reserved(byte) || is_triple()) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}
