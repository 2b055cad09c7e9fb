//! The settings of a program, which the class `Settings` of `js/` wraps.

use crate::error::{Result, to_js};
use crate::register::values::json;
use napi_derive::napi;
use tenon_mcp::Spelling;

/// Settings from a file, from variables and from code. Values are JSON text. Methods that read or write files block.
#[napi]
pub struct Settings(pub(crate) tenon_mcp::Settings);

#[napi]
impl Settings {
    /// Reads the sources that `options` names, as JSON text.
    #[napi(constructor, catch_unwind)]
    pub fn new(options: String) -> Result<Settings> {
        tenon_mcp::Settings::from_options(&json(options), Spelling::Node).map(Settings).map_err(to_js)
    }

    /// Writes a file that has every setting as a comment.
    #[napi(catch_unwind)]
    pub fn write_default(path: String) -> Result<()> {
        tenon_mcp::Settings::write_default(path).map_err(to_js)
    }

    /// The value of a setting; `null` if it is not set.
    #[napi(catch_unwind)]
    pub fn get(&self, key: String) -> Result<Option<String>> {
        let value = self.0.get(&key).map_err(to_js)?;
        Ok(value.map(|value| value.as_str().to_owned()))
    }

    /// Where the value of a setting comes from; `null` if it is not set.
    #[napi(catch_unwind)]
    pub fn source(&self, key: String) -> Option<String> {
        self.0.source(&key)
    }

    /// Sets a value in code.
    #[napi(catch_unwind)]
    pub fn set(&self, key: String, value: String) -> Result<()> {
        self.0.set(&key, &json(value)).map_err(to_js)
    }

    /// Writes the values that were set into the file.
    #[napi(catch_unwind)]
    pub fn save(&self) -> Result<()> {
        self.0.save().map_err(to_js)
    }

    /// Reads all sources again, and applies them to the servers that were made with these settings.
    #[napi(catch_unwind)]
    pub fn reload(&self) -> Result<()> {
        self.0.reload().map_err(to_js)
    }

    /// The JSON Schema of a settings file.
    #[napi(catch_unwind)]
    pub fn schema(&self) -> String {
        self.0.schema().as_str().to_owned()
    }
}
