//! Views (MCP Apps) and skills that are served from folders.

mod skills;
mod skills_change;
mod support;
mod views;
mod views_folder;
