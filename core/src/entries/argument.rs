//! An argument of a prompt.

use serde_json::{Map, Value};

/// An argument of a [`Prompt`](crate::Prompt): a text that the user fills in. It is optional unless
/// [`required`](PromptArgument::required) is called. A string can be used instead of a `PromptArgument` that has only a
/// name.
///
/// ```
/// use tenon_mcp::{Prompt, PromptArgument};
/// let prompt = Prompt::new("greet")
///     .argument(PromptArgument::new("name").description("Whom to greet.").required())
///     .argument("style");
/// ```
#[derive(Clone, Debug)]
pub struct PromptArgument(Map<String, Value>);

impl PromptArgument {
    /// Creates an optional argument of this name.
    pub fn new(name: impl Into<String>) -> PromptArgument {
        PromptArgument(Map::new()).with("name", name.into())
    }

    /// Sets the argument's name for people (from 2025-06-18 on).
    pub fn title(self, text: impl Into<String>) -> PromptArgument {
        self.with("title", text.into())
    }

    /// Sets the description: what the argument is for.
    pub fn description(self, text: impl Into<String>) -> PromptArgument {
        self.with("description", text.into())
    }

    /// Makes the argument required: a request without it is refused.
    pub fn required(self) -> PromptArgument {
        self.with("required", true)
    }

    fn with(mut self, member: &str, value: impl Into<Value>) -> PromptArgument {
        self.0.insert(member.to_owned(), value.into());
        self
    }
}

impl<T: Into<String>> From<T> for PromptArgument {
    fn from(name: T) -> PromptArgument {
        PromptArgument::new(name)
    }
}

impl From<PromptArgument> for Value {
    fn from(argument: PromptArgument) -> Value {
        Value::Object(argument.0)
    }
}
