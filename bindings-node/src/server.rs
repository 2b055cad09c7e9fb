//! The class that `js/` drives. Its methods run on the environment's thread and wait for nothing.

use crate::answers;
use crate::batch::write_answer;
use crate::calls::join;
use crate::error::{Result, to_js};
use crate::options::{ListenOptions, ToolOptions, json, limits};
use crate::session::{Dispatch, LANE, Session, State};
use napi::Env;
use napi_derive::napi;
use std::rc::Rc;
use tenon_mcp::{Ask, AskError, AskMode, Asked, Event, HandlerId, Server, Target};

/// A server of this environment.
#[napi]
pub struct Engine(Rc<State>);

/// What became of a question.
#[napi(object, object_from_js = false)]
pub struct AskReply {
    /// `answered` (text: the answer), `waiting` (id: the question), `suspended`, or why it was refused: `stale`,
    /// `unsupported` (id: the refusal), `invalid`, `failed` (text: the reason).
    pub state: String,
    pub id: u32,
    pub text: String,
}

/// What became of a removed tool's handler.
#[napi(object, object_from_js = false)]
pub struct Removed {
    pub handler: u32,
    /// It can be forgotten now; otherwise the dispatch function will be told.
    pub now: bool,
}

#[napi]
impl Engine {
    /// Builds a server; `limits` are names and values.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        name: String,
        version: String,
        instructions: Option<String>,
        limit_names: Vec<String>,
        limit_values: Vec<f64>,
    ) -> Result<Engine> {
        let entries: Vec<_> = limit_names.into_iter().zip(limit_values).collect();
        let mut builder = Server::builder(name, version).limits(limits(&entries)?);
        if let Some(instructions) = instructions {
            builder = builder.instructions(instructions);
        }
        let server = builder.build().map_err(to_js)?;
        Ok(Engine(Rc::new(State {
            server,
            calls: Default::default(),
            session: Default::default(),
            retired: Default::default(),
        })))
    }

    /// Registers a tool whose calls go to `handler` of the JavaScript side's table.
    #[napi(catch_unwind)]
    pub fn add_tool(&self, options: ToolOptions, handler: u32) -> Result<()> {
        let target = Target::Lane { lane: LANE, handler: HandlerId(handler) };
        self.0.server.add_tool(options.into_tool()?, target).map_err(to_js)
    }

    /// Removes a tool; `null` if there is none of this name.
    #[napi(catch_unwind)]
    pub fn remove_tool(&self, name: String) -> Option<Removed> {
        let Some(Target::Lane { handler, .. }) = self.0.server.remove_tool(&name) else { return None };
        let session = self.0.session.borrow();
        if let Some(session) = &*session {
            self.0.retired.borrow_mut().push(handler.0);
            session.nudge();
        }
        Some(Removed { handler: handler.0, now: session.is_none() })
    }

    /// Starts the transports. Returns the URL of HTTP, if it is one of them.
    #[napi(catch_unwind)]
    pub fn listen(&self, env: Env, dispatch: Dispatch<'_>, options: ListenOptions) -> Result<Option<String>> {
        let session = Session::open(&env, &self.0, &dispatch, options.into_serve()?)?;
        Ok(session.running().and_then(|running| running.http_url()))
    }

    /// Begins a graceful end; the dispatch function hears when it is complete.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        if let Some(running) = self.0.session.borrow().as_ref().and_then(|session| session.running()) {
            running.close();
        }
    }

    /// Ends without handlers: the process is about to exit. Waits a moment for answers to be written.
    #[napi(catch_unwind)]
    pub fn abandon(&self) {
        let session = self.0.session.borrow().clone();
        if let Some(session) = session {
            session.abandon();
        }
    }

    /// Takes a batch of answers: the first `length` numbers of `records`, and one line of text for each answer.
    #[napi(catch_unwind)]
    pub fn complete(&self, records: &[u32], length: u32, text: String) -> Result<()> {
        let records = &records[..records.len().min(length as usize)];
        let answers = answers::read(records, text, &mut self.0.calls.borrow_mut())?;
        self.0.server.port().complete_many(answers);
        Ok(())
    }

    /// Reports progress; nothing happens if the client did not ask for it or the call is over.
    #[napi(catch_unwind)]
    pub fn progress(
        &self,
        slot: u32,
        generation: u32,
        progress: f64,
        total: Option<f64>,
        message: Option<String>,
    ) {
        let event = Event::Progress { progress, total, message };
        let _ = self.0.server.port().emit(join(slot, generation), event);
    }

    /// Asks the client.
    #[napi(catch_unwind)]
    pub fn ask(
        &self,
        slot: u32,
        generation: u32,
        key: Option<String>,
        message: String,
        schema: String,
    ) -> AskReply {
        let id = join(slot, generation);
        let ask = Ask { key, message, schema: json(schema) };
        let reply = |state: &str, id, text| AskReply { state: state.into(), id, text };
        match self.0.server.port().ask(id, ask, AskMode::Park) {
            Ok(Asked::Answered(answer)) => reply("answered", 0, write_answer(&answer).as_str().to_owned()),
            Ok(Asked::Waiting(ask)) => reply("waiting", ask.0, String::new()),
            Ok(Asked::Suspended) => reply("suspended", 0, String::new()),
            Err(error) => {
                let text = error.to_string();
                match error {
                    AskError::Unsupported(_) => {
                        reply("unsupported", self.0.calls.borrow_mut().refuse(id, error), text)
                    }
                    AskError::Stale => reply("stale", 0, text),
                    AskError::Invalid(_) => reply("invalid", 0, text),
                    _ => reply("failed", 0, text),
                }
            }
        }
    }

    /// What a handler may know about its call, as JSON text; `null` once it is over.
    #[napi(catch_unwind)]
    pub fn describe(&self, slot: u32, generation: u32) -> Option<String> {
        self.0.calls.borrow().describe(join(slot, generation))
    }
}
