//! Reads the value of one transport from JSON.

use super::addresses::{check_messages_path, parse};
use super::configured::ConfiguredTransport;
use super::table::TransportOptions;
use super::transports::{Takes, TransportRow};
use super::types::{Descriptor, Descriptors, Port};
use crate::dispatch::options::values::{At, OptionValue};
use crate::dispatch::options::{Form, Owner, Spelling, names, set_at, unknown_option, write};
use crate::error::{Error, ErrorKind};
use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::messages::error::clip;

/// The transport whose value is read.
pub(super) struct Reader<'a> {
    pub(super) row: &'static TransportRow,
    pub(super) spelling: Spelling,
    /// The transport in errors.
    pub(super) top: String,
    /// What stands before the name of an option in errors.
    pub(super) prefix: String,
    pub(super) descriptors: Descriptors<'a>,
}

/// An object with one member.
fn object(name: &str, value: &JsonSlice) -> JsonSlice {
    let mut out = JsonWriter::new();
    out.begin_object().key(name).slice(value).end_object();
    out.into_slice()
}

impl Reader<'_> {
    pub(super) fn read(&mut self, value: &JsonSlice) -> Result<Vec<ConfiguredTransport>, Error> {
        let takes = |form| self.row.takes(form);
        let all = match value.kind() {
            Kind::False if takes(Takes::Flag) => Vec::new(),
            Kind::True if takes(Takes::Flag) => vec![self.row.kind.into()],
            Kind::Number if takes(Takes::Port) => vec![self.options(&object("port", value))?],
            Kind::String if takes(Takes::Address) => vec![self.address(value)?],
            Kind::String if takes(Takes::FilePath) => {
                let name = self.row.needed.first().copied().unwrap_or_default();
                vec![self.options(&object(name, value))?]
            }
            Kind::Array if takes(Takes::Pair) && value.elements().count() == 2 => {
                let pair = value.elements().map(|one| self.descriptor(&one)).collect::<Result<_, _>>()?;
                vec![ConfiguredTransport { descriptors: pair, ..self.row.kind.into() }]
            }
            Kind::Array if takes(Takes::Descriptors) => {
                value.elements().map(|one| self.socket(&one)).collect::<Result<_, _>>()?
            }
            _ if takes(Takes::Descriptors) => vec![self.socket(value)?],
            Kind::Object if takes(Takes::Options) => vec![self.options(value)?],
            _ => return Err(self.wrong(value, "")),
        };
        Ok(all)
    }

    /// The error of a value that the transport does not take.
    fn wrong(&self, value: &JsonSlice, detail: &str) -> Error {
        let (expected, shown) = (self.row.expected(self.spelling), self.spelling.shown(value));
        // In Python a bool is a number, too.
        let is_bool = self.spelling == Spelling::Python && matches!(value.kind(), Kind::True | Kind::False);
        let kind = if is_bool { "the bool " } else { "" };
        Error::invalid(format!("{} must be {expected}, not {kind}{shown}{detail}", self.top))
    }

    fn address(&self, value: &JsonSlice) -> Result<ConfiguredTransport, Error> {
        let options = parse(self.row, &value.decode_str().unwrap_or_default())?;
        Ok(ConfiguredTransport::of(self.row.kind, options))
    }

    fn socket(&mut self, value: &JsonSlice) -> Result<ConfiguredTransport, Error> {
        let descriptors = vec![self.descriptor(value)?];
        Ok(ConfiguredTransport { descriptors, ..self.row.kind.into() })
    }

    /// A descriptor that is the value of the transport, or a part of it.
    fn descriptor(&mut self, value: &JsonSlice) -> Result<Descriptor, Error> {
        let at =
            At { path: self.top.clone(), form: Form::Descriptor, spelling: self.spelling, secret: false };
        let number = Descriptor::read(value, &at).map_err(|_| self.wrong(value, ""))?;
        let path = self.top.clone();
        self.own(&number, &path)
    }

    fn own(&mut self, descriptor: &Descriptor, path: &str) -> Result<Descriptor, Error> {
        let owned = descriptor.owned(path, self.descriptors);
        owned.map_err(|error| Error::new(ErrorKind::Io, error.to_string()))
    }

    /// Reads an object of options.
    pub(super) fn options(&mut self, value: &JsonSlice) -> Result<ConfiguredTransport, Error> {
        if value.kind() != Kind::Object {
            return Err(self.wrong(value, ""));
        }
        let (owner, spelling) = (Owner::Transport(self.row.name), self.spelling);
        let known = names::<TransportOptions>(owner, spelling);
        let mut all = ConfiguredTransport::from(self.row.kind);
        for member in value.members() {
            let (name, value) = (member.name(value.as_bytes()), value.subslice(member.value));
            if !known.iter().any(|known| *known == name) {
                return Err(self.unknown(&name, &known));
            }
            if value.kind() == Kind::Null {
                continue;
            }
            set_at(&mut all.options, owner, spelling, &name, &value, self.prefix.clone())
                .map_err(|error| Error::invalid(error.text))?;
        }
        for name in self.row.needed {
            if !self.has(&all, name) {
                let name = spelling.name(name);
                return Err(self.wrong(value, &format!("; the option {name} is missing")));
            }
        }
        self.check_address(&mut all)?;
        check_messages_path(self.row.kind, &all.options, || format!("{}path", self.prefix))?;
        if let Some(socket) = all.options.socket.take() {
            let path = format!("{}{}", self.prefix, spelling.name("socket"));
            all.options.socket = Some(self.own(&socket, &path)?);
        }
        Ok(all)
    }

    fn unknown(&self, name: &str, known: &[String]) -> Error {
        let unknown = unknown_option(name, known);
        Error::invalid(match self.spelling {
            Spelling::Python if self.prefix.ends_with("option ") => {
                let (_, advice) = unknown.split_once(';').unwrap_or(("", ""));
                format!("unknown {} option '{}';{advice}", self.top, clip(name))
            }
            _ => format!("{}{unknown}", self.prefix),
        })
    }

    /// Whether an option is set, by its name in the table.
    fn has(&self, all: &ConfiguredTransport, name: &str) -> bool {
        write(&all.options, Spelling::Rust).member(name).is_some()
    }

    /// Checks that the options name one place, and sets the default port.
    fn check_address(&self, all: &mut ConfiguredTransport) -> Result<(), Error> {
        let (row, spelling) = (self.row, self.spelling);
        let set: Vec<_> =
            row.addresses.iter().filter(|place| place.names().any(|name| self.has(all, name))).collect();
        let has_address = self.has(all, "host") || (set.is_empty() && !row.addresses.is_empty());
        if set.len() > 1 || set.iter().any(|place| place.needed != "port" && !self.has(all, place.needed)) {
            let found =
                row.addresses.iter().flat_map(|place| place.names()).filter(|name| self.has(all, name));
            let places: Vec<_> =
                row.addresses.iter().map(|place| self.in_order(place.names(), " and ")).collect();
            let colon = if spelling == Spelling::Python { "" } else { ":" };
            return Err(Error::invalid(format!(
                "{}{colon} options must name one place: set only one of {}; they have {}",
                self.top,
                places.join(", or ").replacen(", or ", ", ", places.len().saturating_sub(2)),
                self.in_order(found, ", ")
            )));
        }
        if !has_address || self.has(all, "port") {
            return Ok(());
        }
        let default = row.default_ports.iter().find(|(language, _)| *language == spelling);
        all.options.port = default.map(|(_, port)| Port(*port));
        if default.is_none() {
            let (prefix, expected) = (&self.prefix, Form::Port.expected(spelling));
            let needs = if self.has(all, "host") { "host needs the option port: " } else { "" };
            return Err(Error::invalid(format!("{prefix}{needs}port must be {expected}")));
        }
        Ok(())
    }

    /// Options in the order of the table, in the language's spelling.
    fn in_order<'n>(&self, names: impl Iterator<Item = &'n str>, separator: &str) -> String {
        let names: Vec<_> = names.collect();
        let rows = self.row.options().filter(|row| names.contains(&row.name));
        rows.map(|row| self.spelling.name(row.name)).collect::<Vec<_>>().join(separator)
    }
}
