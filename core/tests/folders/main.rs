//! What is served from folders: views (MCP Apps) and skills.

mod skills;
mod skills_change;
mod support;
mod views;
mod views_folder;
