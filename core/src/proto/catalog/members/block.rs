//! Content blocks for revisions with fewer kinds of them.

use crate::json::{JsonSlice, JsonWriter};
use crate::proto::catalog::members::tables::BLOCKS;
use crate::proto::catalog::members::write::{has_member, write, write_object};
use crate::proto::version::Revision;
use std::borrow::Cow;

/// Writes a checked content block. A kind that the revision does not have becomes a text block that describes it
/// (TL-17).
pub(super) fn write_block(value: &JsonSlice, revision: Revision, out: &mut JsonWriter) {
    let word = value.member("type");
    let word = word.as_ref().and_then(JsonSlice::decode_str).unwrap_or_default();
    let Some(block) = BLOCKS.iter().find(|block| block.word == word) else {
        out.slice(value);
        return;
    };
    if block.from <= revision {
        write_object(&block.table, value, revision, out);
        return;
    }
    out.begin_object().key("type").str("text").key("text").str(&instead(&word, value));
    let annotations = block.table.rows.iter().find(|row| row.name == "annotations");
    if let Some((row, inner)) = annotations.zip(value.member("annotations"))
        && has_member(row, &inner, revision)
    {
        write(&row.form, &inner, revision, out.key(row.name));
    }
    out.end_object();
}

/// The text that replaces a block that cannot be sent: `[audio/wav, 1234 bytes]`, or a link's name and URI.
fn instead(word: &str, value: &JsonSlice) -> String {
    let text = |name: &str| {
        let member = value.member(name);
        member.as_ref().and_then(JsonSlice::decode_str).map(Cow::into_owned)
    };
    if let Some(data) = text("data") {
        let padding = data.bytes().rev().take_while(|byte| *byte == b'=').count();
        let bytes = data.len() / 4 * 3 - padding;
        return format!("[{}, {bytes} bytes]", text("mimeType").unwrap_or_else(|| word.to_owned()));
    }
    match (text("name"), text("uri")) {
        (Some(name), Some(uri)) if name != uri => format!("{name}: {uri}"),
        (_, uri) => uri.unwrap_or_else(|| format!("[{word}]")),
    }
}
