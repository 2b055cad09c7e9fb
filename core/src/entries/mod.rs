//! The types with which a Rust program declares entries, and the methods of [`Server`](crate::Server) that register
//! them.

#[macro_use]
mod members;
mod argument;
mod hook;
#[cfg(feature = "runtime")]
mod pages;
mod prompt;
mod provider;
mod register;
#[cfg(feature = "schemars")]
mod schema;
#[cfg(feature = "runtime")]
mod skills;
mod ui;

use crate::dispatch::options::{
    Policies, access_policies, call_policies, common_policies, list_policies, read_policies, result_policies,
    schema_policies, sensitive_policies, state_policies, task_policies, template_policies,
};
use crate::dispatch::registry::entry::Entry;
use crate::json::JsonSlice;
use crate::proto::catalog::kind::Kind;
pub use argument::PromptArgument;
pub use hook::Hook;
pub use prompt::Prompt;
pub use provider::ResourceProvider;
use std::any::Any;
use std::sync::Arc;
pub use ui::{Html, Ui};

entry! {
    /// A tool to register with [`Server::tool`](crate::Server::tool).
    ///
    /// ```
    /// use tenon_mcp::{Tool, json};
    /// let tool = Tool::new("add")
    ///     .title("Add")
    ///     .description("Add two integers.")
    ///     .annotations(json!({ "readOnlyHint": true }));
    /// ```
    Tool: title description icons annotations meta ui input_schema output_schema common_policies access_policies call_policies list_policies
        schema_policies result_policies task_policies state_policies sensitive_policies inline keep set
}

impl Tool {
    /// Creates a tool without a description that takes no arguments. The name has 1 to 128 letters, digits, `_`, `-`
    /// and `.` (TL-3).
    pub fn new(name: impl AsRef<str>) -> Tool {
        Tool(Entry::new(Kind::Tool, name))
    }
}

entry! {
    /// A resource at one address, to register with [`Server::resource`](crate::Server::resource).
    ///
    /// ```
    /// use tenon_mcp::Resource;
    /// let resource = Resource::new("config://app").name("config").mime_type("application/json");
    /// ```
    Resource: name title description icons annotations meta mime_type size common_policies access_policies call_policies list_policies state_policies sensitive_policies
        read_policies inline keep set
}

impl Resource {
    /// Creates a resource at this address, an absolute URI.
    pub fn new(uri: impl AsRef<str>) -> Resource {
        Resource(Entry::new(Kind::Resource, uri))
    }
}

entry! {
    /// The resources at all addresses that match a template (RFC 6570), to register with
    /// [`Server::resource_template`](crate::Server::resource_template).
    ///
    /// ```
    /// use tenon_mcp::ResourceTemplate;
    /// let template = ResourceTemplate::new("weather://{city}/{+path}").name("weather");
    /// ```
    ResourceTemplate: name title description icons annotations meta mime_type common_policies access_policies call_policies list_policies state_policies sensitive_policies
        read_policies template_policies inline keep set
}

impl ResourceTemplate {
    /// Creates a template. Its handler gets the values of its variables.
    pub fn new(template: impl AsRef<str>) -> ResourceTemplate {
        ResourceTemplate(Entry::new(Kind::ResourceTemplate, template))
    }
}

entry! {
    /// Suggestions for one argument of a prompt, or for one variable of a resource template. Register it with
    /// [`Server::completion`](crate::Server::completion).
    ///
    /// ```
    /// use tenon_mcp::Completion;
    /// let style = Completion::prompt("greet", "style");
    /// let city = Completion::template("weather://{city}", "city");
    /// ```
    Completion: common_policies access_policies call_policies inline keep set
}

impl Completion {
    /// Suggestions for an argument of the prompt of this name.
    pub fn prompt(prompt: impl AsRef<str>, argument: impl AsRef<str>) -> Completion {
        Completion(Entry::completion(Kind::Prompt, prompt, argument))
    }

    /// Suggestions for a variable of this resource template.
    pub fn template(template: impl AsRef<str>, variable: impl AsRef<str>) -> Completion {
        Completion(Entry::completion(Kind::ResourceTemplate, template, variable))
    }
}

entry! {
    /// A request method that the program handles: its own method, or a method of the protocol that the engine would
    /// handle otherwise. A string can be used instead of a `Method` that has only a name.
    Method: description input_schema common_policies access_policies call_policies schema_policies state_policies sensitive_policies inline keep set
}

impl Method {
    /// Creates a method of this name.
    pub fn new(name: impl AsRef<str>) -> Method {
        Method(Entry::new(Kind::Method, name))
    }
}

impl<T: AsRef<str>> From<T> for Method {
    fn from(name: T) -> Method {
        Method::new(name)
    }
}

entry! {
    /// A notification of the program's own. A string can be used instead of a `Notification` that has only a name.
    Notification: description input_schema common_policies access_policies schema_policies inline keep set
}

impl Notification {
    /// Creates a notification of this method name.
    pub fn new(name: impl AsRef<str>) -> Notification {
        Notification(Entry::new(Kind::Notification, name))
    }
}

impl<T: AsRef<str>> From<T> for Notification {
    fn from(name: T) -> Notification {
        Notification::new(name)
    }
}
