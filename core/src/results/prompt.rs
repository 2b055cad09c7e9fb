//! Messages of prompts.

use super::{Content, Object, object};
use crate::json::JsonSlice;
use serde_json::Value;

/// Who says a message.
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
    /// A message with one block of content, or a text.
    pub fn new(role: Role, content: impl Into<Content>) -> PromptMessage {
        let role = match role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        PromptMessage(Object::new().with("role", role).with("content", content.into()))
    }

    /// What the user says.
    pub fn user(content: impl Into<Content>) -> PromptMessage {
        PromptMessage::new(Role::User, content)
    }

    /// What the model says.
    pub fn assistant(content: impl Into<Content>) -> PromptMessage {
        PromptMessage::new(Role::Assistant, content)
    }
}
