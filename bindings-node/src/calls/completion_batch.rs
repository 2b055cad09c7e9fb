//! One batch of outcomes from JavaScript: three numbers for each, and one text with a line for each.

use crate::calls::table::{Calls, join};
use crate::error::{Result, invalid};
use bytes::Bytes;
use tenon_mcp::{CallId, JsonSlice, Outcome, RpcError, json};

/// Numbers per outcome: slot, generation, kind.
const RECORD: usize = 3;

/// The kinds of outcomes; `js/calls/completion_buffer.js` has the same numbers. Each line is JSON text.
mod kind {
    /// The value.
    pub(super) const VALUE: u32 = 0;
    /// A string: the failure's text for the client.
    pub(super) const FAILED: u32 = 1;
    /// The attempt ends because of its questions; the line is ignored.
    pub(super) const SUSPEND: u32 = 2;
    /// The number of the refused question whose error the handler did not catch.
    pub(super) const REFUSED: u32 = 3;
    /// A string: the text of an exception.
    pub(super) const EXCEPTION: u32 = 4;
    /// Content blocks, messages or resource contents, one or an array of them.
    pub(super) const CONTENT: u32 = 5;
    /// The whole result.
    pub(super) const RESULT: u32 = 6;
    /// A protocol error: `{"code":…,"message":…,"data":…}`.
    pub(super) const ERROR: u32 = 7;
    /// "Not found": a string that names it, or null.
    pub(super) const NOT_FOUND: u32 = 8;
    /// A string: why the arguments are invalid.
    pub(super) const INVALID_ARGUMENTS: u32 = 9;
}

/// Reads a batch, and removes its calls from the table.
pub(crate) fn read(records: &[u32], text: String, calls: &mut Calls) -> Result<Vec<(CallId, Outcome)>> {
    let text = Bytes::from(text);
    let mut out = Vec::with_capacity(records.len() / RECORD);
    // `JSON.stringify` escapes line breaks, so each one here separates two lines.
    let mut lines = text.split(|byte| *byte == b'\n');
    for record in records.chunks_exact(RECORD) {
        let id = join(record[0], record[1]);
        let line = lines.next().ok_or_else(|| invalid("complete: the batch has fewer lines than records"))?;
        let line = JsonSlice::from_trusted(text.slice_ref(line));
        let call = calls.remove(id);
        let outcome = match record[2] {
            kind::VALUE => Outcome::Json(line),
            kind::FAILED => Outcome::Failed(text_of(&line)),
            kind::EXCEPTION => Outcome::Exception(text_of(&line)),
            kind::CONTENT => Outcome::Content(line),
            kind::RESULT => Outcome::Result(line),
            kind::ERROR => Outcome::Error(error(&line)),
            kind::NOT_FOUND => {
                let Some((context, _)) = call else { continue };
                let what = (line.kind() == json::Kind::String).then(|| text_of(&line));
                context.not_found(what.as_deref())
            }
            kind::INVALID_ARGUMENTS => {
                let Some((context, _)) = call else { continue };
                context.arguments_refused(&text_of(&line))
            }
            kind::SUSPEND => Outcome::Suspend,
            kind::REFUSED => {
                let Some((context, refused)) = call else { continue };
                let error =
                    line.deserialize::<usize>().ok().and_then(|number| refused.into_iter().nth(number));
                match error {
                    Some(error) => error.into_outcome(context.client.revision),
                    None => return Err(invalid("complete: the batch names a question that was not refused")),
                }
            }
            other => return Err(invalid(format!("complete: there is no outcome kind {other}"))),
        };
        out.push((id, outcome));
    }
    Ok(out)
}

fn text_of(line: &JsonSlice) -> String {
    line.decode_str().unwrap_or_default().into_owned()
}

fn error(line: &JsonSlice) -> RpcError {
    let code = line.member("code").and_then(|code| code.deserialize().ok()).unwrap_or_default();
    let message = line.member("message").map(|message| text_of(&message)).unwrap_or_default();
    let error = RpcError::new(code, message);
    match line.member("data") {
        Some(data) => error.with_data(data),
        None => error,
    }
}
