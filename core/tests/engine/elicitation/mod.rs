//! Questions to the client.

mod question_kinds;
mod questions;
mod replicas;
mod url_elicitation;
