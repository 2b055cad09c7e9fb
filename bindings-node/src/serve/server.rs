//! The class `Engine`, which `js/` uses. Its methods run on the environment's thread and do not wait.

use crate::calls::wake::WakeTarget;
use crate::error::{Result, to_js};
use crate::register::entry;
use crate::register::settings::ServerConfig;
use crate::register::settings_tree::Settings;
use crate::register::values::json;
use crate::serve::js_calls::{Dispatch, ScheduleTurn};
use crate::serve::session::{LANE, ServerState, Session};
use crate::serve::transports::{ListenOptions, Listening};
use crate::serve::unmounted::MountGuard;
use bytes::Bytes;
use napi::bindgen_prelude::{AsyncTask, Uint8Array, Uint32Array};
use napi::{Env, Task};
use napi_derive::napi;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use tenon_mcp::{CALLS, HandlerId, Html, Kind, Layer, LogLevel, Spelling, Target, Ui};

/// A server of this environment.
#[napi]
pub struct Engine(pub(crate) Rc<ServerState>);

/// Waits for the reply of a store, on a thread that may wait.
pub struct StoreReply(Receiver<String>);

impl Task for StoreReply {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> napi::Result<String> {
        self.0.recv().map_err(|_| napi::Error::from_reason("the store has dropped the operation"))
    }

    fn resolve(&mut self, _: Env, reply: String) -> napi::Result<String> {
        Ok(reply)
    }
}

/// The handlers of removed entries.
#[napi(object, object_from_js = false)]
pub struct RemovedHandlers {
    pub handlers: Vec<u32>,
    /// Whether JavaScript can release the handlers now. Otherwise the dispatch function is notified later, when it can.
    pub now: bool,
}

/// The kinds of the entries that belong to a kind's name. A provider also has the template that is read through it.
fn kinds(name: &str) -> Result<Vec<Kind>> {
    Ok(match entry::kind(name)? {
        Kind::ResourceProvider => vec![Kind::ResourceProvider, Kind::ResourceTemplate],
        kind => vec![kind],
    })
}

#[napi]
impl Engine {
    /// Builds a server, from settings of the program too if there are some.
    #[napi(constructor, catch_unwind)]
    pub fn new(config: ServerConfig, settings: Option<&Settings>) -> Result<Engine> {
        tenon_mcp::locate_panics();
        let settings = settings.map(|settings| settings.0.clone());
        let (server, records, bounds) = config.build(settings.as_ref())?;
        Ok(Engine(Rc::new(ServerState {
            server,
            settings,
            bounds,
            records,
            process: Default::default(),
            calls: Default::default(),
            session: Default::default(),
            removed_handlers: Default::default(),
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

    /// Whether the settings allow log records of this level now, for records that JavaScript makes.
    #[napi(catch_unwind)]
    pub fn logs(&self, level: String) -> bool {
        LogLevel::named(&level).is_none_or(|level| level >= self.0.server.port().log_level())
    }

    /// Registers an entry. `options` is JSON text, and `handler` is the number of its handler in JavaScript.
    /// `replaces`: a method answers a request of the protocol instead of the engine.
    #[napi(catch_unwind)]
    pub fn add(&self, kind: String, options: String, handler: u32, replaces: bool) -> Result<()> {
        let entry = entry::entry(entry::kind(&kind)?, options)?;
        self.add_entry(if replaces { entry.replacing() } else { entry }, handler)
    }

    /// Registers a function that completes an argument. `policies` is JSON text.
    #[napi(catch_unwind)]
    pub fn add_completion(
        &self,
        kind: String,
        of: String,
        argument: String,
        policies: String,
        handler: u32,
    ) -> Result<()> {
        self.add_entry(entry::completion(&kind, &of, &argument, policies)?, handler)
    }

    /// Registers a view. `html` is its document, or the folder that has it.
    #[napi(catch_unwind)]
    pub fn add_ui(&self, options: String, html: String, is_folder: bool) -> Result<()> {
        let entry = entry::entry(Kind::Resource, options)?;
        let html = if is_folder { Html::folder(html) } else { Html::from(html) };
        self.0.server.ui(Ui::from(entry), html).map_err(to_js)
    }

    /// Serves a folder of skills.
    #[napi(catch_unwind)]
    pub fn add_skills(&self, folder: String) -> Result<()> {
        self.0.server.skills(folder).map_err(to_js)
    }

    /// Adds a page, or replaces the page at its path.
    #[napi(catch_unwind)]
    pub fn add_page(&self, path: String, content_type: String, body: Uint8Array) -> Result<()> {
        self.0.server.page(path, content_type, Bytes::copy_from_slice(&body)).map_err(to_js)
    }

    /// Removes a page; `false` if there is none at this path.
    #[napi(catch_unwind)]
    pub fn remove_page(&self, path: String) -> bool {
        self.0.server.remove_page(path)
    }

    /// Adds middleware around operations, which are given by name. Default: around calls of handlers.
    #[napi(catch_unwind)]
    pub fn add_middleware(&self, operations: Option<Vec<String>>, handler: u32) -> Result<()> {
        let layer = Layer::Lane { lane: LANE, handler: HandlerId(handler), moves: false, kept: None };
        let added = match &operations {
            None => self.0.server.add_middleware(&CALLS, layer),
            Some(names) => {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                self.0.server.add_middleware(&names, layer)
            }
        };
        added.map_err(to_js)
    }

    /// Removes an entry; `null` if there is none of this name.
    #[napi(catch_unwind)]
    pub fn remove(&self, kind: String, name: String) -> Result<Option<RemovedHandlers>> {
        let (mut handlers, mut found) = (Vec::new(), false);
        for kind in kinds(&kind)? {
            // Without a provider, the template belongs to another entry.
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
            self.0.removed_handlers.borrow_mut().extend(&handlers);
            session.request_turn();
        }
        Ok(Some(RemovedHandlers { handlers, now: session.is_none() }))
    }

    /// Enables or disables an entry; `false` if there is none of this name.
    #[napi(catch_unwind)]
    pub fn enable(&self, kind: String, name: String, enabled: bool) -> Result<bool> {
        let server = &self.0.server;
        let set = |kind| if enabled { server.enable(kind, &name) } else { server.disable(kind, &name) };
        Ok(kinds(&kind)?.into_iter().all(set))
    }

    /// What applies to an entry, and its state, as JSON text; `undefined` if there is no such entry.
    #[napi(catch_unwind)]
    pub fn policies(&self, kind: String, name: String) -> Result<Option<String>> {
        let found = self.0.server.policies_in(entry::kind(&kind)?, &name, Spelling::Node);
        Ok(found.map(|shown| shown.as_str().to_owned()))
    }

    /// Changes policies of an entry. `policies` is JSON text.
    #[napi(catch_unwind)]
    pub fn change_policies(&self, kind: String, name: String, policies: String) -> Result<()> {
        let (kind, policies) = (entry::kind(&kind)?, json(policies));
        self.0.server.change_policies_in(kind, &name, &policies, Spelling::Node).map_err(to_js)
    }

    /// Switches a policy of an entry on or off.
    #[napi(catch_unwind)]
    pub fn switch_policy(&self, kind: String, name: String, policy: String, on: bool) -> Result<()> {
        let kind = entry::kind(&kind)?;
        self.0.server.switch_policy_in((kind, &name), &policy, on, Spelling::Node).map_err(to_js)
    }

    /// Clears the state of a policy of an entry, or of all of them.
    #[napi(catch_unwind)]
    pub fn clear_policy(&self, kind: String, name: String, policy: Option<String>) -> Result<()> {
        let kind = entry::kind(&kind)?;
        self.0.server.clear_policy_in((kind, &name), policy.as_deref(), Spelling::Node).map_err(to_js)
    }

    /// Mounts another server of this environment. Numbers of handlers are unique in the environment. Once the mount is no
    /// longer needed, its `number` is passed to the dispatch function, or returned by `unmount`.
    #[napi(catch_unwind)]
    pub fn mount(&self, other: &Engine, number: u32, prefix: Option<String>) -> Result<()> {
        let guard = MountGuard::new(number, &self.0.unmounted);
        let adopt = move |target: &Target| {
            let _guard = &guard;
            target.clone()
        };
        self.0.server.mount_with(&other.0.server, prefix.as_deref(), adopt).map_err(to_js)
    }

    /// Removes a mount. Returns the numbers of mounts that are no longer needed, unless the dispatch function has got them.
    #[napi(catch_unwind)]
    pub fn unmount(&self, other: &Engine, prefix: Option<String>) -> Result<Vec<u32>> {
        self.0.server.unmount(&other.0.server, prefix.as_deref()).map_err(to_js)?;
        Ok(self.0.unmounted.take())
    }

    /// Enables or disables the entries that have one of these tags. Returns whether there are any.
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

    /// Notifies a client that its user has completed a requested visit to a page. `false` if no client waits for it.
    #[napi(catch_unwind)]
    pub fn elicitation_complete(&self, id: String) -> bool {
        self.0.server.elicitation_complete(&id)
    }

    /// Sends a notification to every session. `params` is JSON text. Returns how many sessions can be reached.
    #[napi(catch_unwind)]
    pub fn notify(&self, method: String, params: String) -> Result<u32> {
        let reached = self.0.server.notify(&method, &json(params)).map_err(to_js)?;
        Ok(reached.try_into().unwrap_or(u32::MAX))
    }

    /// Notifies the subscribers of a resource that it has changed.
    #[napi(catch_unwind)]
    pub fn resource_updated(&self, uri: String) {
        self.0.server.resource_updated(&uri);
    }

    /// Notifies clients that a list has changed.
    #[napi(catch_unwind)]
    pub fn list_changed(&self, kind: String) -> Result<()> {
        self.0.server.list_changed(entry::kind(&kind)?).map_err(to_js)
    }

    /// For tests of stores: runs an operation on the store. It and the reply are JSON text, as the store's `submit` has
    /// them.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn store_operation(&self, op: String) -> Result<AsyncTask<StoreReply>> {
        let (say, hear) = channel();
        let done = move |reply| {
            let _ = say.send(reply);
        };
        tenon_mcp::testing::store_operation(&self.0.server, &op, Spelling::Node, done).map_err(to_js)?;
        Ok(AsyncTask::new(StoreReply(hear)))
    }

    /// Starts the transports. `numbers` is the array for the numbers of batches.
    #[napi(catch_unwind)]
    pub fn listen(
        &self,
        env: Env,
        #[napi(ts_arg_type = "(batch: string) => void")] dispatch: Dispatch<'_>,
        #[napi(ts_arg_type = "() => void")] schedule_turn: ScheduleTurn<'_>,
        numbers: Uint32Array,
        options: ListenOptions,
    ) -> Result<Listening> {
        let serve = options.serve(self.0.settings.as_ref())?;
        let listening = Listening::new(&serve);
        let session = Session::open(&env, &self.0, &dispatch, &schedule_turn, numbers, (options, serve))?;
        Ok(listening.running(session.running(), session.start_known()))
    }

    /// Takes the turn that `scheduleTurn` has scheduled.
    #[napi(catch_unwind)]
    pub fn turn(&self) {
        let session = self.0.session.borrow().clone();
        if let Some(session) = session {
            session.run();
        }
    }

    /// Begins a graceful shutdown. The dispatch function is notified when the shutdown is complete.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let session = self.0.session.borrow().clone();
        let Some(running) = session.as_ref().and_then(|session| session.running()) else { return };
        session.iter().for_each(|session| session.ref_until_end());
        match &*self.0.process.borrow() {
            Some(process) => process.close(),
            None => {
                running.close();
            }
        }
    }

    /// Ends the server at once, because JavaScript no longer references it. Does not wait.
    #[napi(catch_unwind)]
    pub fn close_now(&self) {
        let session = self.0.session.borrow().clone();
        if let Some(session) = session {
            session.close_now();
        }
    }

    /// Ends the server because the process is about to exit. Waits up to a second until answers are written.
    #[napi(catch_unwind)]
    pub fn abandon(&self) {
        let session = self.0.session.borrow().clone();
        if let Some(session) = session {
            session.abandon();
        }
    }
}

impl Engine {
    fn add_entry(&self, entry: tenon_mcp::Entry, handler: u32) -> Result<()> {
        let target = Target::Lane { lane: LANE, handler: HandlerId(handler) };
        self.0.server.add(entry, target).map_err(to_js)
    }
}
