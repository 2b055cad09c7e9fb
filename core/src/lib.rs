//! Tenon: an embeddable engine for the Model Context Protocol.
//!
//! A [`Server`] is only data: a name, entries, limits. When it is served, the transports start. Handlers are written
//! in Rust ([`handler`]), or belong to a host language that uses a [`HostPort`].
//!
//! The layers are `json`, `proto`, `dispatch`, `host` and `runtime`. Each layer uses only those before it. All layers
//! except `runtime` are free of I/O and clocks, and can be built without the `runtime` feature.
#![forbid(unsafe_code)]
// Without the transports, code that only they use is dead. Builds with them report all dead code.
#![cfg_attr(not(feature = "runtime"), allow(dead_code, unused_imports))]

mod dispatch;
mod entries;
mod error;
mod events;
mod faults;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod handler;
mod host;
pub mod json;
pub mod locks;
pub mod observer;
mod panics;
mod proto;
mod results;
#[cfg(feature = "runtime")]
mod runtime;
mod server;
pub mod store;
mod sync;
#[cfg(feature = "runtime")]
pub mod testing;
pub mod transport;

pub use crate::dispatch::access::Anonymous;
pub use crate::dispatch::calls::ask::{Ask, AskError, AskId, Asked, Elicit, Sample};
pub use crate::dispatch::calls::table::CallId;
pub use crate::dispatch::options::{
    Audit, AuditTarget, Cache, CircuitBreaker, Disabled, Form, OptionError, OptionRow, Owner, Owners,
    POLICY_VALUES, Policies, PolicyValueRow, RateLimit, Retry, ServerSettings, ShortForm, Spelling,
    VERIFIERS, Verifier, VerifierKind, VerifierOptions, VerifierRow,
};
pub use crate::dispatch::policy::{Counts, Failure, Key, OnStoreFailure, RefusalForm, Window};
pub use crate::dispatch::registry::entry::Entry;
pub use crate::dispatch::validation::arguments::UnknownArguments;
pub use crate::proto::catalog::cache::{CacheHints, CacheScope, Cacheable};
pub use crate::proto::catalog::kind::Kind;
pub use crate::proto::messages::envelope::Client;
pub use crate::proto::messages::error::{ErrorClass, ResponseError, RpcError, code};
pub use crate::proto::messages::event::{Event, EventKind};
pub use crate::proto::messages::id::RequestId;
pub use crate::proto::messages::trace::TraceContext;
pub use crate::proto::session::capability::Capability;
pub use crate::proto::session::logging::Level;
pub use crate::proto::session::task::TaskSupport;
pub use crate::proto::version::{Era, Revision};
pub use dispatch::environment::Environment;
pub use dispatch::limits::{Limit, LimitValue, Limits, Unit, WrongLimit};
pub use dispatch::log::{Log, LogLevel, Record};
pub use dispatch::principal::Principal;
pub use entries::{
    Completion, Hook, Html, Method, Notification, Prompt, PromptArgument, Resource, ResourceProvider,
    ResourceTemplate, Tool, Ui,
};
pub use error::{Error, ErrorKind};
pub use handler::{
    CallError, CallQuestion, Completing, Credentials, IntoHandler, IntoOutcome, Json, Listing,
    VisibilityQuestion, handler,
};
pub use host::{
    AskMode, Attachment, CONTEXT_FIELDS, CallContext, CancelReason, Context, ContextField, ContextForm,
    Drained, HandlerId, HostCall, HostFunctionKind, HostOp, HostPort, InlineHost, Lane, LaneId, Layer,
    LocalFuture, LocalHandler, LocalMiddleware, Next, NextError, Outcome, OutcomeKind, Parker,
    PrincipalFuture, PrincipalRefusal, PrincipalRequest, PrincipalResolver, Registered, RequestHeaders,
    RequestOrigin, Resolution, Spawn, Stale, State, Target, Threads, Wake,
};
pub use host::{BreakerPermit, ServerBreaker, ServerCache, ServerLimiter};
pub use json::JsonSlice;
pub use panics::locate_panics;
pub use proto::operation::CALLS;
pub use proto::question::{Action, Answer, Question, Root};
pub use results::{Content, PromptMessage, ResourceContents, Role, ToolResult};
#[cfg(feature = "runtime")]
pub use runtime::http;
#[cfg(feature = "runtime")]
pub use runtime::{
    AddressForm, ConfiguredTransport, HangupWatch, HttpOptions, Running, ServeOptions, Settings,
    SettingsBuilder, SseOptions, SystemEnvironment, TRANSPORTS, Takes, TransportKind, TransportOptions,
    TransportRow, UnixOptions, WebSocketOptions,
};
pub use serde_json::json;
pub use server::{ApiKey, ApiKeys, Introspection, Jwt, Server, ServerBuilder};

/// Items for this repository's own bindings, tests and macros. They may change at any time.
#[doc(hidden)]
pub mod __private {
    pub use crate::dispatch::log::AUDIT;
    pub use crate::dispatch::options::{ApiKeyOptions, Options, names, unknown_option, write};
    pub use crate::dispatch::registry::catalog::Catalog;
    pub use crate::dispatch::registry::registered::Registered;
    pub use crate::dispatch::validation::arguments::{Arguments, Policy};
    pub use crate::dispatch::validation::schema::Schema;
    pub use crate::faults::pass as pass_fault;
    pub use crate::json::{minify, scan};
    pub use crate::proto::framing::sse::SseDecoder;
    pub use crate::proto::messages::message::Message;
    pub use crate::proto::operation::{names_in, outgoing};
    #[cfg(feature = "runtime")]
    pub use crate::runtime::{
        HttpClient, HttpClientError, HttpClientOptions, Network, OutgoingRequest, OutgoingResponse, Phase,
        Sending, SystemNetwork, Trust,
    };
    #[cfg(feature = "runtime")]
    pub use crate::runtime::{open_standard, unknown_transport};
    pub use serde_json::json;
    #[cfg(feature = "runtime")]
    pub use tenon_crash::flush as flush_printed;
}
