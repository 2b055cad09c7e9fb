//! A transport with its options: read from JSON in the spelling of any language, and written back.

use super::addresses::{own_address, resolve};
use super::reader::Reader;
use super::table::TransportOptions;
use super::transports::{TRANSPORTS, TransportKind, TransportRow};
use super::types::Descriptor;
use crate::dispatch::nearest_name::nearest_name;
use crate::dispatch::options::values::OptionValue;
use crate::dispatch::options::{Owner, Spelling, names, set_at, write};
use crate::error::Error;
use crate::json::{JsonSlice, Kind};
use crate::proto::messages::error::clip;
use std::io;
use std::os::fd::OwnedFd;

/// One transport with its options, before the start.
#[derive(Clone, Debug)]
pub struct ConfiguredTransport {
    pub(crate) kind: TransportKind,
    pub(crate) options: TransportOptions,
    /// The descriptors that the transport serves.
    pub(crate) descriptors: Vec<Descriptor>,
}

/// The names of the transports in a language.
pub(crate) fn transport_names(spelling: Spelling) -> Vec<String> {
    let present = TRANSPORTS.iter().filter(|row| !row.absent.contains(&spelling));
    present.map(|row| spelling.name(row.name).into_owned()).collect()
}

/// The error of a name among the options for serving, if no transport has it. `others` are the names of the binding's own
/// options, which the program may have meant.
pub fn unknown_transport(name: &str, spelling: Spelling, others: &[String]) -> Option<String> {
    named(name, spelling).is_none().then(|| unknown("option", name, spelling, others))
}

/// The error of a name that no transport has. `what` is what the name should be.
fn unknown(what: &str, name: &str, spelling: Spelling, others: &[String]) -> String {
    let known = transport_names(spelling);
    let near = nearest_name(name, known.iter().chain(others).map(String::as_str)).unwrap_or_default();
    let (call, name, known) = (call(spelling), clip(name), known.join(", "));
    format!("{call}there is no {what} {name:?}; the nearest name is {near:?}; the transports are {known}")
}

/// The transport with this name in a language.
fn named(name: &str, spelling: Spelling) -> Option<&'static TransportRow> {
    let is_it = |row: &&TransportRow| spelling.name(row.name) == name && !row.absent.contains(&spelling);
    TRANSPORTS.iter().find(is_it)
}

/// What stands before the names of transports in errors.
pub(crate) fn call(spelling: Spelling) -> &'static str {
    if spelling == Spelling::Node { "listen: " } else { "" }
}

impl From<TransportKind> for ConfiguredTransport {
    /// The transport without options.
    fn from(kind: TransportKind) -> ConfiguredTransport {
        ConfiguredTransport::of(kind, TransportOptions::default())
    }
}

impl ConfiguredTransport {
    pub(crate) fn of(kind: TransportKind, options: TransportOptions) -> ConfiguredTransport {
        ConfiguredTransport { kind, options, descriptors: Vec::new() }
    }

    /// Reads the transport `name` from its value: options as a JSON object, or a value that is short for them. Returns
    /// several transports for a list of sockets, and none for `false`.
    ///
    /// `descriptors` returns a descriptor that the server owns for the number of one in the options, such as its
    /// duplicate. Host names are not resolved.
    pub fn read(
        name: &str,
        value: &JsonSlice,
        spelling: Spelling,
        mut descriptors: impl FnMut(i32) -> io::Result<OwnedFd>,
    ) -> Result<Vec<ConfiguredTransport>, Error> {
        let Some(row) = named(name, spelling) else {
            return Err(Error::invalid(unknown("transport", name, spelling, &[])));
        };
        let top = format!("{}{name}", call(spelling));
        let prefix =
            if spelling == Spelling::Python { format!("{name} option ") } else { format!("{top}: ") };
        Reader { row, spelling, top, prefix, descriptors: &mut descriptors }.read(value)
    }

    /// Reads the options of requests that the program's own HTTP server passes on. `what` is what the options belong to,
    /// in errors.
    pub(crate) fn embedded(what: &str, value: &JsonSlice, spelling: Spelling) -> Result<Self, Error> {
        let row = TransportKind::Embedded.row();
        let mut none = |_| Err(io::Error::other("no descriptor is expected"));
        let prefix = format!("{what}: ");
        Reader { row, spelling, top: what.to_owned(), prefix, descriptors: &mut none }.options(value)
    }

    /// Which transport it is.
    pub fn kind(&self) -> TransportKind {
        self.kind
    }

    /// The transport's row in the table.
    pub fn row(&self) -> &'static TransportRow {
        self.kind.row()
    }

    /// The values of the options.
    pub fn options(&self) -> &TransportOptions {
        &self.options
    }

    /// Sets options that are not set. Of the members of `defaults`, the transport takes those that it may have.
    pub fn with_defaults(mut self, defaults: &JsonSlice, spelling: Spelling) -> Result<Self, Error> {
        let owner = Owner::Transport(self.row().name);
        let (own, set) = (names::<TransportOptions>(owner, spelling), write(&self.options, spelling));
        for member in defaults.members() {
            let name = member.name(defaults.as_bytes());
            let value = defaults.subslice(member.value);
            let is_unset = set.member(&name).is_none() && value.kind() != Kind::Null;
            if is_unset && own.iter().any(|own| *own == name) {
                set_at(&mut self.options, owner, spelling, &name, &value, String::new())
                    .map_err(|error| Error::invalid(error.text))?;
            }
        }
        Ok(self)
    }

    /// The value as a language writes it: an object of options, or `true` if no option is set. Descriptors are numbers.
    pub fn to_options(&self, spelling: Spelling) -> JsonSlice {
        let numbers: Vec<_> = self.descriptors.iter().map(|own| own.write(spelling)).collect();
        match &numbers[..] {
            [] => {}
            [one] => return JsonSlice::from_value(one),
            _ => return JsonSlice::from_value(&numbers.into()),
        }
        let options = write(&self.options, spelling);
        if options.as_str() == "{}" { JsonSlice::from_value(&true.into()) } else { options }
    }

    /// The same transport. Its descriptors are numbers, so that it does not keep them open.
    pub(crate) fn with_numbers(&self) -> ConfiguredTransport {
        let mut all = self.clone();
        all.descriptors.iter_mut().chain(&mut all.options.socket).for_each(Descriptor::release);
        all
    }

    /// Fails if the host of the address cannot be resolved.
    pub fn resolve(&self) -> Result<(), Error> {
        let (address, name) = (own_address(&self.options), self.row().name);
        resolve(name, &address.clone().unwrap_or_default(), address)
    }
}
