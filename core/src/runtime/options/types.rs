//! The types of the values of transports' options: how each is read from JSON, checked, and written back.

use crate::dispatch::options::values::{At, OptionValue};
use crate::dispatch::options::{Form, Spelling};
use crate::dispatch::web_pages::path_fault;
use crate::json::JsonSlice;
use crate::runtime::sockets::unix;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt::Display;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whole numbers, which a language may write as `1.0`.
fn number(value: &JsonSlice) -> Option<u64> {
    let number = value.deserialize::<f64>().ok()?;
    (number >= 0.0 && number.fract() == 0.0).then_some(number as u64)
}

/// A TCP port.
#[derive(Clone, Copy, Debug)]
pub struct Port(pub(crate) u16);

impl OptionValue for Port {
    const FORM: Form = Form::Port;
    fn read(value: &JsonSlice, at: &At) -> Result<Port, String> {
        // In Python an option may be the text of an environment variable.
        let text = value.decode_str().filter(|_| at.spelling == Spelling::Python);
        let number = number(value).or_else(|| text?.parse().ok());
        number.and_then(|number| u16::try_from(number).ok()).map(Port).ok_or_else(|| at.wrong(value))
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.into()
    }
}

/// A host name or an IP address, without brackets.
#[derive(Clone, Debug)]
pub struct Host(pub(crate) String);

impl OptionValue for Host {
    const FORM: Form = Form::Host;
    fn read(value: &JsonSlice, at: &At) -> Result<Host, String> {
        let host = value.decode_str().filter(|host| !host.is_empty()).ok_or_else(|| at.wrong(value))?;
        Ok(Host::new(&host))
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.as_str().into()
    }
}

impl Host {
    pub(crate) fn new(text: &str) -> Host {
        let address = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        Host(address.unwrap_or(text).to_owned())
    }

    /// `host:port`, with brackets around an IPv6 address.
    pub(crate) fn with_port(&self, port: impl Display) -> String {
        let host = &self.0;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// The path of an endpoint. If it is empty, the transport's default applies.
#[derive(Clone, Debug)]
pub struct UrlPath(pub(crate) String);

impl UrlPath {
    /// Why a path that begins with `/` is not valid.
    pub(crate) fn problem(path: &str) -> Option<Cow<'static, str>> {
        if path.len() > 1 && path.ends_with('/') || path.contains(['?', '#', ' ']) {
            return Some("must not end with / or contain ? # or a space".into());
        }
        // Requests must be able to name the path, as they name the path of a page.
        path_fault(path).map(|fault| format!("is not valid: {fault}").into())
    }
}

impl OptionValue for UrlPath {
    const FORM: Form = Form::UrlPath;
    fn read(value: &JsonSlice, at: &At) -> Result<UrlPath, String> {
        let path = value.decode_str().filter(|path| path.is_empty() || path.starts_with('/'));
        let shown = at.spelling.shown(value);
        let path = path.ok_or_else(|| format!("{} must begin with /, not {shown}", at.path))?;
        // An empty path is the transport's default.
        match UrlPath::problem(&path).filter(|_| !path.is_empty()) {
            Some(problem) => Err(format!("{} {problem}; it is {shown}", at.path)),
            None => Ok(UrlPath(path.into_owned())),
        }
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.as_str().into()
    }
}

/// The path of a socket's file.
#[derive(Clone, Debug)]
pub struct SocketPath(pub(crate) PathBuf);

impl OptionValue for SocketPath {
    const FORM: Form = Form::FilePath;
    fn read(value: &JsonSlice, at: &At) -> Result<SocketPath, String> {
        let path = value.decode_str().ok_or_else(|| at.wrong(value))?;
        unix::check_path(Path::new(&*path)).map_err(|error| error.message().to_owned())?;
        Ok(SocketPath(PathBuf::from(path.into_owned())))
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.to_string_lossy().into()
    }
}

/// The permissions of a socket's file.
#[derive(Clone, Copy, Debug)]
pub struct FileMode(pub(crate) u32);

impl From<u32> for FileMode {
    fn from(mode: u32) -> FileMode {
        FileMode(mode)
    }
}

impl OptionValue for FileMode {
    const FORM: Form = Form::FileMode;
    fn read(value: &JsonSlice, at: &At) -> Result<FileMode, String> {
        let mode = number(value).filter(|mode| *mode <= 0o777).ok_or_else(|| at.wrong(value))?;
        Ok(FileMode(mode as u32))
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.into()
    }
}

/// A list of hosts, origins or headers.
#[derive(Clone, Debug, Default)]
pub struct Names(pub(crate) Vec<String>);

impl FromIterator<String> for Names {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Names {
        Names(names.into_iter().collect())
    }
}

impl OptionValue for Names {
    const FORM: Form = Form::Names;
    fn read(value: &JsonSlice, at: &At) -> Result<Names, String> {
        value.deserialize().map(Names).map_err(|_| at.wrong(value))
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.as_slice().into()
    }
}

/// A descriptor of the program.
#[derive(Clone, Debug)]
pub enum Descriptor {
    /// Its number in the options.
    Number(u64),
    /// The descriptor that the server owns.
    Owned(Arc<OwnedFd>),
}

/// Returns a descriptor that the server owns, for the number of a descriptor in the options.
pub(crate) type Descriptors<'a> = &'a mut dyn FnMut(i32) -> io::Result<OwnedFd>;

/// The member of an object that stands for a descriptor, because it has its number.
pub(crate) const FD: &str = "fd";

impl Descriptor {
    /// The descriptor as the server's own.
    pub(crate) fn owned(&self, path: &str, descriptors: Descriptors<'_>) -> Result<Descriptor, io::Error> {
        let Descriptor::Number(number) = self else { return Ok(self.clone()) };
        let none = || io::Error::other("there is no such descriptor");
        let named = |error: io::Error| {
            io::Error::new(
                error.kind(),
                format!("{path}: descriptor {number}: it cannot be duplicated: {error}"),
            )
        };
        i32::try_from(*number)
            .map_err(|_| none())
            .and_then(descriptors)
            .map(Arc::new)
            .map(Descriptor::Owned)
            .map_err(named)
    }
}

impl Descriptor {
    /// Keeps only the number.
    pub(crate) fn release(&mut self) {
        if let Descriptor::Owned(descriptor) = self {
            *self = Descriptor::from(&**descriptor);
        }
    }

    /// The descriptor, or a duplicate if others have it too.
    pub(crate) fn into_owned(self) -> io::Result<OwnedFd> {
        match self {
            Descriptor::Number(_) => Err(io::Error::other("is not owned")),
            Descriptor::Owned(descriptor) => Arc::try_unwrap(descriptor).or_else(|shared| shared.try_clone()),
        }
    }
}

impl From<&OwnedFd> for Descriptor {
    /// The number, which does not keep the descriptor open.
    fn from(descriptor: &OwnedFd) -> Descriptor {
        Descriptor::Number(descriptor.as_raw_fd().unsigned_abs().into())
    }
}

impl From<OwnedFd> for Descriptor {
    fn from(descriptor: OwnedFd) -> Descriptor {
        Descriptor::Owned(Arc::new(descriptor))
    }
}

impl OptionValue for Descriptor {
    const FORM: Form = Form::Descriptor;
    fn read(value: &JsonSlice, at: &At) -> Result<Descriptor, String> {
        let fd = value.member(FD).filter(|_| value.members().count() == 1);
        let number = number(fd.as_ref().unwrap_or(value));
        number.map(Descriptor::Number).ok_or_else(|| at.wrong(value))
    }
    fn write(&self, _: Spelling) -> Value {
        match self {
            Descriptor::Number(number) => json!(number),
            Descriptor::Owned(descriptor) => json!(descriptor.as_raw_fd()),
        }
    }
}
