//! Settings that describe a server to its clients.

use crate::json::JsonSlice;
use crate::server::ServerBuilder;

impl ServerBuilder {
    /// Sets the description: what the server is for (from 2025-11-25 on).
    pub fn description(self, text: impl Into<String>) -> ServerBuilder {
        self.set("description", JsonSlice::from_value(&text.into().into()))
    }

    /// Sets the address of the server's web page (from 2025-11-25 on).
    pub fn website_url(self, url: impl Into<String>) -> ServerBuilder {
        self.set("websiteUrl", JsonSlice::from_value(&url.into().into()))
    }

    /// Sets the server's icons, an array in the specification's form (from 2025-11-25 on).
    pub fn icons(self, icons: impl Into<JsonSlice>) -> ServerBuilder {
        self.set("icons", icons.into())
    }
}
