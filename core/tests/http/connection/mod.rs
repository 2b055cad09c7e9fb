//! Connections: reading requests, limits, and slow clients.

mod buffer_budget;
mod connects;
mod fair_shares;
mod framing;
mod half_close;
mod listener;
mod slow_clients;
mod streams;
