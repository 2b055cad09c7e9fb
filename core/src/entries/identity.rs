//! What a server says of itself, member by member.

use crate::json::JsonSlice;
use crate::server::ServerBuilder;

impl ServerBuilder {
    /// What the server is for (from 2025-11-25 on).
    pub fn description(self, text: impl Into<String>) -> ServerBuilder {
        self.set("description", JsonSlice::from_value(&text.into().into()))
    }

    /// The server's page (from 2025-11-25 on).
    pub fn website_url(self, url: impl Into<String>) -> ServerBuilder {
        self.set("websiteUrl", JsonSlice::from_value(&url.into().into()))
    }

    /// The server's icons, an array as the specification has it (from 2025-11-25 on).
    pub fn icons(self, icons: impl Into<JsonSlice>) -> ServerBuilder {
        self.set("icons", icons.into())
    }
}
