//! The types for results that plain values cannot express. The engine checks them and converts them to the client's
//! revision.

mod content;
mod prompt;
mod resource;
mod tool;

pub use content::Content;
pub use prompt::{PromptMessage, Role};
pub use resource::ResourceContents;
pub use tool::ToolResult;

use serde_json::{Map, Value};

/// A JSON object that is being built.
#[derive(Clone, Debug, PartialEq)]
struct Object(Map<String, Value>);

impl Object {
    fn new() -> Object {
        Object(Map::new())
    }

    fn with(mut self, member: &str, value: impl Into<Value>) -> Object {
        self.0.insert(member.to_owned(), value.into());
        self
    }
}

/// A type that wraps an [`Object`] and converts to JSON.
macro_rules! object {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name(Object);

            impl $name {
                /// Sets any member, by its name in the specification.
                pub fn set(self, member: &str, value: impl Into<Value>) -> $name {
                    $name(self.0.with(member, value))
                }

                /// Sets `_meta`: metadata of the program's own, an object.
                pub fn meta(self, meta: impl Into<Value>) -> $name {
                    self.set("_meta", meta)
                }
            }

            impl From<$name> for Value {
                fn from(object: $name) -> Value {
                    Value::Object(object.0.0)
                }
            }

            impl From<$name> for JsonSlice {
                fn from(object: $name) -> JsonSlice {
                    JsonSlice::from_value(&object.into())
                }
            }
        )*
    };
}
use object;
