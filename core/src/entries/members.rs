//! Macros that make the types for the kinds of entries from one list of setters. For a new member, add an arm to
//! `member!`, and its name to the list of each kind that has it.

/// The method that sets one member of the definition, or one policy.
macro_rules! member {
    (name) => {
        /// Sets the programmatic name. Default: the address.
        pub fn name(self, name: impl AsRef<str>) -> Self {
            self.map(|entry| entry.set_text("name", name))
        }
    };
    (title) => {
        /// Sets the name for people (from 2025-06-18 on).
        pub fn title(self, text: impl AsRef<str>) -> Self {
            self.map(|entry| entry.set_text("title", text))
        }
    };
    (description) => {
        /// Sets the description, by which a model chooses.
        pub fn description(self, text: impl AsRef<str>) -> Self {
            self.map(|entry| entry.set_text("description", text))
        }
    };
    (icons) => {
        /// Sets the icons, an array in the specification's form (from 2025-11-25 on): `[{"src": "https://…",
        /// "mimeType": "image/png", "sizes": ["48x48"]}]`.
        pub fn icons(self, icons: impl Into<JsonSlice>) -> Self {
            self.map(|entry| entry.set("icons", icons.into()))
        }
    };
    (annotations) => {
        /// Sets hints for clients, an object in the specification's form. A tool can have `readOnlyHint`,
        /// `destructiveHint`, `idempotentHint`, `openWorldHint` and `title`; a resource or a template can have
        /// `audience`, `priority` and `lastModified`.
        pub fn annotations(self, annotations: impl Into<JsonSlice>) -> Self {
            self.map(|entry| entry.set("annotations", annotations.into()))
        }
    };
    (meta) => {
        /// Sets metadata of the program's own, an object. Lists contain it as `_meta`.
        pub fn meta(self, meta: impl Into<JsonSlice>) -> Self {
            self.map(|entry| entry.set("_meta", meta.into()))
        }
    };
    (ui) => {
        /// Sets the view ([`Ui`](crate::Ui)) in which hosts of MCP Apps show the results. It is the view's address, or
        /// an object with `resourceUri` and `visibility`. `visibility` lists who may call the tool: `model` and `app`
        /// (default: both). If it is `["app"]`, the host should hide the tool from the model. Clients without views
        /// get the tool's text as usual. A handler can distinguish such clients by
        /// [`Context::extension`](crate::Context::extension).
        pub fn ui(self, ui: impl Into<serde_json::Value>) -> Self {
            self.map(|entry| entry.set("ui", ui.into().into()))
        }
    };
    (mime_type) => {
        /// Sets the media type of the contents. Default: `application/json` for JSON values,
        /// `application/octet-stream` for bytes, none for text.
        pub fn mime_type(self, mime_type: impl AsRef<str>) -> Self {
            self.map(|entry| entry.set_text("mimeType", mime_type))
        }
    };
    (size) => {
        /// Sets the size of the contents in bytes.
        pub fn size(self, bytes: u64) -> Self {
            self.map(|entry| entry.set("size", JsonSlice::from_value(&bytes.into())))
        }
    };
    (argument) => {
        /// Adds an argument: a [`PromptArgument`], or its name.
        pub fn argument(mut self, argument: impl Into<PromptArgument>) -> Self {
            self.arguments.push(argument.into());
            self
        }
    };
    (input_schema) => {
        /// Sets the schema of the arguments. The dialect is JSON Schema 2020-12, or the one that `$schema` names
        /// (draft-04, draft-06, draft-07, 2019-09). The root must have `"type": "object"`. The schema may have at most
        /// 1 MiB and 128 levels. A tool without a schema takes no arguments.
        ///
        /// Patterns with look-around or back-references may backtrack 2,500 times on one text, or 250 times if the
        /// arguments have more than 256 KiB. Other patterns never backtrack. A check has a maximum number of steps;
        /// arguments that need more are refused.
        pub fn input_schema(self, schema: impl Into<JsonSlice>) -> Self {
            self.map(|entry| entry.set("inputSchema", schema.into()))
        }
    };
    (output_schema) => {
        /// Sets the schema of the structured result. The tool is then [structured](Tool::structured), and the
        /// handler's result is checked against the schema; text counts as a JSON string. If the schema does not say
        /// `"type": "object"` at its root, clients of 2025-06-18 and 2025-11-25 get the value as the member `result`
        /// of an object, and a schema of that object.
        pub fn output_schema(self, schema: impl Into<JsonSlice>) -> Self {
            self.map(|entry| entry.set("outputSchema", schema.into()))
        }
    };
    (inline) => {
        /// Makes the handler start on the thread that received the call. That costs least for a handler that ends
        /// without waiting. The handler must not block before its first await; see [`Entry::inline`].
        pub fn inline(self) -> Self {
            self.map(|entry| entry.inline())
        }
    };
    (keep) => {
        /// Keeps a value until the entry is removed and the last of its calls has ended; see [`Entry::keep`].
        pub fn keep(self, value: Arc<dyn Any + Send + Sync>) -> Self {
            self.map(|entry| entry.keep(value))
        }
    };
    (common_policies) => {
        common_policies!();
    };
    (access_policies) => {
        access_policies!();
    };
    (list_policies) => {
        list_policies!();
    };
    (call_policies) => {
        call_policies!();
    };
    (schema_policies) => {
        schema_policies!();
    };
    (result_policies) => {
        result_policies!();
    };
    (task_policies) => {
        task_policies!();
    };
    (state_policies) => {
        state_policies!();
    };
    (sensitive_policies) => {
        sensitive_policies!();
    };
    (read_policies) => {
        read_policies!();
    };
    (template_policies) => {
        template_policies!();
    };
    (set) => {
        /// Sets any member of the definition, by its name in the specification; see [`Entry::set`].
        pub fn set(self, member: &str, value: impl Into<JsonSlice>) -> Self {
            self.map(|entry| entry.set(member, value.into()))
        }
    };
}

/// A type that wraps [`Entry`](crate::Entry), with the setters of its kind.
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
            fn options_mut(&mut self) -> &mut Policies {
                self.0.options_mut()
            }

            fn map(self, change: impl FnOnce(Entry) -> Entry) -> Self {
                $name(change(self.0))
            }

            $(member!($member);)*
        }
    };
}
