//! The settings of servers.

use super::owners::Owners;
use super::spelling::Spelling;
use super::table::{Access, OptionRow};
use super::types::*;
use super::values::OptionValue;

options! {
    /// The settings of a server. A reload of settings can change those that are changeable; the others are fixed when the
    /// server is built.
    ServerSettings in dispatch::options::types;
    group server_settings at Owners::Servers; {
        /// The name for people.
        title: String;
        /// What the server is for (from 2025-11-25 on).
        description: String;
        /// The server's icons, an array as the specification defines it (from 2025-11-25 on).
        icons: JsonSlice;
        /// The URL of the server's website (from 2025-11-25 on).
        website_url: String;
        /// How a model should use the server.
        instructions: String;
        /// The protocol revisions that the server supports. Default: all.
        revisions: Revisions;
        /// Whether clients receive a reference in place of the text of an unexpected exception. The log has the text under
        /// that reference. The default is yes if other machines may reach the server: it listens on an address that is not a
        /// loopback address, allows a host that is not this machine, or serves HTTP on a Unix socket. The default is also
        /// yes if the engine does not know the address: the requests come from an HTTP server of the program's own, or from
        /// a stream that the program accepted. Lines on Unix sockets, descriptors and clients in the process are local.
        /// If other machines may reach the server, the start is logged as a warning, unless this is on.
        mask_errors: bool, changeable: true;
        /// How long clients may cache responses, and for whom (2026-07-28). Default: not at all, and by anyone.
        cache_hints: CacheSettings;
        /// Whether arguments that do not conform are checked a second time, with strings at their top level converted to
        /// the numbers, booleans, arrays and objects that they represent. Some clients send a string for a number. Default: yes.
        coerce_arguments: bool;
        /// Whether `format` in the schemas of arguments and results is asserted: `date`, `date-time`, `email`, `ip`, `ipv4`,
        /// `ipv6`, `uri` and `uuid`. Other formats refuse nothing. Default: yes.
        assert_formats: bool;
        /// Whether the end of standard input ends the server if it has other transports. The same holds for the last of
        /// the channels that have one client each: descriptors, connected sockets and streams. If not, the client of
        /// standard input leaves and the others stay. A server without another transport ends in any case. Default: yes.
        end_with_stdin: bool;
        /// The lowest level of the records that reach the log: `debug`, `info`, `warn` or `error`. Records below it are not
        /// created. Default: `debug`, so the log alone decides.
        log_level: LogLevel, absent: Some(Spelling::Node), changeable: true;
        /// The entries that the server hides, as if they were not registered: an object with the members `tools`,
        /// `resources`, `templates` and `prompts`, which are lists of names in which `*` stands for any text, and `tags`,
        /// a list of tags. Entries that are added later are hidden too. An entry that is also disabled by code stays
        /// hidden until both have changed. Default: none.
        disabled: Disabled, changeable: true;
        /// Where the audit events of entries with the policy `audit` go: `log`, or the path of a file. Each event is a JSON
        /// object in one line, which is added to the end of the file before the client gets the response. If the file cannot
        /// be written when the server starts, the start fails. Later, the event goes to the log, with an error. The level of
        /// events in the log is `info`, and `log_level` does not drop them. Default: `log`.
        audit: AuditTarget;
        /// How many requests clients may send in a time. Further requests are refused at once: over HTTP with the status 429
        /// and `Retry-After`. It is a text such as `600/min`, or an object or a list as the policy `rate_limit` has, whose `by` is
        /// `global`, `principal`, `address` or `session`. The requests `initialize`, `ping` and
        /// `subscriptions/listen` do not count. Default: no limit.
        rate_limit: RequestLimits;
        /// The limits that the program applies itself, each with a name, such as the limit of a service that it calls: an
        /// object with a rate limit for each name, a text such as `60/min` or an object with `amount`, `per`, `burst` and
        /// `window`. Handlers use them by their names. The state is kept in the process. Default: none.
        limiters: Limiters;
        /// The circuit breakers that the program uses itself, each with a name: an object with a circuit breaker for each
        /// name, whose members are those of the policy `circuit_breaker` that say when circuits open and close. Handlers use
        /// them by their names. The state is kept in the process. Default: none.
        breakers: Breakers;
        /// The keys of 32 bytes that encrypt the data that clients carry, such as the state between the rounds of a
        /// question. The first key encrypts, and every key decrypts, so that a key can be replaced. Replicas behind one
        /// address must share the keys. Keep the keys secret, and draw them at random. Where a key is a text, the text is
        /// hexadecimal or base64. Default: a random key of this process.
        state_keys: StateKeys, secret: true;
    }
    group access_settings at Owners::Servers; {
        /// The verifiers of credentials, in the order in which they are asked: an array of objects, whose member `type` is
        /// `api_keys`, `jwt` or `introspection`. The first one that accepts the credentials gives the principal. Default:
        /// none, so the server does not look at credentials.
        auth: Verifiers, secret: true, changeable: true;
        /// The authorization servers that clients get tokens from. The metadata of the server names them. Default: the issuers
        /// of the verifiers of the type `jwt`.
        authorization_servers: Texts;
        /// A file with root certificates (PEM), besides those of the system, for the server's own HTTPS requests.
        ca_file: FilePath;
        /// The addresses of proxies, each as an address or a network such as `10.0.0.0/8`. The headers `Forwarded` and
        /// `X-Forwarded-*` of requests from them count. Default: none.
        trusted_proxies: Texts;
        /// Whether callers without a principal may use entries: `allow`, or `refuse`, unless an entry is public. Default:
        /// `refuse` if `auth` is set, else `allow`.
        anonymous: Anonymous;
        /// The scopes that callers need for entries that set none.
        scopes: Grants;
        /// The roles of which callers need one for entries that set none.
        roles: Grants;
        /// Rules for all entries with a tag, besides the rule of the entry: an object with the members `scopes`, `roles` and
        /// `public` for each tag.
        access_of_tags: TagRules;
        /// For each broad scope, the scopes that it includes. A caller with the broad scope needs none of the others.
        scope_hierarchy: ScopeHierarchy;
        /// The URL of the endpoint as clients know it, such as `https://example.com/mcp`. It is the resource that tokens must
        /// be made for, and challenges and metadata name it. Default: the URL of the request.
        public_url: PublicUrl;
        /// The principal of the client on standard input and output: a string, or an object with the members `subject`,
        /// `issuer`, `client_id`, `scopes`, `roles`, `claims` and `expires_at`. Default: none.
        principal: NamedPrincipal;
    }
    group added_settings at Owners::Servers; {
        /// The capabilities that the server declares even if nothing is registered for them. It answers their lists.
        capabilities: Declared;
        /// The extensions that the server declares, by their names, with their settings. A name has a prefix, as in
        /// `com.example/name`. A legacy client is told of them only if it declares extensions itself.
        extensions: Extensions;
        /// How long clients may cache the responses of single methods, and for whom, in place of `cache_hints` (2026-07-28).
        cache_hints_of: CacheHintsOf, absent: Some(Spelling::Node);
        /// Where the server keeps the data that outlives a request: legacy HTTP sessions, the events of streams that can be
        /// resumed, tasks and used states. A URL names a store of the library: `memory:` is the memory of this process.
        /// A program may also pass a store of its own. Default: `memory:`.
        store: StoreUrl, secret: true;
    }
}
