//! The settings of a program: from a file, from variables of the environment, and from code.
//!
//! A later source replaces the values of an earlier one: defaults, the file, variables, code. The tables of the server's
//! settings, of the limits, of the transports and of the policies say which settings there are. A program adds sections of its own, each
//! with a JSON Schema. Errors name the setting, its value and where the value came from.

mod builder;
mod file;
mod json;
mod options;
mod policies;
mod read;
mod reload;
mod save;
mod schema;
mod schemas;
mod sections;
mod toml;
mod tree;
mod variables;

pub use builder::SettingsBuilder;
pub use read::Settings;
