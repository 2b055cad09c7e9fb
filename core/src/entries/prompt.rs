//! The type for prompts. It collects the prompt's arguments one by one.

use super::PromptArgument;
use crate::dispatch::options::{
    Policies, access_policies, call_policies, common_policies, list_policies, sensitive_policies,
    state_policies,
};
use crate::dispatch::registry::entry::Entry;
use crate::json::JsonSlice;
use crate::proto::catalog::kind::Kind;
use serde_json::Value;
use std::any::Any;
use std::sync::Arc;

/// A prompt to register with [`Server::prompt`](crate::Server::prompt). By default it takes no arguments.
///
/// ```
/// use tenon_mcp::Prompt;
/// let prompt = Prompt::new("ask").description("Explain something.").argument("topic");
/// ```
#[derive(Clone, Debug)]
pub struct Prompt {
    entry: Entry,
    arguments: Vec<PromptArgument>,
}

impl Prompt {
    /// Creates a prompt without a description and without arguments.
    pub fn new(name: impl AsRef<str>) -> Prompt {
        Prompt { entry: Entry::new(Kind::Prompt, name), arguments: Vec::new() }
    }

    fn options_mut(&mut self) -> &mut Policies {
        self.entry.options_mut()
    }

    fn map(self, change: impl FnOnce(Entry) -> Entry) -> Prompt {
        Prompt { entry: change(self.entry), ..self }
    }

    member!(title);
    member!(description);
    member!(icons);
    member!(meta);
    member!(argument);
    common_policies!();
    access_policies!();
    call_policies!();
    list_policies!();
    state_policies!();
    sensitive_policies!();
    member!(inline);
    member!(keep);
    member!(set);
}

impl From<Prompt> for Entry {
    fn from(prompt: Prompt) -> Entry {
        if prompt.arguments.is_empty() {
            return prompt.entry;
        }
        let arguments: Vec<Value> = prompt.arguments.into_iter().map(Value::from).collect();
        prompt.entry.set("arguments", JsonSlice::from_value(&arguments.into()))
    }
}
