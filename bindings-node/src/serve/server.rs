//! The class that `js/` drives. Its methods run on the environment's thread and wait for nothing.

use crate::error::{Result, to_js};
use crate::register::entry;
use crate::register::entry::Policies;
use crate::register::options::{ListenOptions, json};
use crate::register::settings::Settings;
use crate::serve::session::{Again, Dispatch, LANE, Session, State};
use crate::serve::unmounted::Mounted;
use crate::serve::web::Urls;
use bytes::Bytes;
use napi::Env;
use napi::bindgen_prelude::{Uint8Array, Uint32Array};
use napi_derive::napi;
use std::rc::Rc;
use tenon_mcp::{CALLS, HandlerId, Html, Kind, Layer, Target, Ui};

/// A server of this environment.
#[napi]
pub struct Engine(pub(crate) Rc<State>);

/// What became of the handlers of what was removed.
#[napi(object, object_from_js = false)]
pub struct Removed {
    pub handlers: Vec<u32>,
    /// They can be forgotten now; otherwise the dispatch function will be told.
    pub now: bool,
}

/// The kinds of the entries that a word stands for: a provider is the template that is read through it, too.
fn kinds(word: &str) -> Result<Vec<Kind>> {
    Ok(match entry::kind(word)? {
        Kind::ResourceProvider => vec![Kind::ResourceProvider, Kind::ResourceTemplate],
        kind => vec![kind],
    })
}

#[napi]
impl Engine {
    /// Builds a server.
    #[napi(constructor, catch_unwind)]
    pub fn new(settings: Settings) -> Result<Engine> {
        tenon_mcp::locate_panics();
        let (server, records, bounds) = settings.build()?;
        Ok(Engine(Rc::new(State {
            server,
            bounds,
            records,
            process: Default::default(),
            calls: Default::default(),
            session: Default::default(),
            retired: Default::default(),
            links: Default::default(),
            exchanges: Default::default(),
            unmounted: Default::default(),
        })))
    }

    /// The deepest nesting and the largest text of a result.
    #[napi(catch_unwind)]
    pub fn bounds(&self) -> Vec<u32> {
        self.0.bounds.to_vec()
    }

    /// Registers an entry whose calls go to `handler` of the JavaScript side's table; its definition is JSON text.
    #[napi(catch_unwind)]
    pub fn add(&self, kind: String, definition: String, policies: Policies, handler: u32) -> Result<()> {
        let target = Target::Lane { lane: LANE, handler: HandlerId(handler) };
        let entry = entry::entry(entry::kind(&kind)?, definition, policies)?;
        self.0.server.add(entry, target).map_err(to_js)
    }

    /// Registers a view, whose document is text or a folder's.
    #[napi(catch_unwind)]
    pub fn add_ui(
        &self,
        definition: String,
        policies: Policies,
        html: String,
        is_folder: bool,
    ) -> Result<()> {
        let entry = entry::entry(Kind::Resource, definition, policies)?;
        let html = if is_folder { Html::folder(html) } else { Html::from(html) };
        self.0.server.ui(Ui::from(entry), html).map_err(to_js)
    }

    /// Serves a folder of skills.
    #[napi(catch_unwind)]
    pub fn add_skills(&self, folder: String) -> Result<()> {
        self.0.server.skills(folder).map_err(to_js)
    }

    /// Adds a page, or puts it in place of that under its path.
    #[napi(catch_unwind)]
    pub fn add_page(&self, path: String, content_type: String, body: Uint8Array) -> Result<()> {
        self.0.server.page(path, content_type, Bytes::copy_from_slice(&body)).map_err(to_js)
    }

    /// Removes a page; `false` if there is none under this path.
    #[napi(catch_unwind)]
    pub fn remove_page(&self, path: String) -> bool {
        self.0.server.remove_page(path)
    }

    /// Puts a function of JavaScript's around operations, by their words; without any around calls of handlers.
    #[napi(catch_unwind)]
    pub fn add_middleware(&self, operations: Option<Vec<String>>, handler: u32) -> Result<()> {
        let layer = Layer::Lane { lane: LANE, handler: HandlerId(handler), moves: false, kept: None };
        let added = match &operations {
            None => self.0.server.add_middleware(&CALLS, layer),
            Some(words) => {
                let words: Vec<_> = words.iter().map(String::as_str).collect();
                self.0.server.add_middleware(&words, layer)
            }
        };
        added.map_err(to_js)
    }

    /// Removes an entry; `null` if there is none of this name.
    #[napi(catch_unwind)]
    pub fn remove(&self, kind: String, name: String) -> Result<Option<Removed>> {
        let (mut handlers, mut found) = (Vec::new(), false);
        for kind in kinds(&kind)? {
            // Without provider the template is another's.
            let Some(target) = self.0.server.remove(kind, &name) else { break };
            found = true;
            if let Target::Lane { handler, .. } = target {
                handlers.push(handler.0);
            }
        }
        if !found {
            return Ok(None);
        }
        let session = self.0.session.borrow();
        if let Some(session) = &*session {
            self.0.retired.borrow_mut().extend(&handlers);
            session.nudge();
        }
        Ok(Some(Removed { handlers, now: session.is_none() }))
    }

    /// Shows or hides an entry; `false` if there is none of this name.
    #[napi(catch_unwind)]
    pub fn enable(&self, kind: String, name: String, enabled: bool) -> Result<bool> {
        let server = &self.0.server;
        let set = |kind| if enabled { server.enable(kind, &name) } else { server.disable(kind, &name) };
        Ok(kinds(&kind)?.into_iter().all(set))
    }

    /// Makes another server of this environment a part of this one. Handlers have numbers of the whole environment.
    /// Once nothing needs the mount any more, its `number` is told to the dispatch function or returned by `unmount`.
    #[napi(catch_unwind)]
    pub fn mount(&self, other: &Engine, number: u32, prefix: Option<String>) -> Result<()> {
        let mounted = Mounted::new(number, &self.0.unmounted);
        let adopt = move |target: &Target| {
            let _mounted = &mounted;
            target.clone()
        };
        self.0.server.mount_with(&other.0.server, prefix.as_deref(), adopt).map_err(to_js)
    }

    /// Undoes that. Returns the numbers of the mounts that nothing needs any more, as far as they have not been told.
    #[napi(catch_unwind)]
    pub fn unmount(&self, other: &Engine, prefix: Option<String>) -> Result<Vec<u32>> {
        self.0.server.unmount(&other.0.server, prefix.as_deref()).map_err(to_js)?;
        Ok(self.0.unmounted.take())
    }

    /// Shows or hides what has one of these tags; whether anything has.
    #[napi(catch_unwind)]
    pub fn enable_tags(&self, tags: Vec<String>, enabled: bool) -> bool {
        let server = &self.0.server;
        (if enabled { server.enable_tags(tags) } else { server.disable_tags(tags) }) > 0
    }

    /// All entries of a kind, as JSON text: `[{"definition":…,"enabled":…}]`.
    #[napi(catch_unwind)]
    pub fn entries(&self, kind: String) -> Result<String> {
        Ok(entry::describe(&self.0.server, entry::kind(&kind)?))
    }

    /// Tells a client that a visit it was asked for has come to its end; `false` if none waits for it.
    #[napi(catch_unwind)]
    pub fn elicitation_complete(&self, id: String) -> bool {
        self.0.server.elicitation_complete(&id)
    }

    /// Sends a notification to every session; `params` is JSON text. Returns how many can be reached.
    #[napi(catch_unwind)]
    pub fn notify(&self, method: String, params: String) -> Result<u32> {
        let reached = self.0.server.notify(&method, &json(params)).map_err(to_js)?;
        Ok(reached.try_into().unwrap_or(u32::MAX))
    }

    /// Has those subscribed to a resource told that it has changed.
    #[napi(catch_unwind)]
    pub fn resource_updated(&self, uri: String) {
        self.0.server.resource_updated(&uri);
    }

    /// Has clients told that a list has changed.
    #[napi(catch_unwind)]
    pub fn list_changed(&self, kind: String) -> Result<()> {
        self.0.server.list_changed(entry::kind(&kind)?).map_err(to_js)
    }

    /// Starts the transports; `numbers` is where batches put their numbers. Returns where they can be reached.
    #[napi(catch_unwind)]
    pub fn listen(
        &self,
        env: Env,
        #[napi(ts_arg_type = "(batch: string) => void")] dispatch: Dispatch<'_>,
        #[napi(ts_arg_type = "() => void")] again: Again<'_>,
        numbers: Uint32Array,
        options: ListenOptions,
    ) -> Result<Urls> {
        let session = Session::open(&env, &self.0, &dispatch, &again, numbers, options)?;
        Ok(Urls::of(session.running(), session.has_begun()))
    }

    /// Takes a turn; called because `again` was.
    #[napi(catch_unwind)]
    pub fn turn(&self) {
        let session = self.0.session.borrow().clone();
        if let Some(session) = session {
            session.run();
        }
    }

    /// Begins a graceful end; the dispatch function hears when it is complete.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let session = self.0.session.borrow().clone();
        let Some(running) = session.as_ref().and_then(|session| session.running()) else { return };
        session.iter().for_each(|session| session.keep_to_the_end());
        match &*self.0.process.borrow() {
            Some(process) => process.close(),
            None => {
                running.close();
            }
        }
    }

    /// Ends without handlers, since nobody has the server any more. Does not wait.
    #[napi(catch_unwind)]
    pub fn let_go(&self) {
        let session = self.0.session.borrow().clone();
        if let Some(session) = session {
            session.let_go();
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
}
