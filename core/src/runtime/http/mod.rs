//! Streamable HTTP: one URL for both eras.
//!
//! [`HttpService`] answers requests and knows no server; the listener behind [`HttpOptions`](crate::HttpOptions) is
//! hyper around it.

mod body;
mod connections;
mod exchange;
mod listener;
mod read;
mod sessions;
mod slot;
mod streams;

pub use crate::proto::http::Access;
pub use body::ResponseBody;
pub use exchange::HttpService;
pub(crate) use listener::Listener;
