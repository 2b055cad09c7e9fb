//! Lines and HTTP over Unix sockets, sockets and streams that the program brings, and memory.

mod batches;
mod client;
mod clients;
mod files;
mod given;
mod http;
mod limits;
mod masks;
mod memory;
mod splits;
mod together;
