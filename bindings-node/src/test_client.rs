//! A client in the process of its server, for `tenon-mcp/testing`. Its events reach JavaScript in the batches of the
//! environment that runs the server.

use crate::error::{Result, invalid, to_js};
use crate::register::values::{json, principal};
use crate::serve::server::Engine;
use crate::serve::session::ServerState;
use napi_derive::napi;
use std::rc::Rc;
use std::sync::Arc;
use tenon_mcp::testing::{ClientOptions, Link as CoreLink};
use tenon_mcp::{Level, Question, Revision};

/// One client.
#[napi]
pub struct Link {
    state: Rc<ServerState>,
    link: Arc<CoreLink>,
    /// The client's number in batches.
    number: u32,
}

/// The client's information and capabilities.
#[napi(object)]
pub struct LinkOptions {
    pub revision: Option<String>,
    /// The names of the questions that the client can answer.
    pub questions: Vec<String>,
    /// JSON text.
    pub capabilities: Option<String>,
    /// JSON text.
    pub info: Option<String>,
    pub log_level: Option<String>,
    /// JSON text.
    pub principal: Option<String>,
}

impl LinkOptions {
    fn read(self) -> Result<ClientOptions> {
        let mut options = ClientOptions::new();
        if let Some(word) = self.revision {
            let unknown = || {
                invalid(format!(
                    "Client: there is no revision {word:?}; the revisions are {}",
                    Revision::ALL.map(Revision::as_str).join(", ")
                ))
            };
            options = options.revision(Revision::parse(&word).ok_or_else(unknown)?);
        }
        let questions = self.questions.iter().filter_map(|word| Question::named(word));
        options = questions.fold(options, ClientOptions::can);
        if let Some(text) = self.capabilities {
            options = options.capabilities(json(text));
        }
        if let Some(text) = self.info {
            options = options.info(json(text));
        }
        if let Some(word) = self.log_level {
            let unknown = || {
                invalid(format!(
                    "Client: there is no logLevel {word:?}; the levels are {}",
                    Level::all().map(|level| level.as_str()).collect::<Vec<_>>().join(", ")
                ))
            };
            options = options.log_level(Level::named(&word).ok_or_else(unknown)?);
        }
        Ok(match self.principal {
            Some(text) => {
                let read = principal(text).map_err(|reason| invalid(format!("Client: principal: {reason}")));
                options.principal(read?)
            }
            None => options,
        })
    }
}

#[napi]
impl Link {
    /// Opens a client of a server of this environment; `number` is its number in batches.
    #[napi(constructor, catch_unwind)]
    pub fn new(engine: &Engine, number: u32, options: LinkOptions) -> Result<Link> {
        let state = engine.0.clone();
        let link = Arc::new(CoreLink::open(&state.server, &options.read()?).map_err(to_js)?);
        if let Some(session) = &*state.session.borrow() {
            link.on_event(session.waker.clone());
        }
        state.links.borrow_mut().push((number, link.clone()));
        Ok(Link { state, link, number })
    }

    /// A number for a request.
    #[napi(catch_unwind)]
    pub fn next(&self) -> u32 {
        self.link.number() as u32
    }

    /// Sends a request; `given` is JSON text.
    #[napi(catch_unwind)]
    pub fn ask(&self, request: u32, what: String, given: String, progress: bool) -> Result<()> {
        self.link.ask(request.into(), &what, &json(given), progress).map_err(to_js)
    }

    /// Answers a question with JSON text, or with a failure.
    #[napi(catch_unwind)]
    pub fn answer(&self, question: u32, kind: String, answer: String, failure: Option<String>) -> Result<()> {
        let Some(kind) = Question::named(&kind) else { return Ok(()) };
        let answer = json(answer);
        let answer = failure.as_deref().map_or(Ok(&answer), Err);
        self.link.answer(question.into(), kind, answer).map_err(to_js)
    }

    /// Cancels a request.
    #[napi(catch_unwind)]
    pub fn cancel(&self, request: u32) {
        self.link.cancel(request.into());
    }

    /// Sends a notification; `params` is JSON text.
    #[napi(catch_unwind)]
    pub fn notify(&self, method: String, params: String) {
        self.link.notify(&method, &json(params));
    }

    /// Closes the client.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.link.close();
        let closed =
            self.state.links.borrow_mut().extract_if(.., |(number, _)| *number == self.number).last();
        drop(closed);
    }
}
