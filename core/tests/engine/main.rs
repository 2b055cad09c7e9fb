//! The engine in the test's process, with a fake clock, a sink that records messages, and a host that runs calls when
//! the test says so. No test sleeps.

mod cache;
mod calls;
mod circuit_breaker;
mod elicitation;
mod lanes;
mod policy_control;
mod rate_limits;
mod registry;
mod resilience;
mod retry;
mod sensitive;
mod sessions;
mod support;
mod tasks;
