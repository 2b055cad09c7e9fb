//! Schemas that the `schemars` crate makes from types (feature `schemars`).

use super::{Method, Prompt, PromptArgument, Tool};
use crate::json::JsonSlice;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The schema of a type, without the type's name and without the dialect.
fn schema<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let settings = settings.with(|settings| settings.meta_schema = None);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    if schema.get("title").and_then(Value::as_str) == Some(&T::schema_name()) {
        schema.remove("title");
    }
    schema.into()
}

fn read<T: JsonSchema>() -> Value {
    schema::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

impl Tool {
    /// Sets the input schema from the type that the handler takes, a struct with named fields. Doc comments become
    /// descriptions, and `serde` and `schemars` attributes are respected. Needs the feature `schemars`.
    ///
    /// ```
    /// # use tenon_mcp::{Json, Server, Tool};
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Area {
    ///     /// In metres.
    ///     width: f64,
    ///     /// In metres.
    ///     height: f64,
    /// }
    ///
    /// #[derive(serde::Serialize, schemars::JsonSchema)]
    /// struct Size { square_metres: f64 }
    ///
    /// let server = Server::new("demo", "1.0.0");
    /// server.tool(
    ///     Tool::new("area").input::<Area>().output::<Size>(),
    ///     |Area { width, height }: Area| async move { Json(Size { square_metres: width * height }) },
    /// )?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn input<T: JsonSchema>(self) -> Tool {
        self.input_schema(read::<T>())
    }

    /// Sets the schema of the structured result from the type that the handler returns in [`Json`](crate::Json); see
    /// [`output_schema`](Tool::output_schema). Needs the feature `schemars`.
    pub fn output<T: JsonSchema>(self) -> Tool {
        self.output_schema(schema::<T>(SchemaSettings::draft2020_12().for_serialize()))
    }
}

impl Method {
    /// Sets the schema of the parameters from the type that the handler takes. Needs the feature `schemars`.
    pub fn input<T: JsonSchema>(self) -> Method {
        self.input_schema(read::<T>())
    }
}

impl Prompt {
    /// Adds the arguments from the type that the handler takes, one for each field. An argument is required unless the
    /// field is an `Option` or has a default. Needs the feature `schemars`.
    ///
    /// ```
    /// # use tenon_mcp::{Prompt, Server};
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Greet {
    ///     /// Whom to greet.
    ///     name: String,
    ///     style: Option<String>,
    /// }
    ///
    /// let server = Server::new("demo", "1.0.0");
    /// server.prompt(Prompt::new("greet").input::<Greet>(), |Greet { name, .. }: Greet| async move {
    ///     format!("Greet {name}.")
    /// })?;
    /// # Ok::<(), tenon_mcp::Error>(())
    /// ```
    pub fn input<T: JsonSchema>(mut self) -> Prompt {
        let schema = read::<T>();
        let required = |name: &str| {
            schema["required"].as_array().is_some_and(|names| names.iter().any(|other| other == name))
        };
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let mut argument = PromptArgument::new(name);
            if let Some(title) = property["title"].as_str() {
                argument = argument.title(title);
            }
            if let Some(description) = property["description"].as_str() {
                argument = argument.description(description);
            }
            self = self.argument(if required(name) { argument.required() } else { argument });
        }
        self
    }
}

impl JsonSlice {
    /// The schema of a type, for example of a form to [elicit](crate::Ask::form). Needs the feature `schemars`.
    pub fn schema_of<T: JsonSchema>() -> JsonSlice {
        read::<T>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Has room.
    #[derive(JsonSchema)]
    #[allow(dead_code)]
    struct Thing {
        /// The name of the thing.
        name: String,
        count: Option<u8>,
    }

    #[test]
    fn a_schema_has_what_the_type_says() {
        let expected = json!({
            "description": "Has room.",
            "type": "object",
            "properties": {
                "name": { "description": "The name of the thing.", "type": "string" },
                "count": { "type": ["integer", "null"], "format": "uint8", "minimum": 0, "maximum": 255 }
            },
            "required": ["name"]
        });
        assert_eq!(read::<Thing>(), expected);
    }
}
