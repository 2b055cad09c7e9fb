//! The server's log, for what clients do not receive: why a handler failed, what was dropped, what a store reported.

use std::sync::atomic::{AtomicU8, Ordering};

/// The severity of a [`Record`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogLevel {
    /// For debugging.
    Debug,
    /// Information; nothing is wrong.
    Info,
    /// Something went wrong and was handled.
    Warn,
    /// A call failed because of the program: an exception, a panic, a result that could not be used.
    Error,
}

impl LogLevel {
    /// Every level.
    pub(crate) const ALL: [LogLevel; 4] = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];

    /// The level with this name; `warning` means `warn`.
    pub fn named(word: &str) -> Option<LogLevel> {
        let word = if word == "warning" { "warn" } else { word };
        LogLevel::ALL.into_iter().find(|level| level.as_str() == word)
    }

    /// The level in lower case: `debug`, `info`, `warn`, `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        }
    }
}

/// A level that may change while other threads read it.
#[derive(Debug)]
pub(crate) struct LiveLevel(AtomicU8);

impl LiveLevel {
    pub(crate) fn new(level: LogLevel) -> LiveLevel {
        LiveLevel(AtomicU8::new(level as u8))
    }

    pub(crate) fn get(&self) -> LogLevel {
        LogLevel::ALL[usize::from(self.0.load(Ordering::Relaxed))]
    }

    pub(crate) fn set(&self, level: LogLevel) {
        self.0.store(level as u8, Ordering::Relaxed);
    }
}

/// One log record of the engine or of a host.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// The severity.
    pub level: LogLevel,
    /// The part that logs: `tenon_mcp::call` for calls and their handlers, `tenon_mcp::store` for the store,
    /// `tenon_mcp::server` for where the server is served, `tenon_mcp::audit` for audit events. More may be added.
    pub target: &'a str,
    /// The text. It may have several lines, such as a stack trace.
    pub message: &'a str,
}

/// The destination of log records.
///
/// It is called from any thread, including the engine's threads, with no lock held. An implementation must not block,
/// must not panic and must not call the engine.
pub trait Log: Send + Sync {
    /// Whether records of this level and target are logged. The engine calls this before it builds a message, so a
    /// disabled log costs nothing.
    fn enabled(&self, _level: LogLevel, _target: &str) -> bool {
        true
    }

    /// Takes a record for which [`enabled`](Log::enabled) returned `true`.
    fn log(&self, record: &Record<'_>);
}

/// The target of records about calls and their handlers.
pub(crate) const CALL: &str = "tenon_mcp::call";
/// The target of records about where the server is served.
pub(crate) const SERVER: &str = "tenon_mcp::server";
/// The target of records about credentials.
#[cfg_attr(not(feature = "runtime"), allow(dead_code))]
pub(crate) const AUTH: &str = "tenon_mcp::auth";
/// The target of audit events.
pub const AUDIT: &str = "tenon_mcp::audit";
/// The target of records about the store.
pub(crate) const STORE: &str = "tenon_mcp::store";

/// The default: events of the `tracing` crate, with target `tenon_mcp` and the record's own target as a field.
pub(crate) struct TracingLog;

macro_rules! for_level {
    ($level:expr, $then:ident) => {
        match $level {
            LogLevel::Debug => $then!(tracing::Level::DEBUG),
            LogLevel::Info => $then!(tracing::Level::INFO),
            LogLevel::Warn => $then!(tracing::Level::WARN),
            LogLevel::Error => $then!(tracing::Level::ERROR),
        }
    };
}

impl Log for TracingLog {
    fn enabled(&self, level: LogLevel, _: &str) -> bool {
        macro_rules! enabled {
            ($level:expr) => {
                tracing::enabled!(target: "tenon_mcp", $level)
            };
        }
        for_level!(level, enabled)
    }

    fn log(&self, record: &Record<'_>) {
        macro_rules! event {
            ($level:expr) => {
                tracing::event!(target: "tenon_mcp", $level, area = record.target, "{}", record.message)
            };
        }
        for_level!(record.level, event)
    }
}
