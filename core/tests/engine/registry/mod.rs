//! The entries that a server has registered, and its lists.

mod entries;
mod lists;
mod mounts;
mod registration;
mod reload;
mod resources;
mod settings;
mod tags;
mod typed_handlers;
