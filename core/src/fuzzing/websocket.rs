//! Fuzz target for WebSocket messages. The result must not depend on how the bytes are divided, and must be that of a
//! simple implementation of RFC 6455.
//!
//! The first byte is the maximum size of a message. The next bytes say how the rest is divided.

use super::divided;
use crate::runtime::http::websocket::frames::{self, FrameError, MemoryLimit, Reader, Received};
use bytes::Bytes;
use tungstenite::protocol::frame::coding::CloseCode;

/// Allows everything, but asserts that the reader takes at most twice as much memory as bytes have arrived.
struct Watched {
    max: usize,
    come: usize,
}

impl MemoryLimit for Watched {
    fn take(&mut self, bytes: usize) -> bool {
        assert!(bytes <= self.max.min(2 * self.come), "{bytes} bytes for {} that came", self.come);
        true
    }
}

fn read(max: usize, parts: &[&[u8]]) -> (Vec<Received>, bool, bool) {
    let (mut reader, mut room) = (Reader::new(max), Watched { max, come: 0 });
    let mut all = Vec::new();
    for part in parts {
        room.come += part.len();
        let mut input = *part;
        while let Some(received) = reader.next(&mut input, &mut room) {
            all.push(received);
        }
        assert!(input.is_empty(), "what came is taken");
    }
    (all, reader.is_within(), reader.has_closed())
}

/// A frame with a complete header, and the part of its payload that has arrived.
struct Frame<'a> {
    last: bool,
    reserved: bool,
    opcode: u8,
    masked: bool,
    length: u64,
    payload: Vec<u8>,
    rest: &'a [u8],
}

fn frame(input: &[u8]) -> Option<Frame<'_>> {
    let (&[first, second], rest) = input.split_first_chunk()?;
    let (length, rest) = match second & 0x7F {
        126 => rest.split_first_chunk().map(|(length, rest)| (u16::from_be_bytes(*length).into(), rest))?,
        127 => rest.split_first_chunk().map(|(length, rest)| (u64::from_be_bytes(*length), rest))?,
        length => (u64::from(length), rest),
    };
    let masked = second & 0x80 != 0;
    let (mask, rest) = if masked { rest.split_first_chunk()? } else { (&[0; 4], rest) };
    let there = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
    let payload = rest[..there].iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    let (last, reserved) = (first & 0x80 != 0, first & 0x70 != 0);
    Some(Frame { last, reserved, opcode: first & 0x0F, masked, length, payload, rest: &rest[there..] })
}

/// Decodes the whole input at once, by a simple implementation of the rules.
fn plain(max: usize, mut input: &[u8]) -> (Vec<Received>, bool, bool) {
    let (mut all, mut message, mut broken) = (Vec::new(), None::<Vec<u8>>, false);
    while !input.is_empty() {
        let Some(Frame { last, reserved, opcode, masked, length, payload, rest }) = frame(input) else {
            return (all, true, false);
        };
        input = rest;
        let control = opcode >= 8;
        let illegal = !masked
            || reserved
            || !matches!(opcode, 0..=2 | 8..=10)
            || i64::try_from(length).is_err()
            || (control && (!last || length > 125))
            || (!control && !broken && (opcode == 0) != message.is_some());
        if illegal {
            all.push(Received::FrameError(FrameError::Protocol));
            return (all, false, false);
        }
        let whole = payload.len() as u64 == length;
        if !control && !broken {
            let so_far = message.get_or_insert_default();
            let error = match opcode {
                2 => Some(FrameError::Binary),
                _ if so_far.len() as u64 + length > max as u64 => Some(FrameError::TooLong),
                _ => None,
            };
            so_far.extend(&payload);
            let text = whole && last;
            let error =
                error.or_else(|| (text && str::from_utf8(so_far).is_err()).then_some(FrameError::NotText));
            if let Some(error) = error {
                all.push(Received::FrameError(error));
                (broken, message) = (true, None);
            } else if text {
                all.extend(message.take().map(|text| Received::Text(text.into())));
            }
        }
        if !whole {
            return (all, true, false);
        }
        match opcode {
            8 => {
                let (code, reason) = payload.split_at(payload.len().min(2));
                let code = code.try_into().map(u16::from_be_bytes).ok();
                all.push(match code {
                    None if payload.is_empty() => Received::Close(None),
                    Some(code) if CloseCode::from(code).is_allowed() && str::from_utf8(reason).is_ok() => {
                        Received::Close(Some(code))
                    }
                    _ if broken => Received::Close(None),
                    Some(code) if CloseCode::from(code).is_allowed() => {
                        Received::FrameError(FrameError::NotText)
                    }
                    _ => Received::FrameError(FrameError::Protocol),
                });
                return (all, false, true);
            }
            9 if !broken => all.push(Received::Ping(payload.into())),
            10 if !broken => all.push(Received::Pong(payload.into())),
            _ => {}
        }
    }
    (all, message.is_some(), false)
}

/// Checks that written frames are read again as the same messages. A client's frames need a mask; the mask here
/// changes nothing.
fn written(text: &[u8]) {
    let masked = |write: &dyn Fn(&mut Vec<u8>), payload: usize| {
        let mut out = Vec::new();
        write(&mut out);
        out[1] |= 0x80;
        let head = out.len() - payload;
        out.splice(head..head, [0; 4]);
        out
    };
    let mut said = masked(&|out| frames::text(text.len(), out), 0);
    said.extend(text);
    let ping = &text[..text.len().min(125)];
    said.extend(masked(&|out| frames::pong(ping, out), ping.len()));
    said.extend(masked(&|out| frames::ping(ping, out), ping.len()));
    said.extend(masked(&|out| frames::close(Some(1001), out), 2));
    let expected = match str::from_utf8(text) {
        Ok(_) => {
            let (ping, text) = (Bytes::copy_from_slice(ping), Received::Text(text.to_vec().into()));
            vec![text, Received::Pong(ping.clone()), Received::Ping(ping), Received::Close(Some(1001))]
        }
        Err(_) => vec![Received::FrameError(FrameError::NotText), Received::Close(Some(1001))],
    };
    assert_eq!(read(text.len(), &[&said]).0, expected);
}

pub(super) fn run(data: &[u8]) {
    let Some((&max, data)) = data.split_first() else { return };
    let Some((input, parts)) = divided(data) else { return };
    let max = usize::from(max);
    let whole = read(max, &[input]);
    assert_eq!(read(max, &parts), whole);
    assert_eq!(plain(max, input), whole);
    written(input);
}
