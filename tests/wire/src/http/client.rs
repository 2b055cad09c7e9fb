//! One HTTP/1.1 exchange after the other on a connection.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;

/// A connection to a server.
pub struct Client(BufReader<TcpStream>);

/// Where a server is.
#[derive(Clone, Debug)]
pub struct Address {
    /// Host and port.
    pub host: String,
    /// From the first slash on.
    pub path: String,
}

impl Address {
    /// Reads `http://HOST:PORT/PATH`.
    pub fn parse(url: &str) -> std::result::Result<Address, String> {
        let rest =
            url.strip_prefix("http://").ok_or_else(|| format!("{url:?} does not begin with http://"))?;
        let slash = rest.find('/').unwrap_or(rest.len());
        let path = if slash == rest.len() { "/" } else { &rest[slash..] };
        Ok(Address { host: rest[..slash].into(), path: path.into() })
    }
}

/// How a response begins.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its status.
    pub status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    /// The value of a header, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// What is left of a response's body.
enum Rest {
    Length(u64),
    Chunks,
}

/// A response whose body is still to be read.
pub struct Body<'c> {
    client: &'c mut Client,
    rest: Rest,
}

impl Client {
    /// Connects.
    pub fn connect(address: &Address) -> Result<Client> {
        let stream = TcpStream::connect(&address.host)?;
        stream.set_nodelay(true)?;
        Ok(Client(BufReader::new(stream)))
    }

    /// The socket, for somebody who may have to end it.
    pub fn socket(&self) -> Result<TcpStream> {
        self.0.get_ref().try_clone()
    }

    /// Sends a request in one write, and reads how its response begins.
    pub fn request(
        &mut self,
        method: &str,
        address: &Address,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> Result<(Head, Body<'_>)> {
        let mut out =
            format!("{method} {} HTTP/1.1\r\nhost: {}\r\n", address.path, address.host).into_bytes();
        for (name, value) in headers {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if !body.is_empty() {
            out.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body);
        self.0.get_mut().write_all(&out)?;
        let head = self.head()?;
        let rest = match (head.header("transfer-encoding"), head.header("content-length")) {
            (Some("chunked"), _) => Rest::Chunks,
            (None, Some(length)) => {
                Rest::Length(length.parse().map_err(|_| wrong("a length that is no number"))?)
            }
            (None, None) if head.status == 204 => Rest::Length(0),
            _ => return Err(wrong("a body of unknown length")),
        };
        Ok((head, Body { client: self, rest }))
    }

    fn head(&mut self) -> Result<Head> {
        let status = self.line()?;
        let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = code.ok_or_else(|| wrong("a status line that is none"))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(Head { status, headers });
            }
            let (name, value) = line.split_once(':').ok_or_else(|| wrong("a header without colon"))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
        }
    }
}

impl Body<'_> {
    /// The next part; nothing when it has ended.
    pub fn part(&mut self) -> Result<Option<Vec<u8>>> {
        let length = match &mut self.rest {
            Rest::Length(left) => std::mem::take(left),
            Rest::Chunks => {
                let line = self.client.line()?;
                u64::from_str_radix(&line, 16).map_err(|_| wrong("a chunk without its size"))?
            }
        };
        let mut part = Vec::new();
        (&mut self.client.0).take(length).read_to_end(&mut part)?;
        if part.len() as u64 != length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if matches!(self.rest, Rest::Chunks) {
            self.client.line()?;
        }
        Ok(if part.is_empty() { None } else { Some(part) })
    }

    /// All that is left.
    pub fn all(mut self) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(part) = self.part()? {
            all.extend_from_slice(&part);
        }
        Ok(all)
    }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}
