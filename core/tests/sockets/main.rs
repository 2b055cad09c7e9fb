//! Lines and HTTP over Unix sockets, sockets and streams that the program brings, and memory.

mod all_transports;
mod batches;
mod client;
mod clients;
mod files;
mod http;
mod inherited;
mod limits;
mod masks;
mod memory;
mod split_reads;
