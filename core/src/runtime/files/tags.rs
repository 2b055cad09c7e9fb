//! Finds the start tags of an HTML document, in the detail that is needed to replace some of them. Text, comments, and
//! the contents of scripts and styles are skipped.

use std::ops::Range;

/// A start tag.
#[derive(Debug)]
pub(super) struct Tag {
    /// The name in lower case.
    pub(super) name: String,
    /// The range from `<` to `>`, inclusive.
    pub(super) range: Range<usize>,
    pub(super) attributes: Vec<Attribute>,
    /// For elements that contain only text: the range of the text, and the end of the end tag.
    pub(super) inside: Option<(Range<usize>, usize)>,
}

#[derive(Debug)]
pub(super) struct Attribute {
    /// The name in lower case.
    pub(super) name: String,
    /// The value with its character references decoded.
    pub(super) value: Option<String>,
}

impl Tag {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|attribute| attribute.name == name)?.value.as_deref()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|attribute| attribute.name == name)
    }
}

/// Elements that contain only text.
const TEXT_ONLY: [&str; 8] = ["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"];

/// The start tags of a document, in order.
pub(super) fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(found) = html[at..].find('<').map(|place| at + place) {
        let rest = &html[found..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            at = comment.find("-->").map_or(html.len(), |end| found + 4 + end + 3);
        } else if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            let Some(mut tag) = tag(html, found) else { break };
            at = tag.range.end;
            if TEXT_ONLY.contains(&&*tag.name) {
                let (end, behind) = end_of(html, at, &tag.name);
                tag.inside = Some((at..end, behind));
                at = behind;
            }
            tags.push(tag);
        } else if rest.starts_with("</") || rest.starts_with("<!") || rest.starts_with("<?") {
            at = rest.find('>').map_or(html.len(), |end| found + end + 1);
        } else {
            at = found + 1;
        }
    }
    tags
}

/// The positions where the end tag of `name` begins and ends. Without an end tag, both are the end of the document.
fn end_of(html: &str, from: usize, name: &str) -> (usize, usize) {
    let mut at = from;
    while let Some(place) = html[at..].find("</").map(|place| at + place) {
        let behind = &html[place + 2..];
        let is_name = behind.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        let ends = |c: char| c == '>' || c == '/' || c.is_ascii_whitespace();
        if is_name && behind[name.len()..].starts_with(ends) {
            let end = behind.find('>').map_or(html.len(), |end| place + 2 + end + 1);
            return (place, end);
        }
        at = place + 2;
    }
    (html.len(), html.len())
}

/// The tag that begins at `start`. `None` if the document ends inside the tag.
fn tag(html: &str, start: usize) -> Option<Tag> {
    let bytes = html.as_bytes();
    let ends_name = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    let run = |from: usize, ends: &dyn Fn(u8) -> bool| {
        Some(from + bytes.get(from..)?.iter().position(|byte| ends(*byte))?)
    };
    let mut at = run(start + 1, &ends_name)?;
    let name = html[start + 1..at].to_ascii_lowercase();
    let mut attributes = Vec::new();
    loop {
        at = run(at, &|byte| !byte.is_ascii_whitespace() && byte != b'/')?;
        if bytes[at] == b'>' {
            return Some(Tag { name, range: start..at + 1, attributes, inside: None });
        }
        // An equals sign at the start belongs to the name of the attribute.
        let end = run(at + 1, &|byte| ends_name(byte) || byte == b'=')?;
        let attribute = html[at..end].to_ascii_lowercase();
        at = run(end, &|byte| !byte.is_ascii_whitespace())?;
        let mut value = None;
        if bytes[at] == b'=' {
            at = run(at + 1, &|byte| !byte.is_ascii_whitespace())?;
            let quote = bytes[at];
            let (from, to) = match quote {
                b'"' | b'\'' => (at + 1, run(at + 1, &|byte| byte == quote)?),
                _ => (at, run(at, &|byte| byte.is_ascii_whitespace() || byte == b'>')?),
            };
            value = Some(decoded(&html[from..to]));
            at = if matches!(quote, b'"' | b'\'') { to + 1 } else { to };
        }
        attributes.push(Attribute { name: attribute, value });
    }
}

/// The character references that can occur in addresses.
const REFERENCES: [(&str, char); 6] =
    [("&amp;", '&'), ("&quot;", '"'), ("&#34;", '"'), ("&#39;", '\''), ("&apos;", '\''), ("&lt;", '<')];

fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find('&') {
        out.push_str(&rest[..place]);
        rest = &rest[place..];
        match REFERENCES.iter().find(|(reference, _)| rest.starts_with(reference)) {
            Some((reference, character)) => {
                out.push(*character);
                rest = &rest[reference.len()..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

/// Writes an attribute with its value in double quotes.
pub(super) fn write(attribute: &str, value: Option<&str>, out: &mut String) {
    out.push(' ');
    out.push_str(attribute);
    if let Some(value) = value {
        out.push_str("=\"");
        out.push_str(&value.replace('&', "&amp;").replace('"', "&quot;"));
        out.push('"');
    }
}
