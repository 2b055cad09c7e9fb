//! Method names, in one place.

/// A method or notification of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// `initialize`
    Initialize,
    /// `notifications/initialized`
    Initialized,
    /// `ping`
    Ping,
    /// `server/discover`
    Discover,
    /// `tools/list`
    ToolsList,
    /// `tools/call`
    ToolsCall,
    /// `notifications/cancelled`
    Cancelled,
    /// `notifications/progress`
    Progress,
    /// A name the engine does not serve.
    Other(String),
}

/// `elicitation/create`, which the engine sends.
pub const ELICITATION_CREATE: &str = "elicitation/create";

impl Method {
    /// Reads a wire name.
    pub fn parse(name: &str) -> Method {
        match name {
            "tools/call" => Method::ToolsCall,
            "tools/list" => Method::ToolsList,
            "ping" => Method::Ping,
            "server/discover" => Method::Discover,
            "initialize" => Method::Initialize,
            "notifications/initialized" => Method::Initialized,
            "notifications/cancelled" => Method::Cancelled,
            "notifications/progress" => Method::Progress,
            other => Method::Other(other.to_owned()),
        }
    }

    /// The wire name.
    pub fn as_str(&self) -> &str {
        match self {
            Method::Initialize => "initialize",
            Method::Initialized => "notifications/initialized",
            Method::Ping => "ping",
            Method::Discover => "server/discover",
            Method::ToolsList => "tools/list",
            Method::ToolsCall => "tools/call",
            Method::Cancelled => "notifications/cancelled",
            Method::Progress => "notifications/progress",
            Method::Other(name) => name,
        }
    }

    /// The member of `params` that names what a request is about, where the method has one (MH-15).
    pub fn target_member(&self) -> Option<&'static str> {
        match self {
            Method::ToolsCall => Some("name"),
            Method::Other(name) if name == "prompts/get" => Some("name"),
            Method::Other(name) if name == "resources/read" => Some("uri"),
            _ => None,
        }
    }
}
