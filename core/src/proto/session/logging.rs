//! Log messages for clients: the levels, the level that a client wants, and the notification (digest 7.5). The engine's
//! own log is separate.

use crate::json::JsonSlice;
use crate::proto::messages::error::{RpcError, clip};
use crate::proto::messages::message::Params;

/// The severity of a log message as in RFC 5424, in ascending order (LG-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Information for debugging.
    Debug,
    /// Information about normal operation.
    Info,
    /// A normal but significant event.
    Notice,
    /// A possible problem.
    Warning,
    /// An error.
    Error,
    /// A failure of a component.
    Critical,
    /// A problem that needs action at once.
    Alert,
    /// The system is unusable.
    Emergency,
}

/// In the order of the variants.
const WORDS: [(Level, &str); 8] = [
    (Level::Debug, "debug"),
    (Level::Info, "info"),
    (Level::Notice, "notice"),
    (Level::Warning, "warning"),
    (Level::Error, "error"),
    (Level::Critical, "critical"),
    (Level::Alert, "alert"),
    (Level::Emergency, "emergency"),
];

/// The `_meta` key for the lowest level of messages that a modern request wants.
pub const LEVEL_KEY: &str = "io.modelcontextprotocol/logLevel";

impl Level {
    /// All levels, in ascending order.
    pub fn all() -> impl Iterator<Item = Level> {
        WORDS.into_iter().map(|(level, _)| level)
    }

    /// The name in messages.
    pub fn as_str(self) -> &'static str {
        WORDS[self as usize].1
    }

    /// The level with this name; it is case-sensitive.
    pub fn named(word: &str) -> Option<Level> {
        WORDS.iter().find(|(_, own)| *own == word).map(|(level, _)| *level)
    }

    /// Reads the level in `member`. The error lists the valid values.
    pub fn read(value: &JsonSlice, member: &str) -> Result<Level, RpcError> {
        let word = value.decode_str();
        let what = match word.as_deref() {
            Some(word) => match Level::named(word) {
                Some(level) => return Ok(level),
                None => format!("has unknown level {}; it must be", clip(word)),
            },
            None => "must be".to_owned(),
        };
        let words = WORDS.map(|(_, word)| word).join(", ");
        Err(RpcError::invalid_params(format!("Invalid params: \"{member}\" {what} one of {words}")))
    }
}

/// The lowest level of the messages that a client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogThreshold {
    /// A legacy session, with the level that it has set.
    Session(Option<Level>),
    /// A modern request, with its own level.
    Request(Option<Level>),
}

impl LogThreshold {
    /// Whether a message with this `level` is sent. A session that has set no level gets messages from [`Level::Info`]
    /// on (LG-4, LG-5). A modern request without a level gets none (LG-6).
    pub fn has(self, level: Level) -> bool {
        match self {
            LogThreshold::Session(from) => level >= from.unwrap_or(Level::Info),
            LogThreshold::Request(from) => from.is_some_and(|from| level >= from),
        }
    }
}

/// The level that a modern request has set. An invalid level fails the request (LG-8).
pub fn of_request(params: &Params) -> Result<Option<Level>, RpcError> {
    params.meta_get(LEVEL_KEY).map(|level| Level::read(&level, LEVEL_KEY)).transpose()
}

/// The level of `logging/setLevel` (LG-4).
pub fn of_set_level(params: &Params) -> Result<Level, RpcError> {
    match params.get("level") {
        Some(level) => Level::read(&level, "level"),
        None => Err(RpcError::invalid_params("Invalid params: level is missing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;
    use crate::proto::messages::error::code;
    use crate::proto::messages::message::Message;

    fn params(params: &str) -> Params {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{params}}}"#);
        match Message::decode(text.into(), &Limits::default()).unwrap() {
            Message::Request(request) => request.params,
            _ => panic!("a request"),
        }
    }

    /// LG-2.
    #[test]
    fn the_levels_ascend_as_the_specification_has_them() {
        let words: Vec<_> = Level::all().map(Level::as_str).collect();
        let wanted = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
        assert_eq!(words, wanted);
        assert!(Level::all().is_sorted());
        for (place, level) in Level::all().enumerate() {
            assert_eq!(level as usize, place);
            assert_eq!(Level::named(level.as_str()), Some(level));
        }
        assert_eq!(Level::named("Info"), None);
    }

    /// LG-4 to LG-6.
    #[test]
    fn a_session_starts_with_info_and_a_modern_request_with_nothing() {
        for level in Level::all() {
            assert_eq!(LogThreshold::Session(None).has(level), level >= Level::Info);
            assert!(!LogThreshold::Request(None).has(level));
            for from in Level::all() {
                assert_eq!(LogThreshold::Session(Some(from)).has(level), level >= from);
                assert_eq!(LogThreshold::Request(Some(from)).has(level), level >= from);
            }
        }
    }

    /// LG-4, LG-8.
    #[test]
    fn levels_are_read_and_wrong_ones_are_refused_with_the_right_ones() {
        let request = |level: &str| params(&format!(r#"{{"_meta":{{"{LEVEL_KEY}":{level}}}}}"#));
        assert_eq!(of_request(&request(r#""\u0061lert""#)).unwrap(), Some(Level::Alert));
        assert_eq!(of_request(&params("{}")).unwrap(), None);
        assert_eq!(of_set_level(&params(r#"{"level":"debug"}"#)).unwrap(), Level::Debug);
        let all = "one of debug, info, notice, warning, error, critical, alert, emergency";
        for error in [
            of_request(&request(r#""warn""#)).unwrap_err(),
            of_request(&request("3")).unwrap_err(),
            of_set_level(&params(r#"{"level":""}"#)).unwrap_err(),
            of_set_level(&params(r#"{"level":null}"#)).unwrap_err(),
        ] {
            assert_eq!(error.code, code::INVALID_PARAMS);
            assert!(error.message.ends_with(all), "{}", error.message);
        }
        let missing = of_set_level(&params("{}")).unwrap_err();
        assert_eq!(
            (missing.code, &*missing.message),
            (code::INVALID_PARAMS, "Invalid params: level is missing")
        );
    }
}
