//! Tests of frames: each way to divide them, and each rule that a client can break.

use super::frames::{FrameError, MemoryLimit, Reader, Received, close, ping, pong, text};
use proptest::prelude::*;

struct Any;

impl MemoryLimit for Any {
    fn take(&mut self, _: usize) -> bool {
        true
    }
}

/// A frame as a client sends it.
fn frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        length @ 0..126 => out.push(0x80 | length as u8),
        length @ 126..65536 => {
            out.push(0x80 | 126);
            out.extend((length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend(mask);
    out.extend(payload.iter().enumerate().map(|(place, byte)| byte ^ mask[place % 4]));
    out
}

fn read(max: usize, pieces: &[&[u8]]) -> Vec<Received> {
    let mut reader = Reader::new(max);
    let mut all = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        while let Some(received) = reader.next(&mut input, &mut Any) {
            all.push(received);
        }
        assert!(input.is_empty());
    }
    all
}

fn one(max: usize, bytes: &[u8]) -> Vec<Received> {
    read(max, &[bytes])
}

fn of(text: &str) -> Received {
    Received::Text(text.as_bytes().to_vec().into())
}

const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// WS-3: a message is one text frame, or several frames together. Control frames may come between these frames.
#[test]
fn messages_are_put_together() {
    assert_eq!(one(100, &frame(0x81, b"Hello", MASK)), [of("Hello")]);
    assert_eq!(one(100, &frame(0x81, b"", MASK)), [of("")]);
    let parts =
        [frame(0x01, b"Hel", MASK), frame(0x89, b"?", MASK), frame(0x80, b"lo", [1, 2, 3, 4])].concat();
    assert_eq!(one(100, &parts), [Received::Ping(b"?".to_vec().into()), of("Hello")]);
    for length in [125, 126, 65535, 65536, 70_000] {
        let long = "x".repeat(length);
        assert_eq!(one(length, &frame(0x81, long.as_bytes(), MASK)), [of(&long)]);
    }
    assert_eq!(one(100, &frame(0x8A, b"late", MASK)), [Received::Pong(b"late".to_vec().into())]);
    assert_eq!(one(100, &frame(0x88, b"", MASK)), [Received::Close(None)]);
    let bye = frame(0x88, &[0x03, 0xE8, b'b', b'y', b'e'], MASK);
    assert_eq!(one(100, &bye), [Received::Close(Some(1000))]);
}

/// WS-3: each kind of invalid frame has its close code. If the framing is still intact, a close frame after it is
/// found.
#[test]
fn what_breaks_the_rules_is_told_once() {
    let good = frame(0x81, b"{}", MASK);
    let bye = frame(0x88, &[0x03, 0xE8], MASK);
    let mut unmasked = Vec::new();
    text(0, &mut unmasked);
    let broken: &[&[u8]] = &[
        &unmasked,
        &frame(0xC1, b"{}", MASK),
        &frame(0xA1, b"{}", MASK),
        &frame(0x83, b"{}", MASK),
        &frame(0x8B, b"", MASK),
        &frame(0x09, b"", MASK),
        &frame(0x89, &[0; 126], MASK),
        &frame(0x80, b"{}", MASK),
        &[frame(0x01, b"{", MASK), frame(0x81, b"}", MASK)].concat(),
        &frame(0x88, b"x", MASK),
        &frame(0x88, &[0x03, 0xED], MASK),
        &[0x81, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ];
    for bytes in broken {
        let all = [bytes, &*good, &bye].concat();
        assert_eq!(one(100, &all), [Received::FrameError(FrameError::Protocol)], "{bytes:x?}");
    }
    assert_eq!(FrameError::Protocol.code(), 1002);
    let skipped: &[(Vec<u8>, FrameError, u16)] = &[
        (frame(0x82, b"{}", MASK), FrameError::Binary, 1003),
        (frame(0x82, b"", MASK), FrameError::Binary, 1003),
        (frame(0x81, &[b'a', 0xFF], MASK), FrameError::NotText, 1007),
        (frame(0x81, &[b'x'; 101], MASK), FrameError::TooLong, 1009),
        (
            [frame(0x01, &[b'x'; 60], MASK), frame(0x80, &[b'x'; 41], MASK)].concat(),
            FrameError::TooLong,
            1009,
        ),
    ];
    for (bytes, error, code) in skipped {
        let all = [&**bytes, &good, &frame(0x89, b"?", MASK), &bye].concat();
        assert_eq!(one(100, &all), [Received::FrameError(*error), Received::Close(Some(1000))]);
        assert_eq!(error.code(), *code);
    }
}

/// Memory grows with the bytes that have arrived, and is reserved before it is allocated.
#[test]
fn what_is_declared_takes_no_room() {
    struct Most(usize);
    impl MemoryLimit for Most {
        fn take(&mut self, bytes: usize) -> bool {
            self.0 = self.0.max(bytes);
            bytes <= 1000
        }
    }
    let (mut reader, mut room) = (Reader::new(1 << 30), Most(0));
    let mut head: &[u8] = &[0x81, 0xFF, 0, 0, 0, 0, 0x3F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];
    assert_eq!(reader.next(&mut head, &mut room), None);
    let mut part: &[u8] = &[b'x'; 100];
    assert_eq!((reader.next(&mut part, &mut room), room.0), (None, 200));
    assert!(reader.is_within());
    let mut part: &[u8] = &[b'x'; 901];
    assert_eq!(reader.next(&mut part, &mut room), Some(Received::FrameError(FrameError::NoRoom)));
    assert_eq!(FrameError::NoRoom.code(), 1013);
}

#[test]
fn what_is_written_can_be_read() {
    let mut out = Vec::new();
    text(2, &mut out);
    out.extend(b"{}");
    ping(b"", &mut out);
    pong(b"x", &mut out);
    close(Some(1001), &mut out);
    assert_eq!(out, [0x81, 2, b'{', b'}', 0x89, 0, 0x8A, 1, b'x', 0x88, 2, 0x03, 0xE9]);
    let mut long = Vec::new();
    text(300, &mut long);
    text(70_000, &mut long);
    close(None, &mut long);
    assert_eq!(long, [0x81, 126, 1, 44, 0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70, 0x88, 0]);
}

/// Valid and invalid frames of a client.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x81, 0x01, 0x00, 0x80, 0x89, 0x8A]),
        1 => prop::sample::select(vec![0x82, 0x88, 0x83, 0xC1, 0x09]),
    ];
    let payload = prop_oneof![
        6 => "[a-zé]{0,20}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (100..300_usize).prop_map(|length| vec![b'x'; length]),
    ];
    let frame =
        (first, payload, any::<[u8; 4]>()).prop_map(|(first, payload, mask)| frame(first, &payload, mask));
    prop::collection::vec(frame, 0..8).prop_map(|frames| frames.concat())
}

proptest! {
    /// The result is the same for each division of the input.
    #[test]
    fn any_division_gives_the_same(
        bytes in prop_oneof![4 => frames(), 1 => prop::collection::vec(any::<u8>(), 0..60)],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        let whole = one(200, &bytes);
        prop_assert_eq!(&read(200, &pieces), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&read(200, &single), &whole);
    }
}
