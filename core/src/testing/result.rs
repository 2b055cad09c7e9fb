//! The results of requests.

use crate::json::JsonSlice;
use crate::proto::client::Reply;
use crate::proto::messages::error::RpcError;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;

/// Why a request has no result.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The tool failed; the text of its content gives the reason.
    Tool(ToolReply),
    /// The request ended with an error of the protocol.
    Mcp(RpcError),
    /// The server has ended.
    Ended,
    /// The request is invalid; the text gives the reason.
    Invalid(String),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Tool(reply) => f.write_str(reply.text()),
            ClientError::Mcp(error) => write!(f, "{error}"),
            ClientError::Ended => f.write_str("the server has ended"),
            ClientError::Invalid(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for ClientError {}

fn value(slice: Option<&JsonSlice>) -> Value {
    slice.and_then(|slice| slice.to_value().ok()).unwrap_or_default()
}

fn member(result: &JsonSlice, name: &str) -> Value {
    value(result.member(name).as_ref())
}

/// A result of one kind, read from a [`Reply`].
macro_rules! reply {
    ($(#[$doc:meta])* $name:ident { $($rest:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(Reply);

        impl From<Reply> for $name {
            fn from(reply: Reply) -> $name {
                $name(reply)
            }
        }

        impl $name {
            /// The result object as it was sent.
            pub fn result(&self) -> &JsonSlice {
                &self.0.result
            }

            $($rest)*
        }
    };
}

reply!(
    /// The result of a tool.
    ToolReply {
        /// The result's value. This is the structured content, if there is any. If the revision required an object
        /// around the value, that object is removed. Without structured content, the value of a single text is that
        /// text, parsed if it is JSON. In all other cases the value is `null`.
        pub fn data(&self) -> Value {
            value(self.0.data.as_ref())
        }

        /// The same value, deserialised as a type of the program.
        ///
        /// # Errors
        /// The value does not match the type.
        pub fn data_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
            serde_json::from_value(self.data())
        }

        /// The texts of the content, joined by line breaks.
        pub fn text(&self) -> &str {
            &self.0.text
        }

        /// The content blocks.
        pub fn content(&self) -> Vec<Value> {
            serde_json::from_value(member(&self.0.result, "content")).unwrap_or_default()
        }

        /// The structured content, if there is any.
        pub fn structured(&self) -> Option<Value> {
            self.0.result.member("structuredContent").map(|structured| value(Some(&structured)))
        }

        /// Whether the tool failed.
        pub fn is_error(&self) -> bool {
            self.0.is_error
        }
    }
);

reply!(
    /// The contents of a resource.
    Contents {
        /// The contents: objects with `uri`, and `text` or `blob`.
        pub fn contents(&self) -> Vec<Value> {
            serde_json::from_value(member(&self.0.result, "contents")).unwrap_or_default()
        }

        /// The contents' value if there is one text only: parsed if its media type is JSON, otherwise the text. In all
        /// other cases it is `null`.
        pub fn data(&self) -> Value {
            value(self.0.data.as_ref())
        }

        /// The texts of the contents, joined by line breaks.
        pub fn text(&self) -> &str {
            &self.0.text
        }
    }
);

reply!(
    /// The messages of a prompt.
    Prompted {
        /// The messages: objects with `role` and `content`.
        pub fn messages(&self) -> Vec<Value> {
            serde_json::from_value(member(&self.0.result, "messages")).unwrap_or_default()
        }

        /// The prompt's description, if the result has one.
        pub fn description(&self) -> Option<String> {
            member(&self.0.result, "description").as_str().map(str::to_owned)
        }

        /// The texts of the messages, joined by line breaks.
        pub fn text(&self) -> &str {
            &self.0.text
        }
    }
);

reply!(
    /// Suggestions for an argument.
    Suggestions {
        /// The suggestions.
        pub fn values(&self) -> Vec<String> {
            serde_json::from_value(self.of("values")).unwrap_or_default()
        }

        /// The total number of suggestions, if it is known.
        pub fn total(&self) -> Option<u64> {
            self.of("total").as_u64()
        }

        /// Whether there are more suggestions than were sent.
        pub fn has_more(&self) -> bool {
            self.of("hasMore") == Value::Bool(true)
        }

        fn of(&self, name: &str) -> Value {
            self.0.data.as_ref().map(|completion| member(completion, name)).unwrap_or_default()
        }
    }
);

/// The result as JSON. For a list, it is the array of all items.
impl From<Reply> for Value {
    fn from(reply: Reply) -> Value {
        value(reply.data.as_ref())
    }
}

/// The items of a list.
impl From<Reply> for Vec<Value> {
    fn from(reply: Reply) -> Vec<Value> {
        reply
            .data
            .iter()
            .flat_map(|data| data.elements().map(|item| value(Some(&item))).collect::<Vec<_>>())
            .collect()
    }
}

/// No value, for requests that only need an answer.
pub struct Answered;

impl From<Reply> for Answered {
    fn from(_: Reply) -> Answered {
        Answered
    }
}
