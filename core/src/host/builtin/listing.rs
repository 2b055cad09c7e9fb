//! Answers list requests in pages: first the registered entries, then what the providers list, one provider per page.

use crate::dispatch::access::{Caller, HiddenEntries};
use crate::dispatch::principal::Principal;
use crate::dispatch::registry::catalog::Snapshot;
use crate::dispatch::registry::page;
use crate::dispatch::registry::page::{Cursor, Fingerprint, Scope};
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::CallContext;
use crate::host::delivery::sink::Outgoing;
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use crate::host::{Registered, Target};
use crate::json::{JsonSlice, JsonWriter};
use crate::proto::catalog::cache::Cacheable;
use crate::proto::catalog::definition::Definition;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::RpcError;
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::Params;
use crate::proto::operation::Operation;
use crate::proto::results::result::CheckedResult;
use crate::proto::version::Revision;
use bytes::Bytes;
use std::sync::Arc;

/// The part of a list that a provider's handler answers.
pub(in crate::host) struct Part {
    operation: &'static Operation,
    /// The items of the page before the provider's items, an array.
    before: JsonSlice,
    /// The provider that follows, if there is one.
    then: Option<Fingerprint>,
    /// The fingerprint of what is listed, if an entry lists in pages of its own.
    of: Option<Fingerprint>,
    /// Whether the list differs between callers.
    private: bool,
    /// The registered entries that do not exist for the caller.
    hidden: Option<HiddenEntries>,
}

/// The part of a list in which an entry lists in pages of its own.
const OWN: u32 = 2;

/// A page that is ready, or the provider that must be asked.
pub(in crate::host) enum ListPage {
    Page(Bytes),
    FromProvider(Arc<Registered>, JsonSlice, Box<Part>),
}

impl Engine {
    /// The page that a list request asks for (PG-1 to PG-4).
    pub(in crate::host) fn list(
        &self,
        (kind, operation): (Kind, &'static Operation),
        snapshot: &Snapshot<Target>,
        id: &RequestId,
        params: &Params,
        (caller, revision): (Caller<'_>, Revision),
    ) -> Result<ListPage, RpcError> {
        let (shared, principal) = (&self.0, caller.principal);
        let cursor = match params.get_str("cursor")? {
            Some(text) => Some(Cursor::open(&text, scope(operation, principal, revision), &shared.sealer)?),
            None => None,
        };
        let provided = if kind == Kind::Resource { snapshot.all(Kind::ResourceProvider) } else { &[] };
        let providers: Vec<_> = match provided {
            [] => Vec::new(),
            provided => {
                let is_shown =
                    |entry: &&Arc<Registered>| entry.permit(caller).is_ok() && entry.is_seen_by(caller);
                provided.iter().filter(is_shown).collect()
            }
        };
        let private = shared.answers_differ()
            || snapshot.is_restricted(kind)
            || kind == Kind::Resource && snapshot.is_restricted(Kind::ResourceProvider);
        let (place, before, inner) = match cursor {
            Some(cursor) if cursor.part > 0 => {
                // The entry is found by its name, because other entries before it may have been added or removed.
                let named = |entry: &&Arc<Registered>| page::fingerprint(&entry.name) == cursor.fingerprint;
                let place = providers.iter().position(named).ok_or_else(page::invalid)?;
                (place, JsonSlice::from_trusted(Bytes::from_static(b"[]")), cursor.inner)
            }
            cursor => {
                let most = shared.limits.max_list_bytes;
                let listing = snapshot.list_for(kind, revision, caller, most);
                let page = listing.page(0, cursor.as_ref(), shared.limits.page_size)?;
                if page.next.is_some() || providers.is_empty() {
                    let next = page
                        .next
                        .map(|next| shared.seal(&next, operation, (principal, revision)))
                        .transpose()?;
                    let body = shared.page(id, (operation, private), revision, &page.array, next.as_deref());
                    return Ok(ListPage::Page(body));
                }
                (0, page.array, None)
            }
        };
        let provider = providers.get(place).ok_or_else(page::invalid)?;
        let mut input = JsonWriter::new();
        input.begin_object();
        if let Some(inner) = inner {
            input.key("cursor").str(&inner);
        }
        input.end_object();
        let then = providers.get(place + 1).map(|next| page::fingerprint(&next.name));
        let part = Part { operation, before, then, of: None, private, hidden: caller.hidden.cloned() };
        Ok(ListPage::FromProvider((*provider).clone(), input.into_slice(), Box::new(part)))
    }
}

impl Engine {
    /// The input for an entry that lists in pages, `private` if not everybody may use it: the parameters, with the entry's own cursor instead of the engine's.
    pub(in crate::host) fn page_of(
        &self,
        operation: &'static Operation,
        params: &Params,
        (principal, revision): (Option<&Principal>, Revision),
        private: bool,
    ) -> Result<(JsonSlice, Box<Part>), RpcError> {
        let of = page::fingerprint(&params.get_str("uri")?.unwrap_or_default());
        let mut input = JsonWriter::new();
        input.begin_object();
        if let Some(uri) = params.get("uri") {
            input.key("uri").slice(&uri);
        }
        if let Some(text) = params.get_str("cursor")? {
            let cursor = Cursor::open(&text, scope(operation, principal, revision), &self.0.sealer)?;
            let inner = cursor.inner.filter(|_| cursor.part == OWN && cursor.fingerprint == of);
            input.key("cursor").str(&inner.ok_or_else(page::invalid)?);
        }
        input.end_object();
        let before = JsonSlice::from_trusted(Bytes::from_static(b"[]"));
        Ok((
            input.into_slice(),
            Box::new(Part { operation, before, then: None, of: Some(of), private, hidden: None }),
        ))
    }
}

impl Shared {
    fn seal(
        &self,
        next: &Cursor,
        operation: &Operation,
        (principal, revision): (Option<&Principal>, Revision),
    ) -> Result<String, RpcError> {
        next.seal(scope(operation, principal, revision), &self.sealer, &*self.environment)
            .map_err(|error| RpcError::internal(format!("Cannot seal the cursor: {error}")))
    }

    fn page(
        &self,
        id: &RequestId,
        (operation, private): (&Operation, bool),
        revision: Revision,
        array: &JsonSlice,
        next: Option<&str>,
    ) -> Bytes {
        let of = Cacheable::method(operation.name);
        self.shaper.list(id, revision, (operation.list, of, private), array, next)
    }

    /// The page, completed with a provider's result.
    pub(in crate::host) fn list_on(
        &self,
        flight: &InFlightCall,
        id: &RequestId,
        part: &Part,
        checked: &CheckedResult<'_>,
    ) -> Outgoing {
        let CallContext { client, entry, .. } = &*flight.context;
        let revision = client.revision;
        let inner_text = |inner: &JsonSlice| inner.decode_str().unwrap_or_default().into_owned();
        if let Some(of) = part.of {
            let array = checked.member(part.operation.list);
            let array = array.unwrap_or_else(|| JsonSlice::from_trusted(Bytes::from_static(b"[]")));
            let inner = checked.member("nextCursor").map(|inner| inner_text(&inner));
            let next =
                inner.map(|inner| Cursor { part: OWN, position: 0, fingerprint: of, inner: Some(inner) });
            return self.listed(flight, id, part, (array, next));
        }
        let (resources, inner) = checked.provided().unwrap_or_default();
        let mut out = JsonWriter::with_capacity(part.before.as_bytes().len() + 128 * resources.len());
        out.begin_array();
        for resource in part.before.elements() {
            out.slice(&resource);
        }
        let snapshot = self.catalog.snapshot();
        let caller =
            Caller { hidden: part.hidden.as_ref(), ..self.caller(flight.context.arrival.principal()) };
        let filters = part.hidden.is_some() || snapshot.is_restricted(Kind::Resource);
        for resource in resources {
            // A registered resource is listed by itself, to those who may use it.
            let own = if filters { snapshot.find(Kind::Resource, resource.name()) } else { None };
            if own.is_some_and(|own| own.permit(caller).is_err() || !own.is_seen_by(caller)) {
                continue;
            }
            match entry.under.is_empty() {
                true => resource.write(revision, &mut out),
                false => self.listed_under(entry, resource).write(revision, &mut out),
            }
        }
        out.end_array();
        let cursor = |fingerprint, inner| Cursor { part: 1, position: 0, fingerprint, inner };
        let next = match inner {
            Some(inner) => Some(cursor(page::fingerprint(&entry.name), Some(inner_text(inner)))),
            None => part.then.map(|then| cursor(then, None)),
        };
        self.listed(flight, id, part, (out.into_slice(), next))
    }

    /// A resource that a mounted provider lists, with the address that it has in this server.
    fn listed_under(&self, entry: &Registered, resource: &Definition) -> Definition {
        let mut moved = resource.clone();
        for prefix in entry.under.iter().rev() {
            if let Err(reason) = moved.rename(|_, uri| prefix.address(uri)) {
                self.log_handler_fault(|| format!("{entry}: {reason}"));
            }
        }
        moved
    }

    fn listed(
        &self,
        flight: &InFlightCall,
        id: &RequestId,
        part: &Part,
        (array, next): (JsonSlice, Option<Cursor>),
    ) -> Outgoing {
        let CallContext { client, entry, arrival, .. } = &*flight.context;
        let revision = client.revision;
        match next.map(|next| self.seal(&next, part.operation, (arrival.principal(), revision))).transpose() {
            Ok(next) => {
                let body = self.page(id, (part.operation, part.private), revision, &array, next.as_deref());
                Outgoing::Response { body, error: None }
            }
            Err(error) => {
                self.log_handler_fault(|| format!("{entry}: {}", error.message));
                self.error(Some(id), Some(revision), &error)
            }
        }
    }
}

fn scope<'a>(operation: &Operation, principal: Option<&'a Principal>, revision: Revision) -> Scope<'a> {
    Scope { list: operation.name, principal, revision }
}
