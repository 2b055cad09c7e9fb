//! The calls that JavaScript runs, with their contexts.

use std::sync::Arc;
use tenon_mcp::json::JsonWriter;
use tenon_mcp::{AskError, CONTEXT_FIELDS, CallContext, CallId, ContextForm, JsonSlice};

/// The calls by slot. Slots are reused, so there are few.
#[derive(Default)]
pub(crate) struct Calls(Vec<Option<LiveCall>>);

struct LiveCall {
    id: CallId,
    context: Arc<CallContext>,
    /// The errors of questions that were refused. A call ends with such an error if its handler does not catch it.
    refused: Vec<AskError>,
}

/// A call's id as two numbers, which JavaScript can represent.
pub(crate) fn split(id: CallId) -> (u32, u32) {
    let number = id.to_u64();
    (number as u32, (number >> 32) as u32)
}

/// The id from the two numbers. Invalid numbers give the id of a call that has ended.
pub(crate) fn join(slot: u32, generation: u32) -> CallId {
    CallId::from_u64(u64::from(generation) << 32 | u64::from(slot))
}

impl Calls {
    /// Adds a call. The previous call of this slot has ended, because the engine reuses a slot only after the end of
    /// its call.
    pub(crate) fn insert(&mut self, id: CallId, context: Arc<CallContext>) {
        let slot = split(id).0 as usize;
        if self.0.len() <= slot {
            self.0.resize_with(slot + 1, || None);
        }
        self.0[slot] = Some(LiveCall { id, context, refused: Vec::new() });
    }

    /// Removes a call. Returns its context and its refused questions.
    pub(crate) fn remove(&mut self, id: CallId) -> Option<(Arc<CallContext>, Vec<AskError>)> {
        let slot = self.0.get_mut(split(id).0 as usize)?;
        let live = slot.take_if(|live| live.id == id)?;
        Some((live.context, live.refused))
    }

    /// Stores the reason why a question was refused. Returns the number of the refusal within the call.
    pub(crate) fn add_refusal(&mut self, id: CallId, error: AskError) -> u32 {
        let Some(Some(live)) = self.0.get_mut(split(id).0 as usize) else { return 0 };
        if live.id != id {
            return 0;
        }
        live.refused.push(error);
        live.refused.len() as u32 - 1
    }

    /// The context of a call.
    pub(crate) fn context(&self, id: CallId) -> Option<Arc<CallContext>> {
        let live = self.0.get(split(id).0 as usize)?.as_ref().filter(|live| live.id == id)?;
        Some(live.context.clone())
    }

    /// The context members of a call, as the JSON text of one object.
    pub(crate) fn describe(&self, id: CallId) -> Option<String> {
        let live = self.0.get(split(id).0 as usize)?.as_ref().filter(|live| live.id == id)?;
        let context = &live.context;
        let mut out = JsonWriter::new();
        out.begin_object();
        for field in CONTEXT_FIELDS {
            let Some(value) = context.get(field.name) else { continue };
            out.key(&camel_case(field.name));
            match field.form {
                ContextForm::Principal => principal(&value, &mut out),
                _ => _ = out.slice(&value),
            }
        }
        out.end_object();
        Some(out.into_slice().as_str().to_owned())
    }
}

/// Writes a principal with the names of its members in `camelCase`. The names within its claims stay.
fn principal(value: &JsonSlice, out: &mut JsonWriter) {
    out.begin_object();
    for member in value.members() {
        let name = camel_case(&member.name(value.as_bytes()));
        out.key(&name).slice(&value.subslice(member.value));
    }
    out.end_object();
}

/// `request_id` as `requestId`.
pub(crate) fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(1);
        out.push_str(&first.to_ascii_uppercase());
        out.push_str(rest);
    }
    out
}
