//! A transport with its options: read from JSON in the spelling of any language, and written back.

use super::addresses;
use super::table::TransportOptions;
use super::transports::{TRANSPORTS, Takes, TransportKind, TransportRow};
use super::types::{Descriptor, Descriptors, Host, Port, SocketPath, UrlPath};
use super::web::messages_path;
use crate::dispatch::nearest_name::nearest_name;
use crate::dispatch::options::values::{At, OptionValue};
use crate::dispatch::options::{Form, Owner, Spelling, names, set_at, unknown_option, write};
use crate::error::{Error, ErrorKind};
use crate::json::{JsonSlice, Kind};
use crate::proto::messages::error::clip;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// One transport with its options, before the start.
#[derive(Clone, Debug)]
pub struct ConfiguredTransport {
    pub(crate) kind: TransportKind,
    pub(crate) options: TransportOptions,
    /// The descriptors that the transport serves.
    pub(crate) descriptors: Vec<Descriptor>,
}

/// The transport whose value is read.
struct Reader<'a> {
    row: &'static TransportRow,
    spelling: Spelling,
    /// The transport in errors.
    top: String,
    /// What stands before the name of an option in errors.
    prefix: String,
    descriptors: Descriptors<'a>,
}

/// The names of the transports in a language.
pub fn transport_names(spelling: Spelling) -> Vec<String> {
    let present = TRANSPORTS.iter().filter(|row| !row.absent.contains(&spelling));
    present.map(|row| spelling.name(row.name).into_owned()).collect()
}

/// The error of a name that no transport has. `what` is what the name should be.
pub fn unknown_transport(what: &str, name: &str, spelling: Spelling) -> String {
    let known = transport_names(spelling);
    let near = nearest_name(name, known.iter().map(String::as_str)).unwrap_or_default();
    let (name, known) = (clip(name), known.join(", "));
    format!("there is no {what} {name:?}; the nearest name is {near:?}; the transports are {known}")
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

    /// Whether a language has a transport of this name.
    pub(crate) fn is_known(name: &str, spelling: Spelling) -> bool {
        named(name, spelling).is_some()
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
            let unknown = unknown_transport("transport", name, spelling);
            return Err(Error::invalid(format!("{}{unknown}", call(spelling))));
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
            let value = defaults.subslice(member.value.clone());
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
        addresses::resolve(name, &address.clone().unwrap_or_default(), address)
    }
}

/// The path of an endpoint: its own, or the transport's default.
pub(crate) fn path(kind: TransportKind, options: &TransportOptions) -> String {
    let own = options.path.as_ref().map(|path| path.0.as_str()).filter(|path| !path.is_empty());
    own.or(kind.row().default_path).unwrap_or_default().to_owned()
}

/// `host:port` of the options, if they have a port.
pub(crate) fn own_address(options: &TransportOptions) -> Option<String> {
    let host = || options.host.clone().unwrap_or_else(|| Host::new("127.0.0.1"));
    options.port.map(|port| host().with_port(port.0))
}

/// Options from an address as text. Fails if the address is not valid, or if the host cannot be resolved.
pub(crate) fn from_address(kind: TransportKind, text: &str) -> Result<TransportOptions, Error> {
    let options = parse_address(kind.row(), text)?;
    addresses::resolve(kind.row().name, text, own_address(&options))?;
    Ok(options)
}

/// Options from `unix:path`, `/path`, `host:port/path` or a port.
fn parse_address(row: &TransportRow, text: &str) -> Result<TransportOptions, Error> {
    let mut options = TransportOptions::default();
    let set_path = |options: &mut TransportOptions, path: &str| {
        addresses::path(row.name, text, path)?;
        options.path = Some(UrlPath(path.to_owned()));
        Ok::<_, Error>(())
    };
    if let Some(place) = text.strip_prefix("unix:").filter(|_| row.takes(Takes::UnixAddress)) {
        let (file, path) = match place.rfind(":/") {
            Some(end) => (&place[..end], Some(&place[end + 1..])),
            None => (place, None),
        };
        crate::runtime::sockets::unix::check_path(Path::new(file))?;
        options.unix = Some(SocketPath(file.into()));
        path.map_or(Ok(()), |path| set_path(&mut options, path))?;
    } else if text.starts_with('/') && row.takes(Takes::UrlPath) {
        set_path(&mut options, text)?;
    } else {
        let (host, port, path) = addresses::split(row.name, text)?;
        (options.host, options.port) = (Some(Host::new(host)), Some(Port(port)));
        path.map_or(Ok(()), |path| set_path(&mut options, path))?;
    }
    check_messages_path(row.kind, &options, || format!("{} address {text:?}", row.name))?;
    Ok(options)
}

/// Checks that the path of an event stream is not the path to which clients post messages.
fn check_messages_path(
    kind: TransportKind,
    options: &TransportOptions,
    what: impl Fn() -> String,
) -> Result<(), Error> {
    let path = path(kind, options);
    if kind == TransportKind::Sse && messages_path(&path) == path {
        return Err(Error::invalid(format!(
            "{}: the path must not end in \"messages\", because clients post their messages there",
            what()
        )));
    }
    Ok(())
}

impl Reader<'_> {
    fn read(&mut self, value: &JsonSlice) -> Result<Vec<ConfiguredTransport>, Error> {
        let takes = |form| self.row.takes(form);
        let all =
            match value.kind() {
                Kind::False if takes(Takes::Flag) => Vec::new(),
                Kind::True if takes(Takes::Flag) => vec![self.row.kind.into()],
                Kind::Number if takes(Takes::Port) => {
                    let port = JsonSlice::from_value(&serde_json::json!({ "port": value.to_value().ok() }));
                    vec![self.options(&port)?]
                }
                Kind::String if takes(Takes::Address) => vec![self.address(value)?],
                Kind::String if takes(Takes::FilePath) => {
                    let name = self.row.needed.first().copied().unwrap_or_default();
                    vec![self.options(&JsonSlice::from_value(
                        &serde_json::json!({ name: value.to_value().ok() }),
                    ))?]
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
        let options = parse_address(self.row, &value.decode_str().unwrap_or_default())?;
        Ok(ConfiguredTransport::of(self.row.kind, options))
    }

    fn socket(&mut self, value: &JsonSlice) -> Result<ConfiguredTransport, Error> {
        let descriptors = vec![self.descriptor(value)?];
        Ok(ConfiguredTransport { descriptors, ..self.row.kind.into() })
    }

    /// A descriptor that is the value of the transport, or a part of it.
    fn descriptor(&mut self, value: &JsonSlice) -> Result<Descriptor, Error> {
        let at = At { path: self.top.clone(), form: Form::Descriptor, spelling: self.spelling };
        let number = Descriptor::read(value, &at).map_err(|_| self.wrong(value, ""))?;
        let path = self.top.clone();
        self.own(&number, &path)
    }

    fn own(&mut self, descriptor: &Descriptor, path: &str) -> Result<Descriptor, Error> {
        let owned = descriptor.owned(path, self.descriptors);
        owned.map_err(|error| Error::new(ErrorKind::Io, error.to_string()))
    }

    fn options(&mut self, value: &JsonSlice) -> Result<ConfiguredTransport, Error> {
        if value.kind() != Kind::Object {
            return Err(self.wrong(value, ""));
        }
        let (owner, spelling) = (Owner::Transport(self.row.name), self.spelling);
        let known = names::<TransportOptions>(owner, spelling);
        let mut all = ConfiguredTransport::from(self.row.kind);
        for member in value.members() {
            let (name, value) = (member.name(value.as_bytes()), value.subslice(member.value.clone()));
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
