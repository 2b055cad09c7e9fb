//! Encodes and decodes WebSocket messages.
//!
//! The syntax of frames is checked by tungstenite. This module assembles the payloads, because it does not trust the
//! length that a client declares. The memory of a message grows with the bytes that have arrived. An idle connection
//! holds no memory for messages.

use bytes::Bytes;
use std::io::Cursor;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

/// The maximum payload of a control frame (RFC 6455, section 5.5).
const MAX_CONTROL: u64 = 125;

/// The maximum size of a frame's header.
const MAX_HEADER: usize = 14;

/// A message or a control frame from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A whole text message.
    Text(Bytes),
    /// A ping. The server must answer with a pong that has the same payload.
    Ping(Bytes),
    /// The answer to a ping, with the ping's payload.
    Pong(Bytes),
    /// A close frame, with its code if it has one.
    Close(Option<u16>),
    /// The client has violated the protocol or reached a limit. After this, only a close frame is returned.
    FrameError(FrameError),
}

/// The reason for ending a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The input is not a frame, or the frame is not allowed here.
    Protocol,
    /// A binary message. Messages must be text.
    Binary,
    /// A text that is not UTF-8.
    NotText,
    /// A message over the limit.
    TooLong,
    /// The budget has no memory for the rest of the message.
    NoRoom,
}

impl FrameError {
    /// The close code for this error (RFC 6455, section 7.4.1; WS-3).
    pub fn code(self) -> u16 {
        let code = match self {
            FrameError::Protocol => CloseCode::Protocol,
            FrameError::Binary => CloseCode::Unsupported,
            FrameError::NotText => CloseCode::Invalid,
            FrameError::TooLong => CloseCode::Size,
            FrameError::NoRoom => CloseCode::Again,
        };
        code.into()
    }
}

/// Limits the memory of a message.
pub trait MemoryLimit {
    /// Changes the memory that is reserved for a message to this size. Returns whether the message may have this size.
    /// Zero bytes release the memory.
    fn take(&mut self, bytes: usize) -> bool;
}

/// Assembles messages from frames. The result does not depend on how the input is divided among the calls.
#[derive(Debug)]
pub struct Reader {
    max_bytes: usize,
    /// The bytes of an incomplete header, and the number of these bytes.
    begun: ([u8; MAX_HEADER], usize),
    /// The frame whose payload is being read.
    frame: Option<Payload>,
    /// The message that is being assembled; `None` between two messages.
    message: Option<Vec<u8>>,
    /// The payload of the control frame that is being read.
    control: Vec<u8>,
    /// `true` if everything except a close frame is discarded.
    discarding: bool,
    /// `true` if the last frame was read, or if frames can no longer be recognised.
    over: bool,
    /// `true` if the client's close frame was read.
    closed: bool,
}

/// The frame whose payload is being read.
#[derive(Clone, Copy, Debug)]
struct Payload {
    opcode: OpCode,
    last: bool,
    mask: [u8; 4],
    /// The number of payload bytes that were read.
    read: u64,
    left: u64,
}

impl Reader {
    /// Reads messages of at most `max_bytes` bytes.
    pub fn new(max_bytes: usize) -> Reader {
        Reader {
            max_bytes,
            begun: ([0; MAX_HEADER], 0),
            frame: None,
            message: None,
            control: Vec::new(),
            discarding: false,
            over: false,
            closed: false,
        }
    }

    /// Whether the client has sent a close frame.
    pub fn has_closed(&self) -> bool {
        self.closed
    }

    /// Whether a message or a frame is incomplete.
    pub fn is_within(&self) -> bool {
        !self.over && (self.begun.1 > 0 || self.frame.is_some() || self.message.is_some())
    }

    /// From now on, only a close frame is returned.
    pub fn discard(&mut self) {
        self.discarding = true;
        self.message = None;
    }

    /// Consumes `input` up to the end of the next message or control frame. `None` if the input ends before that.
    pub fn next(&mut self, input: &mut &[u8], room: &mut dyn MemoryLimit) -> Option<Received> {
        loop {
            if self.over {
                *input = &[];
                return None;
            }
            let payload = match self.frame {
                Some(payload) => payload,
                None => match self.header(input)? {
                    Ok(payload) => payload,
                    Err(error) => return Some(self.fail(error, room)),
                },
            };
            let count = payload.left.min(input.len() as u64) as usize;
            let (part, rest) = input.split_at(count);
            *input = rest;
            if let Err(error) = self.keep(&payload, part, room) {
                // The rest of the frame is skipped, so that a close frame after it can be found.
                self.advance(payload, count);
                return Some(self.fail(error, room));
            }
            if !self.advance(payload, count) {
                return None;
            }
            if let Some(received) = self.complete(payload, room) {
                return Some(received);
            }
        }
    }

    /// Counts the bytes that were read of the frame. Returns whether the frame is complete.
    fn advance(&mut self, payload: Payload, count: usize) -> bool {
        let (read, left) = (payload.read + count as u64, payload.left - count as u64);
        self.frame = (left > 0).then_some(Payload { read, left, ..payload });
        left == 0
    }

    fn fail(&mut self, error: FrameError, room: &mut dyn MemoryLimit) -> Received {
        self.discard();
        room.take(0);
        // After a violation of the framing, the start of the next frame is not known.
        self.over |= error == FrameError::Protocol;
        Received::FrameError(error)
    }

    /// Reads the header of the next frame. `None` if it is incomplete.
    fn header(&mut self, input: &mut &[u8]) -> Option<Result<Payload, FrameError>> {
        let (buffer, begun) = &mut self.begun;
        // If a header is incomplete, its bytes are stored and parsed again later. This is rare.
        let count = input.len().min(MAX_HEADER - *begun);
        buffer[*begun..*begun + count].copy_from_slice(&input[..count]);
        let mut cursor = Cursor::new(&buffer[..*begun + count]);
        match FrameHeader::parse(&mut cursor) {
            Ok(Some((header, length))) => {
                let size = usize::try_from(cursor.position()).unwrap_or(MAX_HEADER);
                *input = &input[size - *begun..];
                *begun = 0;
                Some(self.check(&header, length))
            }
            Ok(None) => {
                *begun += count;
                *input = &input[count..];
                None
            }
            Err(_) => Some(Err(FrameError::Protocol)),
        }
    }

    /// Checks the header of a frame (RFC 6455, sections 5.2 to 5.5).
    fn check(&mut self, header: &FrameHeader, length: u64) -> Result<Payload, FrameError> {
        let Some(mask) = header.mask else { return Err(FrameError::Protocol) };
        if header.rsv1 || header.rsv2 || header.rsv3 || length > i64::MAX as u64 {
            return Err(FrameError::Protocol);
        }
        let payload = Payload { opcode: header.opcode, last: header.is_final, mask, read: 0, left: length };
        match header.opcode {
            OpCode::Control(_) if !header.is_final || length > MAX_CONTROL => {
                return Err(FrameError::Protocol);
            }
            OpCode::Control(_) => self.control.clear(),
            OpCode::Data(_) if self.discarding => {}
            OpCode::Data(Data::Continue) if self.message.is_none() => return Err(FrameError::Protocol),
            OpCode::Data(Data::Text | Data::Binary) if self.message.is_some() => {
                return Err(FrameError::Protocol);
            }
            OpCode::Data(kind) => {
                // The error is reported before the payload is read. The payload is then skipped.
                let error = match kind {
                    Data::Binary => Some(FrameError::Binary),
                    _ if length > self.room_left() as u64 => Some(FrameError::TooLong),
                    _ => None,
                };
                if let Some(error) = error {
                    self.frame = (length > 0).then_some(payload);
                    return Err(error);
                }
                self.message.get_or_insert_default();
            }
        }
        Ok(payload)
    }

    fn room_left(&self) -> usize {
        self.max_bytes - self.message.as_ref().map_or(0, Vec::len)
    }

    /// Appends a part of a frame to its message or control payload.
    fn keep(&mut self, payload: &Payload, part: &[u8], room: &mut dyn MemoryLimit) -> Result<(), FrameError> {
        let target = match (payload.opcode, &mut self.message) {
            (OpCode::Control(_), _) => &mut self.control,
            (OpCode::Data(_), Some(message)) => {
                let wanted = message.len() + part.len();
                if wanted > message.capacity() {
                    // The declared length is trusted only up to twice the bytes that have arrived.
                    let declared = message.len() as u64 + payload.left;
                    let capacity = declared.min(2 * wanted as u64).min(self.max_bytes as u64) as usize;
                    let capacity = capacity.max(wanted);
                    if !room.take(capacity) {
                        return Err(FrameError::NoRoom);
                    }
                    message.reserve_exact(capacity - message.len());
                }
                message
            }
            (OpCode::Data(_), None) => return Ok(()),
        };
        let from = target.len();
        target.extend_from_slice(part);
        unmask(&mut target[from..], payload.mask, payload.read);
        Ok(())
    }

    /// The message or control frame that ends with this frame; `None` if the message continues.
    fn complete(&mut self, payload: Payload, room: &mut dyn MemoryLimit) -> Option<Received> {
        match payload.opcode {
            OpCode::Control(Control::Close) => {
                (self.over, self.closed) = (true, true);
                Some(match close_code(&self.control) {
                    Ok(code) => Received::Close(code),
                    Err(_) if self.discarding => Received::Close(None),
                    Err(error) => self.fail(error, room),
                })
            }
            OpCode::Control(_) if self.discarding => None,
            OpCode::Control(Control::Ping) => Some(Received::Ping(std::mem::take(&mut self.control).into())),
            OpCode::Control(_) => Some(Received::Pong(std::mem::take(&mut self.control).into())),
            OpCode::Data(_) if !payload.last => None,
            OpCode::Data(_) => {
                let message = self.message.take()?;
                if std::str::from_utf8(&message).is_err() {
                    return Some(self.fail(FrameError::NotText, room));
                }
                Some(Received::Text(message.into()))
            }
        }
    }
}

/// The code of a close frame (RFC 6455, section 5.5.1). Fails if the code or the reason is not valid.
fn close_code(payload: &[u8]) -> Result<Option<u16>, FrameError> {
    let Some((code, reason)) = payload.split_at_checked(2) else {
        return if payload.is_empty() { Ok(None) } else { Err(FrameError::Protocol) };
    };
    let code = u16::from_be_bytes([code[0], code[1]]);
    if !CloseCode::from(code).is_allowed() {
        return Err(FrameError::Protocol);
    }
    std::str::from_utf8(reason).map_err(|_| FrameError::NotText)?;
    Ok(Some(code))
}

/// Removes the mask from a part of a payload. `read` is the number of payload bytes before this part.
fn unmask(bytes: &mut [u8], mut mask: [u8; 4], read: u64) {
    mask.rotate_left((read % 4) as usize);
    let whole = u64::from_ne_bytes([mask, mask].concat().try_into().unwrap_or_default());
    let mut chunks = bytes.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let word = u64::from_ne_bytes((&*chunk).try_into().unwrap_or_default()) ^ whole;
        chunk.copy_from_slice(&word.to_ne_bytes());
    }
    for (place, byte) in chunks.into_remainder().iter_mut().enumerate() {
        *byte ^= mask[place % 4];
    }
}

/// Appends the header of a text message with this length.
pub fn text(length: usize, out: &mut Vec<u8>) {
    head(OpCode::Data(Data::Text), length, out);
}

/// Appends a ping with this payload.
pub fn ping(payload: &[u8], out: &mut Vec<u8>) {
    head(OpCode::Control(Control::Ping), payload.len(), out);
    out.extend_from_slice(payload);
}

/// Appends the answer to a ping with this payload.
pub fn pong(payload: &[u8], out: &mut Vec<u8>) {
    head(OpCode::Control(Control::Pong), payload.len(), out);
    out.extend_from_slice(payload);
}

/// Appends a close frame, with a code if there is one.
pub fn close(code: Option<u16>, out: &mut Vec<u8>) {
    let code = code.map(u16::to_be_bytes);
    let payload = code.as_ref().map_or(&[][..], |code| code);
    head(OpCode::Control(Control::Close), payload.len(), out);
    out.extend_from_slice(payload);
}

fn head(opcode: OpCode, length: usize, out: &mut Vec<u8>) {
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    // Writing to a vector cannot fail.
    let _ = header.format(length as u64, out);
}
