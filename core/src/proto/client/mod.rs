//! The client's side of the protocol, for clients in the process of their server. Requests of the program become
//! messages, and received messages become events. It has no I/O and no clock, and both eras have the same functions.

mod client_request;
mod reading;
mod rounds;

use super::operation::Op;
use super::question::Question;
use crate::json::{JsonSlice, JsonWriter, Limits};
use crate::proto::messages::envelope::{CAPABILITIES_KEY, CLIENT_INFO_KEY, VERSION_KEY};
use crate::proto::messages::error::RpcError;
use crate::proto::messages::message::{Malformed, Message, Notification, Params, Request, Response};
use crate::proto::session::logging::{LEVEL_KEY, Level};
use crate::proto::version::Revision;
use bytes::Bytes;
use client_request::ClientRequest;
pub use reading::Reply;
use rounds::{OpenQuestion, Round};
use std::collections::HashMap;

/// A client's identity, and the kinds of questions that it can answer.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) revision: Revision,
    /// An object with `name` and `version`.
    pub(crate) info: JsonSlice,
    /// An object.
    pub(crate) capabilities: JsonSlice,
    /// The lowest level of the log messages that the client requests.
    pub(crate) log_level: Option<Level>,
}

/// An event for the program of a client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientEvent {
    /// A request has ended.
    Answered {
        /// The request.
        request: u64,
        /// The request's result, or the protocol error.
        outcome: Result<Reply, RpcError>,
    },
    /// The server asks a question, which must be answered with [`Link::answer`](crate::testing::Link::answer).
    Asked {
        /// Identifies the question.
        question: u64,
        /// The kind of question.
        kind: Question,
        /// The parameters in the form of the revision.
        params: JsonSlice,
    },
    /// A request has reported progress.
    Progress {
        /// The request.
        request: u64,
        /// The members `progress`, `total` and `message`.
        params: JsonSlice,
    },
    /// A log message, with the members `level`, `logger` and `data`.
    Log(JsonSlice),
    /// Any other notification.
    Notification {
        /// The method of the notification.
        method: String,
        /// The parameters, an object.
        params: JsonSlice,
    },
    /// The server has ended. No further events follow, and open requests get no response.
    Ended,
}

/// A step that the caller must execute. Steps are executed in order.
pub(crate) enum Step {
    Send(Bytes),
    Tell(ClientEvent),
}

/// The state of one client.
pub(crate) struct Conversation {
    settings: Settings,
    /// The limits of the server for messages.
    limits: Limits,
    /// The last number that was used for a request, a message or a question.
    last: u64,
    /// The requests without a response, by the ids of their messages.
    pending: HashMap<u64, Pending>,
    questions: HashMap<u64, OpenQuestion>,
    /// Requests whose questions wait for answers.
    rounds: HashMap<u64, Round>,
    state: State,
}

/// The state of a legacy session's handshake.
enum State {
    /// Messages that wait for the end of the handshake, with their requests.
    Opening(Vec<(u64, Bytes)>),
    Open,
    /// The server refused the handshake.
    Refused(RpcError),
}

/// A request without a response.
struct Pending {
    /// The request's number for the program; `None` for a request that the client itself needs.
    request: Option<u64>,
    client_request: ClientRequest,
    progress: bool,
    /// The items of a list that were received so far.
    items: Vec<JsonSlice>,
    rounds: usize,
}

/// The maximum number of rounds. A handler with more rounds most likely never ends.
const MOST_ROUNDS: usize = 64;

impl Conversation {
    /// A client of a server that reads messages within `limits`. Also returns its first steps.
    pub(crate) fn new(settings: Settings, limits: Limits) -> (Conversation, Vec<Step>) {
        let modern = settings.revision.is_modern();
        let state = if modern { State::Open } else { State::Opening(Vec::new()) };
        let (pending, questions, rounds) = Default::default();
        let mut own = Conversation { settings, limits, last: 0, pending, questions, rounds, state };
        let steps = if modern { Vec::new() } else { vec![Step::Send(own.initialize())] };
        (own, steps)
    }

    /// A number that is not in use.
    pub(crate) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn initialize(&mut self) -> Bytes {
        let Settings { revision, info, capabilities, .. } = &self.settings;
        let mut params = JsonWriter::new();
        params.begin_object().key("protocolVersion").str(revision.as_str());
        params.key("capabilities").slice(capabilities).key("clientInfo").slice(info).end_object();
        self.own(Op::Initialize, params.into_slice())
    }

    /// The message of a request that the client itself needs.
    fn own(&mut self, op: Op, params: JsonSlice) -> Bytes {
        let (id, client_request) = (self.number(), ClientRequest::own(op, params));
        let text = client_request.message(id, None, &[]);
        self.pending.insert(
            id,
            Pending { request: None, client_request, progress: false, items: Vec::new(), rounds: 0 },
        );
        text
    }

    /// Sends a request by its name in the APIs (see [`ClientRequest`]) under a number from [`Conversation::number`].
    /// `wraps` returns whether a tool's result is not an object by its schema.
    pub(crate) fn ask(
        &mut self,
        request: u64,
        what: &str,
        given: &JsonSlice,
        progress: bool,
        wraps: impl Fn(&str) -> bool,
    ) -> Result<Vec<Step>, String> {
        let client_request = ClientRequest::read(what, given, self.settings.revision, wraps)?;
        let pending =
            Pending { request: Some(request), client_request, progress, items: Vec::new(), rounds: 0 };
        Ok(self.send(pending, &[]))
    }

    /// Sends a request for the first time or again, with further parameters.
    fn send(&mut self, pending: Pending, further: &[(&str, JsonSlice)]) -> Vec<Step> {
        let id = self.number();
        let token = pending.request.filter(|_| pending.progress);
        let meta = self.meta(token, pending.client_request.meta.as_ref());
        let text = pending.client_request.message(id, meta.as_ref(), further);
        if let State::Refused(error) = &self.state {
            return answered(&pending, Err(error.clone()));
        }
        // The server's error for a message that is too long or too deep has no id, so it could not be matched with the
        // request.
        if let Err(Malformed { id: None, error, .. }) = Message::decode(text.clone(), &self.limits) {
            return answered(&pending, Err(error));
        }
        self.pending.insert(id, pending);
        match &mut self.state {
            State::Opening(held) => {
                held.push((id, text));
                Vec::new()
            }
            _ => vec![Step::Send(text)],
        }
    }

    /// The `_meta` of a request: the envelope, the progress token, and the program's own members.
    fn meta(&self, token: Option<u64>, own: Option<&JsonSlice>) -> Option<JsonSlice> {
        let Settings { revision, info, capabilities, log_level } = &self.settings;
        if !revision.is_modern() && token.is_none() && own.is_none() {
            return None;
        }
        let mut meta = JsonWriter::new();
        meta.begin_object();
        if revision.is_modern() {
            meta.key(VERSION_KEY).str(revision.as_str()).key(CLIENT_INFO_KEY).slice(info);
            meta.key(CAPABILITIES_KEY).slice(capabilities);
            if let Some(level) = log_level {
                meta.key(LEVEL_KEY).str(level.as_str());
            }
        }
        if let Some(token) = token {
            meta.key("progressToken").uint(token);
        }
        if let Some(own) = own {
            for member in own.members() {
                meta.key(&member.name(own.as_bytes())).slice(&own.subslice(member.value));
            }
        }
        meta.end_object();
        Some(meta.into_slice())
    }

    /// Cancels a request. The program gets no event for it any more.
    pub(crate) fn cancel(&mut self, request: u64) -> Vec<Step> {
        self.rounds.remove(&request);
        self.questions.retain(|_, open| open.request() != Some(request));
        let found = self.pending.iter().find(|(_, pending)| pending.request == Some(request));
        let Some((&id, _)) = found else { return Vec::new() };
        self.pending.remove(&id);
        if let State::Opening(held) = &mut self.state {
            held.retain(|(of, _)| *of != id);
            return Vec::new();
        }
        let mut params = JsonWriter::new();
        params.begin_object().key("requestId").uint(id).end_object();
        vec![Step::Send(client_request::notification(Op::Cancelled.name(), Some(&params.into_slice())))]
    }

    /// Sends a notification.
    pub(crate) fn notify(&mut self, method: &str, params: &JsonSlice) -> Vec<Step> {
        let text = client_request::notification(method, Some(params));
        match &mut self.state {
            State::Opening(held) => {
                held.push((0, text));
                Vec::new()
            }
            State::Open => vec![Step::Send(text)],
            State::Refused(_) => Vec::new(),
        }
    }

    /// Handles a message of the server.
    pub(crate) fn receive(&mut self, text: Bytes) -> Vec<Step> {
        match Message::decode(text, &Limits::TRUSTED) {
            Ok(Message::Response(response)) => self.response(response),
            Ok(Message::Notification(notification)) => self.notification(notification),
            Ok(Message::Request(request)) => self.asked(request),
            Err(_) => Vec::new(),
        }
    }

    fn response(&mut self, Response { id, outcome }: Response) -> Vec<Step> {
        let Some(mut pending) = number_of(id.raw()).and_then(|id| self.pending.remove(&id)) else {
            return Vec::new();
        };
        let outcome = outcome.map_err(|error| reading::error(&error));
        if pending.request.is_none() {
            return self.opened(&pending.client_request, outcome);
        }
        let result = match outcome {
            Ok(result) => result,
            Err(error) => return answered(&pending, Err(error)),
        };
        if rounds::wants_input(&result) {
            return self.begin_round(pending, &result);
        }
        if pending.client_request.gathers() {
            let list = pending.client_request.list();
            pending
                .items
                .extend(result.member(list).iter().flat_map(|items| items.elements().collect::<Vec<_>>()));
            if let Some(cursor) = result.member("nextCursor") {
                return self.send(pending, &[("cursor", cursor)]);
            }
        }
        let reply = Reply::new(&pending.client_request, result, std::mem::take(&mut pending.items));
        answered(&pending, Ok(reply))
    }

    /// Handles the response to a request that the client itself needs.
    fn opened(&mut self, client_request: &ClientRequest, outcome: Result<JsonSlice, RpcError>) -> Vec<Step> {
        if !client_request.is(Op::Initialize) {
            return Vec::new();
        }
        let held = match &mut self.state {
            State::Opening(held) => std::mem::take(held),
            _ => return Vec::new(),
        };
        if let Err(error) = outcome.and_then(|result| self.agrees(&result)) {
            self.state = State::Refused(error.clone());
            let refused = held.into_iter().filter_map(|(id, _)| self.pending.remove(&id));
            return refused.flat_map(|pending| answered(&pending, Err(error.clone()))).collect();
        }
        self.state = State::Open;
        let mut steps = vec![Step::Send(client_request::notification(Op::Initialized.name(), None))];
        if let Some(level) = self.settings.log_level {
            let mut params = JsonWriter::new();
            params.begin_object().key("level").str(level.as_str()).end_object();
            steps.push(Step::Send(self.own(Op::SetLevel, params.into_slice())));
        }
        steps.extend(held.into_iter().map(|(_, text)| Step::Send(text)));
        steps
    }

    /// Checks the negotiated revision. A server that does not support the revision responds with another one (VER-11).
    fn agrees(&self, result: &JsonSlice) -> Result<(), RpcError> {
        let version = result.member("protocolVersion");
        let version = version.as_ref().and_then(|version| version.decode_str()).unwrap_or_default();
        let wanted = self.settings.revision.as_str();
        if version == wanted {
            return Ok(());
        }
        Err(RpcError::unsupported_version(wanted))
    }

    fn notification(&mut self, Notification { method, params }: Notification) -> Vec<Step> {
        let object = params.object();
        match method.as_str() {
            "notifications/progress" => match self.progressed(&params) {
                Some(request) => vec![Step::Tell(ClientEvent::Progress { request, params: object })],
                None => Vec::new(),
            },
            "notifications/message" => vec![Step::Tell(ClientEvent::Log(object))],
            "notifications/cancelled" => {
                let id = params.get("requestId");
                self.questions.retain(|_, open| !open.is_of(id.as_ref()));
                Vec::new()
            }
            method => {
                let method = method.to_owned();
                vec![Step::Tell(ClientEvent::Notification { method, params: object })]
            }
        }
    }

    /// The request that a progress notification belongs to.
    fn progressed(&self, params: &Params) -> Option<u64> {
        let request = number_of(&params.get("progressToken")?)?;
        let known = self.pending.values().any(|pending| pending.request == Some(request));
        known.then_some(request)
    }

    /// Handles a question in a legacy session.
    fn asked(&mut self, Request { id, method, params }: Request) -> Vec<Step> {
        match rounds::kind(method.as_str(), &params.object()) {
            Some(kind) => {
                let question = self.number();
                self.questions.insert(question, OpenQuestion::Request(id));
                vec![Step::Tell(ClientEvent::Asked { question, kind, params: params.object() })]
            }
            None => {
                let error = RpcError::method_not_found(method.as_str());
                vec![Step::Send(crate::proto::results::shape::error(
                    Some(&id),
                    Some(self.settings.revision),
                    &error,
                ))]
            }
        }
    }
}

/// The event for the end of a request.
fn answered(pending: &Pending, outcome: Result<Reply, RpcError>) -> Vec<Step> {
    let tell = |request| Step::Tell(ClientEvent::Answered { request, outcome });
    pending.request.map(tell).into_iter().collect()
}

/// A number of this client in a message of the server.
fn number_of(value: &JsonSlice) -> Option<u64> {
    value.as_str().parse().ok()
}
