//! The rules of HTTP: heads and bodies of any kind are routed or refused as the protocol says.
//!
//! Input is a head, a header a line, and behind an empty line the body.

use crate::json::Limits;
use crate::proto::http::{self as rules, Access, Refusal, Route};
use crate::proto::message::Message;
use crate::proto::version::Revisions;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

fn refused(refusal: &Refusal) {
    assert!(refusal.status.is_client_error() || refusal.status.as_u16() == 503, "{}", refusal.status);
    let body: serde_json::Value = serde_json::from_slice(&refusal.body).expect("a refusal is JSON");
    assert!(body["error"]["code"].is_i64() && body["error"]["message"].is_string(), "{body}");
}

fn headers(head: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n').take(40) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

pub(super) fn run(data: &[u8]) {
    let end = data.windows(2).position(|pair| pair == b"\n\n").unwrap_or(data.len());
    let (head, body) = (&data[..end], data.get(end + 2..).unwrap_or_default());
    let headers = headers(head);
    let uri = Uri::from_static("/mcp");
    for access in
        [Access::loopback(), Access::public(), Access::loopback().allow_origins(["https://a.example"])]
    {
        let origin = headers.get(header::ORIGIN);
        match access.check(&uri, &headers) {
            Ok(allowed) => {
                assert_eq!(allowed, origin, "what is allowed is what came");
                let _ = rules::preflight_headers(&headers, allowed);
            }
            Err(refusal) => refused(&refusal),
        }
    }
    if let Err(refusal) = rules::verb(&Method::from_bytes(head).unwrap_or(Method::PATCH)) {
        refused(&refusal);
    }
    let served = Revisions::default();
    [
        rules::check_content_type(&headers).err(),
        rules::session_request(&headers, served).err(),
        rules::check_listen(&headers).err(),
    ]
    .iter()
    .flatten()
    .for_each(refused);
    let forms = rules::accepted_forms(&headers);
    let _ = (rules::batch_session(&headers), rules::param_fields(&headers));
    let message = match Message::decode(Bytes::copy_from_slice(body), &Limits::default()) {
        Ok(message) => message,
        Err(malformed) => return refused(&Refusal::malformed(&malformed)),
    };
    match forms {
        Ok(forms) => drop(rules::listens(&message, forms).map_err(|refusal| refused(&refusal))),
        Err(refusal) => refused(&refusal),
    }
    let named = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
    match rules::route(&headers, &message, served) {
        Ok(Route::Modern(client)) => {
            let Message::Request(request) = &message else { panic!("only requests stand alone") };
            assert_eq!(named(rules::METHOD), Some(request.method.as_str().as_bytes()));
            assert_eq!(named(rules::PROTOCOL_VERSION), Some(client.revision.as_str().as_bytes()));
            assert!(client.revision.is_modern());
        }
        Ok(Route::Session(session)) => {
            assert_eq!(named(rules::SESSION_ID), Some(session.id.as_bytes()));
            for revision in crate::proto::version::Revision::ALL {
                let _ = session.check(revision).map_err(|refusal| refused(&refusal));
            }
        }
        Ok(_) => {}
        Err(refusal) => refused(&refusal),
    }
}
