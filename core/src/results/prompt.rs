//! The messages of prompts.

use super::{Content, Object, object};
use crate::json::JsonSlice;
use serde_json::Value;

/// The speaker of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The user.
    User,
    /// The model.
    Assistant,
}

object! {
    /// One message of a prompt.
    ///
    /// ```
    /// use tenon_mcp::PromptMessage;
    /// let talk = vec![PromptMessage::user("What is a tenon?"), PromptMessage::assistant("Half a joint.")];
    /// ```
    PromptMessage
}

impl PromptMessage {
    /// Creates a message with one content block, or with a text.
    pub fn new(role: Role, content: impl Into<Content>) -> PromptMessage {
        let role = match role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        PromptMessage(Object::new().with("role", role).with("content", content.into()))
    }

    /// Creates a message of the user.
    pub fn user(content: impl Into<Content>) -> PromptMessage {
        PromptMessage::new(Role::User, content)
    }

    /// Creates a message of the model.
    pub fn assistant(content: impl Into<Content>) -> PromptMessage {
        PromptMessage::new(Role::Assistant, content)
    }
}
