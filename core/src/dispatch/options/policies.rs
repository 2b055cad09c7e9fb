//! The policies of entries.

use super::owners::Owners;
use super::spelling::Spelling;
use super::table::{Access, OptionRow};
use super::types::*;
use super::values::OptionValue;
use crate::proto::catalog::kind::Kind;

/// Kinds whose handlers may ask the client for input.
const ASKING: &[Kind] =
    &[Kind::Tool, Kind::Resource, Kind::ResourceTemplate, Kind::ResourceProvider, Kind::Prompt, Kind::Method];

/// Kinds that lists have.
const LISTED: &[Kind] = &[Kind::Tool, Kind::Resource, Kind::ResourceTemplate, Kind::Prompt];

/// Kinds that clients use.
const USED: &[Kind] = &[
    Kind::Tool,
    Kind::Resource,
    Kind::ResourceTemplate,
    Kind::ResourceProvider,
    Kind::Prompt,
    Kind::Completion,
    Kind::Method,
    Kind::Notification,
];

/// Kinds whose calls clients make.
const CALLED: &[Kind] = &[
    Kind::Tool,
    Kind::Resource,
    Kind::ResourceTemplate,
    Kind::ResourceProvider,
    Kind::Prompt,
    Kind::Completion,
    Kind::Method,
];

/// Kinds with an input schema.
const WITH_SCHEMA: &[Kind] = &[Kind::Tool, Kind::Method, Kind::Notification];

/// Kinds that are read.
const READ: &[Kind] = &[Kind::Resource, Kind::ResourceTemplate, Kind::ResourceProvider];

/// Kinds whose addresses have variables.
const WITH_VARIABLES: &[Kind] = &[Kind::ResourceTemplate, Kind::ResourceProvider];

options! {
    /// The policies of an entry: rules for its calls and its lists, which clients do not see.
    Policies in dispatch::options::types;
    group common_policies at Owners::Entries(&Kind::ALL); {
        /// The timeout of one call. If a call takes longer, the client receives an error, and a later result is dropped.
        /// Default: the limit `call_timeout`.
        timeout: Duration, changeable: true;
        /// The maximum number of concurrent calls. Further calls wait. Their callers take turns, and calls of one caller run
        /// in the order in which they arrived. A caller is a principal; calls without one are told apart by their addresses,
        /// sessions or connections. The timeout applies to the waiting time, and starts again when the call runs. The limit
        /// `max_waiting_calls` bounds how many calls wait. If it is reached, a caller with few waiting calls may add one, and
        /// the newest one of the caller with the most is refused instead. A call that waits for an answer of its client
        /// counts as running, unless its attempt has ended with the question. Default: no limit.
        max_concurrency: usize, changeable: true;
        /// Tags by which entries are disabled, and enabled again. Clients do not see them. At most 64 tags of at most 128
        /// bytes each. Default: none.
        tags: Tags;
    }
    group list_policies at Owners::Entries(LISTED); {
        /// Whether the entry is left out of every list. It can still be called. Default: no.
        hidden: bool;
    }
    group access_policies at Owners::Entries(USED); {
        /// The scopes that a caller needs, all of them. A caller without them is answered with 403 over HTTP, and with an
        /// error elsewhere; lists do not have the entry for it. Default: the server's setting.
        scopes: Grants;
        /// The roles of which a caller needs one. Default: the server's setting.
        roles: Grants;
        /// Whether callers without a principal may use the entry, although the server refuses them. Such an entry cannot need
        /// scopes or roles. Default: no, if the server's setting `anonymous` is `refuse`.
        public: bool;
    }
    group call_policies at Owners::Entries(CALLED); {
        /// The maximum number of concurrent calls with the same value of a key: an object from keys to numbers, such as
        /// `{"principal": 2}`. The keys are `principal`, `address`, `session` and `arguments.NAME`, at most 4. All of them
        /// apply, and `max_concurrency` too. Further calls wait, and calls with other values do not wait for them. Calls
        /// without a session count by their principal, and those without a principal by their address. An IPv6 network of 64
        /// bits counts as one address. Default: no limit.
        max_concurrency_by: ConcurrencyByKey, changeable: true;
        /// How many calls may be made in a time. Further calls are refused at once, with the time to wait. It is a text such
        /// as `60/min`, an object with the members `amount`, `per`, `burst`, `window`, `by`, `counts`, `refusal`, `text`
        /// and `on_store_failure`, or a list of at most 8 of these, which all apply. A call that is within its limits counts,
        /// whatever happens to it later. The rounds of a call with questions count once. Default: no limit.
        rate_limit: RateLimits, changeable: true;
        /// Refuses calls for a time after too many have failed: an object with the members `failures`, `failure_percent`,
        /// `window`, `min_calls`, `open_for`, `probes`, `by`, `counts`, `refusal` and `text`. The state is kept in the process.
        /// Default: no breaker.
        circuit_breaker: CircuitBreaker, changeable: true;
        /// Whether the handler may run more than once for one call with the effect of one run. It must be set for tools and methods
        /// with `retry`, unless the annotations of the tool say so (`idempotentHint` or `readOnlyHint`). Default: yes for what
        /// is read, no for tools and methods.
        idempotent: bool;
        /// Runs the handler of a call again after it has failed: a number of attempts, or an object with the members `attempts`,
        /// `backoff`, `max_backoff`, `budget_percent` and `counts`. All attempts together have the time of one call. A call that
        /// has asked its client is not retried. Default: one attempt.
        retry: Retry, changeable: true;
        /// How long results are kept, so that later calls with the same arguments get them without a run of the handler: a
        /// time, or an object with the members `ttl`, `max_entries`, `max_bytes`, `public`, `stale_if_error` and
        /// `stale_while_revalidate`. While a call produces a result, other calls with the same arguments wait for it. Failures
        /// are not kept, nor are results of calls that asked their client, and of tasks. For resources, `cache_hints` follow
        /// from it. Default: nothing is kept.
        cache: Cache, changeable: true;
    }
    group schema_policies at Owners::Entries(WITH_SCHEMA); {
        /// How arguments are treated that the input schema does not define: `schema` (the schema decides), `refuse` (the
        /// call is refused) or `drop` (they are left out). With `refuse` and `drop`, registration fails if unknown
        /// arguments cannot be distinguished from known ones: the schema, or a branch of it, has a `$ref` beside its
        /// properties, or `patternProperties`. Default: `schema`.
        unknown_arguments: UnknownArguments;
        /// Whether invalid arguments are checked a second time, with strings converted to the numbers, booleans, arrays and
        /// objects that they represent. Default: the server's setting.
        coerce_arguments: bool;
    }
    group result_policies at Owners::Entries(&[Kind::Tool]); {
        /// Whether a JSON value that the tool returns is also sent as structured content, next to its text. A tool with an
        /// output schema is structured in any case. Default: no.
        structured: bool;
    }
    group task_policies at Owners::Entries(&[Kind::Tool]); {
        /// Whether calls may, or must, become tasks, which outlive their connection: `forbidden`, `optional` (if the client
        /// supports tasks) or `required`. Default: `forbidden`.
        task_support: TaskSupport;
        /// Whether a call of a client of 2026-07-28 becomes a task only if its handler starts the task. Until then its
        /// questions are asked in rounds, as in any other call. A call that does not become a task gets an ordinary
        /// response. Default: no; a call is a task from its start.
        defer_task: bool;
    }
    group state_policies at Owners::Entries(ASKING); {
        /// Whether each state that a client of 2026-07-28 sends back after a question can be used only once, over all
        /// replicas that share the server's store. If a client sends the same round again, the handler does not run again.
        /// A state also counts as used if the server then refuses the call as busy. Default: no.
        once_only: bool;
    }
    group sensitive_policies at Owners::Entries(ASKING); {
        /// Whether each call has an audit event, also if it is refused: who called what, when, for how long, and with what
        /// outcome. A list names arguments whose values the event records; it has a keyed digest of all arguments. It never
        /// has results, tokens or headers. The server's setting `audit` says where events go. Default: no.
        audit: Audit;
        /// What the user is asked before a call runs. The call runs only if the user agrees. If the client cannot ask its
        /// user, the call is refused. In 2026-07-28, each agreement counts for one call, over all replicas that share the
        /// server's store; if the store is unavailable, the call is refused. At most 2048 bytes. Default: nothing is asked.
        confirm: NonEmptyText;
    }
    group read_policies at Owners::Entries(READ); {
        /// How long clients may cache the contents, and for whom (2026-07-28). Default: as long as `cache` keeps them, or else
        /// the server's setting.
        cache_hints: CacheHints;
    }
    group template_policies at Owners::Entries(WITH_VARIABLES); {
        /// Whether values of the template's variables may lead out of a folder that the handler appends them to. `{+x}` may
        /// then be an absolute path or start with a drive (`C:`), and values of a query or a fragment may have segments
        /// `..`. If not, addresses with such values do not match the template. Default: no.
        unsafe_paths: bool, absent: Some(Spelling::File);
    }
}
