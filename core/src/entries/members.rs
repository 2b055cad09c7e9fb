//! The types of the kinds, made of one table of members: a new member is an arm of `member!` and a word in the list of
//! each kind that has it.

/// The method that sets one member or policy.
macro_rules! member {
    (name) => {
        /// Its programmatic name. Default: its address.
        pub fn name(self, name: impl AsRef<str>) -> Self {
            self.map(|entry| entry.set_text("name", name))
        }
    };
    (title) => {
        /// Its name for people (from 2025-06-18 on).
        pub fn title(self, text: impl AsRef<str>) -> Self {
            self.map(|entry| entry.set_text("title", text))
        }
    };
    (description) => {
        /// What it is or does, for the model that chooses it.
        pub fn description(self, text: impl AsRef<str>) -> Self {
            self.map(|entry| entry.set_text("description", text))
        }
    };
    (icons) => {
        /// Its icons, an array as the specification has it (from 2025-11-25 on): `[{"src": "https://…", "mimeType":
        /// "image/png", "sizes": ["48x48"]}]`.
        pub fn icons(self, icons: impl Into<JsonSlice>) -> Self {
            self.map(|entry| entry.set("icons", icons.into()))
        }
    };
    (annotations) => {
        /// Hints for clients, an object as the specification has it. Of a tool: `readOnlyHint`, `destructiveHint`,
        /// `idempotentHint`, `openWorldHint`, `title`; of a resource or a template: `audience`, `priority`,
        /// `lastModified`.
        pub fn annotations(self, annotations: impl Into<JsonSlice>) -> Self {
            self.map(|entry| entry.set("annotations", annotations.into()))
        }
    };
    (meta) => {
        /// Metadata of the program's own, an object that lists carry as `_meta`.
        pub fn meta(self, meta: impl Into<JsonSlice>) -> Self {
            self.map(|entry| entry.set("_meta", meta.into()))
        }
    };
    (ui) => {
        /// The view that hosts of MCP Apps show its results in ([`Ui`](crate::Ui)): its address, or an object with
        /// `resourceUri` and `visibility`, which says who may call the tool, a list of `model` and `app` (default: both). To
        /// hide a tool of `["app"]` from the model is up to the host. The tool's text stays what clients without views
        /// get; a handler can tell them by [`Context::extension`](crate::Context::extension).
        pub fn ui(self, ui: impl Into<serde_json::Value>) -> Self {
            self.map(|entry| entry.set("ui", ui.into().into()))
        }
    };
    (mime_type) => {
        /// The media type of what is read. Default: none, and of contents that are JSON or bytes what they are.
        pub fn mime_type(self, mime_type: impl AsRef<str>) -> Self {
            self.map(|entry| entry.set_text("mimeType", mime_type))
        }
    };
    (size) => {
        /// How long the contents are, in bytes.
        pub fn size(self, bytes: u64) -> Self {
            self.map(|entry| entry.set("size", JsonSlice::from_value(&bytes.into())))
        }
    };
    (argument) => {
        /// Adds an argument, [`PromptArgument`] or its name.
        pub fn argument(mut self, argument: impl Into<PromptArgument>) -> Self {
            self.arguments.push(argument.into());
            self
        }
    };
    (input_schema) => {
        /// The schema of the arguments: JSON Schema 2020-12, or the dialect its `$schema` names (draft-04, 06, 07,
        /// 2019-09), with `"type": "object"` at its root, at most 1 MiB and 128 levels. Without one a tool takes no
        /// arguments.
        ///
        /// Patterns with look-around or back-references may go back 2,500 times on one text, or 250 times if the arguments have
        /// more than 256 KiB. Other patterns never go back. A check takes a bounded number of steps, and fails beyond.
        pub fn input_schema(self, schema: impl Into<JsonSlice>) -> Self {
            self.map(|entry| entry.set("inputSchema", schema.into()))
        }
    };
    (output_schema) => {
        /// The schema of the structured result; it makes the tool [structured](Tool::structured), and what the handler
        /// returns, text as a JSON string, is checked against it. A value that is no object by its schema stands in one as
        /// the member `result`, and so does its schema, for clients of 2025-06-18 and 2025-11-25.
        pub fn output_schema(self, schema: impl Into<JsonSlice>) -> Self {
            self.map(|entry| entry.set("outputSchema", schema.into()))
        }
    };
    (structured) => {
        /// Whether a JSON value that the handler returns is also sent as structured content, next to its text.
        /// Default: no.
        pub fn structured(self, structured: bool) -> Self {
            self.map(|entry| entry.structured(structured))
        }
    };
    (unknown_arguments) => {
        /// What becomes of arguments that the input schema has no properties for; see [`Entry::unknown_arguments`].
        pub fn unknown_arguments(self, policy: UnknownArguments) -> Self {
            self.map(|entry| entry.unknown_arguments(policy))
        }
    };
    (coerce_arguments) => {
        /// Whether texts among arguments that do not conform are coerced; see [`Entry::coerce_arguments`].
        pub fn coerce_arguments(self, coerce: bool) -> Self {
            self.map(|entry| entry.coerce_arguments(coerce))
        }
    };
    (timeout) => {
        /// How long one call may run. Default: [`Limits::call_timeout`](crate::Limits::call_timeout).
        pub fn timeout(self, timeout: Duration) -> Self {
            self.map(|entry| entry.timeout(timeout))
        }
    };
    (tags) => {
        /// Words by which [`Server::disable_tags`](crate::Server::disable_tags) hides it; see [`Entry::tags`].
        pub fn tags(self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
            self.map(|entry| entry.tags(tags))
        }
    };
    (max_concurrency) => {
        /// How many of its calls may run at a time; see [`Entry::max_concurrency`](crate::Entry::max_concurrency).
        pub fn max_concurrency(self, calls: usize) -> Self {
            self.map(|entry| entry.max_concurrency(calls))
        }
    };
    (inline) => {
        /// Has the handler begin on the thread that received the call, where one that ends without waiting costs least. It
        /// must not block before its first wait; see [`Entry::inline`].
        pub fn inline(self) -> Self {
            self.map(|entry| entry.inline())
        }
    };
    (once_only) => {
        /// Has each state that a client carries back after a question used once; see [`Entry::once_only`](crate::Entry::once_only).
        pub fn once_only(self, once_only: bool) -> Self {
            self.map(|entry| entry.once_only(once_only))
        }
    };
    (unsafe_paths) => {
        /// Whether values of its variables may lead out of a folder; see [`Entry::unsafe_paths`](crate::Entry::unsafe_paths).
        pub fn unsafe_paths(self, allowed: bool) -> Self {
            self.map(|entry| entry.unsafe_paths(allowed))
        }
    };
    (task_support) => {
        /// Whether its calls may, or must, become tasks, which outlive their connection; see [`Entry::task_support`].
        pub fn task_support(self, support: TaskSupport) -> Self {
            self.map(|entry| entry.task_support(support))
        }
    };
    (defer_task) => {
        /// Has a call become a task only when its handler says so; see [`Entry::defer_task`].
        pub fn defer_task(self, defer: bool) -> Self {
            self.map(|entry| entry.defer_task(defer))
        }
    };
    (cache) => {
        /// How long and by whom what is read may be kept (from 2026-07-28 on). Default: the server's, see
        /// [`ServerBuilder::cache`](crate::ServerBuilder::cache).
        pub fn cache(self, hints: CacheHints) -> Self {
            self.map(|entry| entry.cache(hints))
        }
    };
    (keep) => {
        /// Keeps a value until the entry is removed and the last of its calls has ended; see [`Entry::keep`].
        pub fn keep(self, value: Arc<dyn Any + Send + Sync>) -> Self {
            self.map(|entry| entry.keep(value))
        }
    };
    (set) => {
        /// Sets any member of the definition by its name in the specification; see [`Entry::set`].
        pub fn set(self, member: &str, value: impl Into<JsonSlice>) -> Self {
            self.map(|entry| entry.set(member, value.into()))
        }
    };
}

/// A type that wraps [`Entry`](crate::Entry) with the members of its kind.
macro_rules! entry {
    ($(#[$doc:meta])* $name:ident: $($member:ident)*) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(Entry);

        impl From<$name> for Entry {
            fn from(typed: $name) -> Entry {
                typed.0
            }
        }

        impl $name {
            fn map(self, change: impl FnOnce(Entry) -> Entry) -> Self {
                $name(change(self.0))
            }

            $(member!($member);)*
        }
    };
}
