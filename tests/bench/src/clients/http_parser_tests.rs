use super::*;

const SIZED: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: Application/JSON; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED: &[u8] =
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\
    Mcp-Session-Id:  abc \r\n\r\n5;x=y\r\nhello\r\nA\r\n, world\r\n!\r\n0\r\nTrailer: 1\r\n\r\n";

fn whole(bytes: &[u8]) -> Response {
    let mut parser = Parser::new();
    assert_eq!(parser.push(bytes), Ok(true));
    parser.response
}

fn refused(bytes: &[u8]) -> String {
    Parser::new().push(bytes).unwrap_err()
}

#[test]
fn a_sized_body() {
    let response = whole(SIZED);
    assert_eq!(response.status, 200);
    assert_eq!(response.content_type, "application/json");
    assert_eq!(response.body, b"hello");
    assert_eq!(response.session, None);
}

#[test]
fn a_chunked_body_with_extension_and_trailer() {
    let response = whole(CHUNKED);
    assert_eq!(response.content_type, "text/event-stream");
    assert_eq!(response.session.as_deref(), Some("abc"));
    assert_eq!(response.body, b"hello, world\r\n!");
}

#[test]
fn every_cut_gives_the_same_response() {
    for bytes in [SIZED, CHUNKED] {
        let expected = whole(bytes);
        let mut by_byte = Parser::new();
        for (at, byte) in bytes.iter().enumerate() {
            assert_eq!(by_byte.push(std::slice::from_ref(byte)), Ok(at + 1 == bytes.len()), "byte {at}");
        }
        assert_eq!(by_byte.response, expected);
        for cut in 1..bytes.len() {
            let mut parser = Parser::new();
            assert_eq!(parser.push(&bytes[..cut]), Ok(false));
            assert_eq!(parser.push(&bytes[cut..]), Ok(true));
            assert_eq!(parser.response, expected);
        }
    }
}

#[test]
fn a_parser_is_used_again() {
    let mut parser = Parser::new();
    assert_eq!(parser.push(CHUNKED), Ok(true));
    parser.reset();
    assert_eq!(parser.push(SIZED), Ok(true));
    assert_eq!(*parser.response(), whole(SIZED));
}

#[test]
fn no_body() {
    assert_eq!(whole(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").status, 202);
    assert_eq!(whole(b"HTTP/1.1 204 No Content\r\n\r\n").status, 204);
}

#[test]
fn interim_responses_are_skipped() {
    let mut bytes = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
    bytes.extend_from_slice(SIZED);
    assert_eq!(whole(&bytes), whole(SIZED));
}

#[test]
fn bad_responses_are_refused() {
    assert!(refused(b"HTTP/1.0 200 OK\r\n").contains("status line"));
    assert!(refused(b"HTTP/1.1 2x0 OK\r\n").contains("status line"));
    assert!(refused(b"HTTP/1.1 200 OK\r\n\r\n").contains("neither"));
    assert!(refused(b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n").contains("Content-Length"));
    assert!(
        refused(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n").contains("two different")
    );
    assert!(refused(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n").contains("too long"));
    assert!(refused(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n").contains("Transfer-Encoding"));
    assert!(refused(b"HTTP/1.1 200 OK\r\nno colon\r\n").contains("colon"));
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert!(refused(format!("{chunks}zz\r\n").as_bytes()).contains("chunk size"));
    assert!(refused(format!("{chunks}2\r\nabc\r\n").as_bytes()).contains("longer than"));
    assert!(refused(format!("{chunks}FFFFFFFF\r\n").as_bytes()).contains("too long"));
    assert!(refused(&[SIZED, b"x"].concat()).contains("after the response"));
    assert!(
        refused(&[b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &[b'a'; MAX_HEAD]].concat()).contains("too long")
    );
}

#[test]
fn events_give_their_data() {
    assert_eq!(sse_data(b"id: 1\ndata:\n\nevent: message\ndata: {\"a\":1}\n\n").unwrap(), ["{\"a\":1}"]);
    assert_eq!(sse_data(b"data:a\r\ndata: b\r\n\r\n: note\r\n\r\ndata: c\r\n\r\n").unwrap(), ["a\nb", "c"]);
    assert_eq!(sse_data(b"").unwrap(), [""; 0]);
    assert!(sse_data(b"data: cut off\n").is_err());
    assert!(sse_data(b"data: \xff\n\n").is_err());
}
