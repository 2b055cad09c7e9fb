//! Lines and HTTP over Unix sockets, over sockets and streams of the program, and in memory.

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
