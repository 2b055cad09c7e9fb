//! Fuzz target for the rules of HTTP: every head and body is routed or refused as the protocol requires.
//!
//! The input is a head, with one header on each line, an empty line, and the body.

use crate::dispatch::web_pages::path_fault;
use crate::json::Limits;
use crate::proto::http::{self as rules, Access, Refusal, Route};
use crate::proto::messages::message::Message;
use crate::proto::version::Revisions;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use std::net::IpAddr;

fn refused(refusal: &Refusal) {
    assert!(refusal.status.is_client_error() || refusal.status.as_u16() == 503, "{}", refusal.status);
    let body: serde_json::Value = serde_json::from_slice(&refusal.body).expect("a refusal is JSON");
    assert!(body["error"]["code"].is_i64() && body["error"]["message"].is_string(), "{body}");
}

/// The id of a response is the server's own, so a refusal of a response must not have it.
fn malformed_body(body: &[u8], refusal: &Refusal) {
    refused(refusal);
    let Ok(sent) = serde_json::from_slice::<serde_json::Value>(body) else { return };
    let answers = sent.get("result").is_some() || sent.get("error").is_some();
    let said: serde_json::Value = serde_json::from_slice(&refusal.body).expect("a refusal is JSON");
    if answers && sent.get("method").is_none() {
        assert!(said.get("id").is_none(), "{said}");
    }
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

/// Checks that an accepted request is refused if one of these headers is repeated, or has other letters.
fn exact(headers: &HeaderMap, message: &Message, served: Revisions, names: &[&'static str]) {
    for name in names {
        let Some(value) = headers.get(*name) else { continue };
        let mut changed = headers.clone();
        changed.append(*name, value.clone());
        assert!(rules::route(&changed, message, served).is_err(), "{name} is there twice");
        let swapped = |byte: &u8| if byte.is_ascii_alphabetic() { byte ^ 0x20 } else { *byte };
        let other: Vec<u8> = value.as_bytes().iter().map(swapped).collect();
        if other != value.as_bytes() {
            changed.insert(*name, HeaderValue::from_bytes(&other).expect("letters are legal"));
            assert!(rules::route(&changed, message, served).is_err(), "{name} in other letters");
        }
    }
}

fn once(headers: &HeaderMap, name: &str) {
    assert!(headers.get_all(name).iter().count() < 2, "{name} is there twice");
}

/// The text that a header's value represents, by a simple decoder.
fn said(value: &[u8]) -> Vec<u8> {
    let encoded = value.strip_prefix(b"=?base64?").and_then(|rest| rest.strip_suffix(b"?="));
    encoded.map_or_else(|| value.to_vec(), |text| STANDARD.decode(text).expect("it is Base64"))
}

/// Whether a host, with or without a port, is this machine.
fn is_local(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => authority,
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// Checks that a caller of a loopback endpoint names a loopback host. Only pages of this machine, and the explicitly
/// allowed page, may call.
fn called(headers: &HeaderMap, local: bool, page: Option<&str>) {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().expect("it is text"));
    ["host", "origin"].iter().for_each(|name| once(headers, name));
    assert!(!local || text("host").is_some_and(is_local), "{headers:?}");
    if let Some(origin) = text("origin") {
        let own = local && origin.split_once("://").is_some_and(|(_, host)| is_local(host));
        let origin = origin.to_ascii_lowercase();
        assert!(own || page.is_some_and(|page| origin.trim_end_matches(":443") == page), "{origin}");
    }
}

/// Checks that a page is sent to a client that names a host of this machine, whatever its origin, and that it is not
/// sent again to a client that has it.
fn page(headers: &HeaderMap, path: &[u8]) {
    let access = Access::loopback();
    match access.check_page(&Method::GET, &Uri::from_static("/"), headers) {
        Ok(origin) => {
            once(headers, "host");
            if origin.is_some() {
                assert_eq!(origin, headers.get(header::ORIGIN));
                called(headers, true, None);
            }
            let host = headers.get(header::HOST).map(|value| value.to_str().expect("it is text"));
            assert!(host.is_some_and(is_local), "{headers:?}");
        }
        Err(refusal) => refused(&refusal),
    }
    let tags: Vec<_> = headers.get_all(header::IF_NONE_MATCH).iter().map(HeaderValue::as_bytes).collect();
    let names =
        |tags: &&[u8]| tags.windows(3).any(|part| part == TAG.as_bytes()) || tags.trim_ascii() == b"*";
    assert!(!rules::has_current(headers, TAG) || tags.iter().any(names), "{tags:?}");
    // A valid path of a page must be usable as the path of a request without changes.
    let Some(path) = std::str::from_utf8(path).ok().filter(|path| path_fault(path).is_none()) else { return };
    let uri: Uri = path.parse().expect("it is an address");
    assert!(uri.path() == path && uri.query().is_none() && uri.authority().is_none(), "{path}");
}

/// Splits a header's value into its parameters, one character at a time. A separator in quotes does not count.
fn parameters(value: &str) -> Vec<String> {
    let (mut parts, mut quoted) = (vec![String::new()], false);
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        let part = parts.last_mut().expect("there is one");
        match letter {
            ';' if !quoted => {
                parts.push(String::new());
                continue;
            }
            '"' => quoted = !quoted,
            '\\' if quoted => {
                part.push(letter);
                part.extend(letters.next());
                continue;
            }
            _ => {}
        }
        part.push(letter);
    }
    parts
}

/// Checks that a body is only read if it is JSON in UTF-8, is not encoded, and has an unambiguous end.
fn content(headers: &HeaderMap) {
    // Each byte becomes one character, because parameters may contain bytes that are not ASCII.
    let letters =
        |value: &HeaderValue| value.as_bytes().iter().map(|byte| char::from(*byte)).collect::<String>();
    let all = |name: HeaderName| {
        headers.get_all(name).iter().map(letters).collect::<Vec<_>>().join(",").to_ascii_lowercase()
    };
    let media = headers.get(header::CONTENT_TYPE).map(letters).unwrap_or_default().to_ascii_lowercase();
    let blank: &[char] = &[' ', '\t'];
    let is_json =
        media.split(';').next().is_some_and(|essence| essence.trim_matches(blank) == "application/json");
    let charsets = parameters(&media).into_iter().skip(1).filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        (name.trim_matches(blank) == "charset").then(|| value.trim_matches(blank).replace(['"', '\\'], ""))
    });
    let read = charsets.into_iter().all(|charset| ["utf-8", "utf8"].contains(&&*charset));
    let codings = all(header::CONTENT_ENCODING);
    let plain = codings.split(',').all(|coding| ["", "identity"].contains(&coding.trim_matches(blank)));
    match rules::check_content(headers) {
        Ok(()) => assert!(is_json && read && plain, "{headers:?}"),
        // Unusual quoting is not understood, and may be refused.
        Err(_) => assert!(!(is_json && read && plain) || media.contains(['"', '\\']), "{headers:?}"),
    }
    let framing = headers.get_all(header::TRANSFER_ENCODING).iter().count();
    let chunked = all(header::TRANSFER_ENCODING).trim_matches(blank) == "chunked";
    assert_eq!(rules::check_framing(headers).is_ok(), framing == 0 || chunked, "{headers:?}");
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(|key| STANDARD.decode(key.as_bytes()));
    let one = headers.get_all(header::SEC_WEBSOCKET_KEY).iter().count() == 1;
    let long = matches!(key, Some(Ok(bytes)) if bytes.len() == 16);
    assert_eq!(rules::websocket_key(headers).is_ok(), one && long, "{headers:?}");
}

/// Decodes percent codes in a name. A percent sign that begins no code stays.
fn plain(name: &str) -> Vec<u8> {
    let mut parts = name.split('%');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let hex = part.as_bytes().get(..2).filter(|code| code.iter().all(u8::is_ascii_hexdigit));
        match hex {
            Some(_) => out.push(u8::from_str_radix(&part[..2], 16).expect("two digits")),
            None => out.push(b'%'),
        }
        out.extend_from_slice(&part.as_bytes()[if hex.is_some() { 2 } else { 0 }..]);
    }
    out
}

/// Checks that a parameter is read only if the address has it once.
fn query(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let own = |pair: &&str| pair.split('=').next().is_some_and(|name| plain(name) == b"session");
    let count = text.split('&').filter(own).count();
    match rules::named_once(text, "session") {
        Ok(Some(value)) => {
            assert_eq!(count, 1);
            assert!(text.contains(&format!("={value}")) || value.is_empty(), "{text}");
        }
        Ok(None) => assert_eq!(count, 0),
        Err(refusal) => {
            assert!(count > 1);
            refused(&refusal);
        }
    }
}

/// The entity tag of a page.
const TAG: &str = "\"a\"";

pub(super) fn run(data: &[u8]) {
    let end = data.windows(2).position(|pair| pair == b"\n\n").unwrap_or(data.len());
    let (head, body) = (&data[..end], data.get(end + 2..).unwrap_or_default());
    let headers = headers(head);
    page(&headers, head.split(|byte| *byte == b'\n').next().unwrap_or_default());
    query(head.split(|byte| *byte == b'\n').next().unwrap_or_default());
    let uri = Uri::from_static("/mcp");
    const PAGE: &str = "https://a.example";
    for (access, local, page) in [
        (Access::loopback(), true, None),
        (Access::public(), false, None),
        (Access::loopback().allow_origins([PAGE]), true, Some(PAGE)),
    ] {
        let origin = headers.get(header::ORIGIN);
        match access.check(&uri, &headers) {
            Ok(allowed) => {
                assert_eq!(allowed, origin, "what is allowed is what came");
                called(&headers, local, page);
                let _ = access.preflight(rules::ALLOW, &headers, allowed);
            }
            Err(refusal) => refused(&refusal),
        }
    }
    if let Err(refusal) = rules::verb(&Method::from_bytes(head).unwrap_or(Method::PATCH)) {
        refused(&refusal);
    }
    let served = Revisions::default();
    content(&headers);
    [
        rules::check_content(&headers).err(),
        rules::check_framing(&headers).err(),
        rules::websocket_key(&headers).err(),
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
        Err(malformed) => return malformed_body(body, &Refusal::malformed(&malformed)),
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
            exact(&headers, &message, served, &[rules::METHOD, rules::PROTOCOL_VERSION]);
            let target = match request.method.as_str() {
                "tools/call" | "prompts/get" => request.params.get("name"),
                "resources/read" => request.params.get("uri"),
                _ => None,
            };
            if let Some(target) = target.as_ref().and_then(|target| target.decode_str()) {
                assert_eq!(said(named(rules::NAME).expect("it is named")), target.as_bytes());
                exact(&headers, &message, served, &[rules::NAME]);
            }
        }
        Ok(Route::Session(session)) => {
            assert_eq!(named(rules::SESSION_ID), Some(session.id.as_bytes()));
            once(&headers, rules::SESSION_ID);
            for revision in crate::proto::version::Revision::ALL {
                let _ = session.check(revision).map_err(|refusal| refused(&refusal));
            }
        }
        Ok(_) => {}
        Err(refusal) => refused(&refusal),
    }
}
