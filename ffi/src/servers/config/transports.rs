//! The transports of a server.

use crate::abi::guard::Result;
use crate::abi::status::*;
use crate::servers::config::server_config::ServerConfig;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use tenon_mcp::{ConfiguredTransport, JsonSlice, ServeOptions, Settings, Spelling, TransportKind, json};

/// A duplicate of a descriptor of the program.
pub(crate) fn duplicate(number: i32) -> io::Result<OwnedFd> {
    // SAFETY: the engine asks for numbers from 0. It is only duplicated, which fails if it is not open.
    unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned()
}

/// Gives out descriptors that the library has taken over. Their numbers in the options are their places in the list.
pub(crate) fn taken<const N: usize>(own: [OwnedFd; N]) -> impl FnMut(i32) -> io::Result<OwnedFd> {
    let mut own = own.map(Some);
    move |number| {
        let place = usize::try_from(number).ok().and_then(|place| own.get_mut(place));
        place.and_then(Option::take).ok_or_else(|| io::Error::other("there is no such descriptor"))
    }
}

impl ServerConfig {
    /// Adds a transport with its options.
    pub(crate) fn listen(
        &mut self,
        transport: &str,
        options: &JsonSlice,
        descriptors: impl FnMut(i32) -> io::Result<OwnedFd>,
    ) -> Result<tenon_status> {
        let added = ConfiguredTransport::read(transport, options, Spelling::C, descriptors)?;
        let is_stdio = |own: &ConfiguredTransport| own.kind() == TransportKind::Stdio;
        if added.iter().any(is_stdio) && self.transports.iter().any(is_stdio) {
            return Err(Failure::state(
                "the server already listens on stdio or descriptors; it can have only one of them",
            ));
        }
        added.iter().try_for_each(ConfiguredTransport::resolve)?;
        self.transports.extend(added);
        Ok(TENON_OK)
    }

    /// Adds a transport at an address.
    pub(crate) fn listen_at(&mut self, transport: &str, address: &str) -> Result<tenon_status> {
        self.listen(transport, &JsonSlice::from_value(&json!(address)), duplicate)
    }

    /// The transports: those that were named, else those of the settings. Fails if there is none.
    pub(crate) fn transports(&self) -> Result<ServeOptions> {
        let mut options = self.named()?;
        if options.is_empty() {
            options = self.of_settings()?;
        }
        if options.is_empty() {
            return Err(Failure::new(
                TENON_ERR_INVALID,
                "no transport is set: call tenon_server_listen_stdio(), tenon_server_listen_http() or another",
            ));
        }
        Ok(options)
    }

    /// The transports that were named. Descriptors are duplicated, so that a failed start leaves the originals for the
    /// next start.
    pub(crate) fn named(&self) -> Result<ServeOptions> {
        self.with_defaults(self.transports.iter().cloned())
    }

    /// The transports of the section "serve".
    fn of_settings(&self) -> Result<ServeOptions> {
        let served = self.settings.as_ref().map(Settings::serve_options).transpose()?.flatten();
        let Some(served) = served else { return Ok(ServeOptions::new()) };
        let no_descriptor = |_| Err(io::Error::other("settings have no descriptors"));
        let mut all = Vec::new();
        for (name, options) in &served.to_options(Spelling::File) {
            all.extend(ConfiguredTransport::read(name, options, Spelling::File, no_descriptor)?);
        }
        Ok(self.with_defaults(all)?.as_in(&served))
    }

    /// Serves transports. Options that they do not have are those that apply to all transports.
    fn with_defaults(
        &self,
        transports: impl IntoIterator<Item = ConfiguredTransport>,
    ) -> Result<ServeOptions> {
        // Null counts as not set.
        let mut defaults = json!({ "mode": self.unix_mode });
        for (option, names) in &self.allowed {
            defaults[option] = json!(names);
        }
        let (defaults, mut options) = (JsonSlice::from_value(&defaults), ServeOptions::new());
        for transport in transports {
            options = options.with(transport.with_defaults(&defaults, Spelling::C)?)?;
        }
        Ok(options)
    }
}
