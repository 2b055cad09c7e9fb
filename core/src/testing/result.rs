//! What requests come to.

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
    /// The tool failed; its text says why.
    Tool(ToolReply),
    /// An error of the protocol.
    Mcp(RpcError),
    /// The server has ended.
    Ended,
    /// What was asked is no request.
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
            /// The result as it was sent.
            pub fn result(&self) -> &JsonSlice {
                &self.0.result
            }

            $($rest)*
        }
    };
}

reply!(
    /// What a tool returned.
    ToolReply {
        /// The value that it gave as structured content, without the object that a revision may put around it, or else its
        /// only text: as JSON if it is such, else a string. `null` where there is no one such value.
        pub fn data(&self) -> Value {
            value(self.0.data.as_ref())
        }

        /// The same, as a type of the program's.
        ///
        /// # Errors
        /// The data does not fit the type.
        pub fn data_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
            serde_json::from_value(self.data())
        }

        /// The texts of its content, a line each.
        pub fn text(&self) -> &str {
            &self.0.text
        }

        /// Its content blocks.
        pub fn content(&self) -> Vec<Value> {
            serde_json::from_value(member(&self.0.result, "content")).unwrap_or_default()
        }

        /// Its structured content, if it has some.
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
    /// What was read at an address.
    Contents {
        /// The contents: objects with `uri`, and `text` or `blob`.
        pub fn contents(&self) -> Vec<Value> {
            serde_json::from_value(member(&self.0.result, "contents")).unwrap_or_default()
        }

        /// The only contents: JSON by their media type, or their text. `null` where there is no one such value.
        pub fn data(&self) -> Value {
            value(self.0.data.as_ref())
        }

        /// The texts of the contents, a line each.
        pub fn text(&self) -> &str {
            &self.0.text
        }
    }
);

reply!(
    /// A prompt, made.
    Prompted {
        /// Its messages: objects with `role` and `content`.
        pub fn messages(&self) -> Vec<Value> {
            serde_json::from_value(member(&self.0.result, "messages")).unwrap_or_default()
        }

        /// What it is, if it says so.
        pub fn description(&self) -> Option<String> {
            member(&self.0.result, "description").as_str().map(str::to_owned)
        }

        /// The texts of its messages, a line each.
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

        /// How many there are, if that is known.
        pub fn total(&self) -> Option<u64> {
            self.of("total").as_u64()
        }

        /// Whether there are more than were sent.
        pub fn has_more(&self) -> bool {
            self.of("hasMore") == Value::Bool(true)
        }

        fn of(&self, name: &str) -> Value {
            self.0.data.as_ref().map(|completion| member(completion, name)).unwrap_or_default()
        }
    }
);

/// Whatever it is, as JSON: all items of a list, or the result.
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

/// Nothing, for what only has to be answered.
pub struct Answered;

impl From<Reply> for Answered {
    fn from(_: Reply) -> Answered {
        Answered
    }
}
