//! One batch of answers on its way from JavaScript: three numbers each, and one text with a line for each.

use crate::calls::table::{Calls, join};
use crate::error::{Result, invalid};
use bytes::Bytes;
use tenon_mcp::{CallId, JsonSlice, Outcome, RpcError, json};

/// Numbers per answer: slot, generation, kind.
const RECORD: usize = 3;

/// Kinds of answers; `js/calls/completion_buffer.js` holds the same numbers. Each line is JSON text.
mod kind {
    /// The value.
    pub(super) const VALUE: u32 = 0;
    /// A string: what the client is told of the failure.
    pub(super) const FAILED: u32 = 1;
    /// Questions are outstanding; the line is ignored.
    pub(super) const SUSPEND: u32 = 2;
    /// The number of the refused question whose error the handler let through.
    pub(super) const REFUSED: u32 = 3;
    /// A string: what an exception said.
    pub(super) const EXCEPTION: u32 = 4;
    /// Content blocks, messages or resource contents, one or an array of them.
    pub(super) const CONTENT: u32 = 5;
    /// The whole result.
    pub(super) const RESULT: u32 = 6;
    /// A protocol error: `{"code":…,"message":…,"data":…}`.
    pub(super) const ERROR: u32 = 7;
    /// Something does not exist: a string that says what, or null.
    pub(super) const NOT_FOUND: u32 = 8;
    /// A string: why the arguments are not what the handler takes.
    pub(super) const MISFIT: u32 = 9;
}

/// Reads a batch, and lets go of its calls.
pub(crate) fn read(records: &[u32], text: String, calls: &mut Calls) -> Result<Vec<(CallId, Outcome)>> {
    let text = Bytes::from(text);
    let mut out = Vec::with_capacity(records.len() / RECORD);
    // `JSON.stringify` escapes line breaks, so they can only be ours.
    let mut lines = text.split(|byte| *byte == b'\n');
    for record in records.chunks_exact(RECORD) {
        let id = join(record[0], record[1]);
        let line = lines.next().ok_or_else(|| invalid("a batch of answers has fewer lines than records"))?;
        let line = JsonSlice::from_trusted(text.slice_ref(line));
        let kept = calls.remove(id);
        let outcome = match record[2] {
            kind::VALUE => Outcome::Json(line),
            kind::FAILED => Outcome::Failed(text_of(&line)),
            kind::EXCEPTION => Outcome::Exception(text_of(&line)),
            kind::CONTENT => Outcome::Content(line),
            kind::RESULT => Outcome::Result(line),
            kind::ERROR => Outcome::Error(error(&line)),
            kind::NOT_FOUND => {
                let Some((context, _)) = kept else { continue };
                let what = (line.kind() == json::Kind::String).then(|| text_of(&line));
                context.not_found(what.as_deref())
            }
            kind::MISFIT => {
                let Some((context, _)) = kept else { continue };
                context.arguments_refused(&text_of(&line))
            }
            kind::SUSPEND => Outcome::Suspend,
            kind::REFUSED => {
                let Some((context, refused)) = kept else { continue };
                let error =
                    line.deserialize::<usize>().ok().and_then(|number| refused.into_iter().nth(number));
                match error {
                    Some(error) => error.into_outcome(context.client.revision),
                    None => return Err(invalid("an answer names a question that was not refused")),
                }
            }
            other => return Err(invalid(format!("answers have no kind {other}"))),
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
