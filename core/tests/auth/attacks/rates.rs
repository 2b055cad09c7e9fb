//! Attempts to guess without an end, or to lock others out.

use crate::helpers::door::*;
use crate::support::bench::whole;
use serde_json::{Value, json};
use std::net::IpAddr;
use tenon_mcp::Limits;

/// A server that allows three failures of an address in a minute.
fn fixture(more: Value) -> Door {
    let mut limits = Limits::default();
    limits.max_address_failures = 3;
    limits.max_counted_addresses = 100;
    let mut settings = json!({ "auth": [keys()] });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Door::with(limits, settings, |builder| builder)
}

fn from(door: &Door, address: &str) {
    door.bench.address.set(Some(address.parse::<IpAddr>().unwrap()));
}

fn guess(number: usize) -> String {
    format!("guess-0123456789-{number}")
}

#[test]
fn guesses_of_one_address() {
    let door = fixture(json!({}));
    from(&door, "192.0.2.1");
    for number in 0..3 {
        assert_eq!(door.status(&guess(number)), 401);
    }
    let late = door.modern(Some(&guess(4)), "tools/list", json!({}));
    assert_eq!((late.status, late.headers["retry-after"].to_str().unwrap()), (429, "60"));
    door.pass(20);
    let (name, value) = bearer(ANN);
    let late = whole(door.open_modern(&[(name, &value)], "tools/list", json!({})));
    assert_eq!((late.status, late.headers["retry-after"].to_str().unwrap()), (429, "40"));
    from(&door, "192.0.2.2");
    assert_eq!(door.status(ANN), 200, "another address");
    from(&door, "192.0.2.1");
    door.pass(40);
    assert_eq!(door.status(ANN), 200, "the window has ended");
}

#[test]
fn failures_of_every_kind_count() {
    let door = fixture(json!({}));
    from(&door, "192.0.2.1");
    let statuses = ["Bearer guess-0123456789", "Bearer", "Basic YTpi", "Bearer guess-0123456789"]
        .map(|value| door.knock(&[("authorization", value)]));
    assert_eq!(statuses, [401, 400, 401, 429]);
}

/// The same wrong key, which is in the cache.
#[test]
fn one_guess_again_and_again() {
    let door = fixture(json!({}));
    from(&door, "192.0.2.1");
    let statuses = [0; 5].map(|_| door.status(&guess(0)));
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
}

/// A client with IPv6 has as many addresses as it likes, but one network.
#[test]
fn guesses_of_a_network() {
    let door = fixture(json!({}));
    let statuses = [1, 2, 3, 4].map(|number| {
        from(&door, &format!("2001:db8::{number}"));
        door.status(&guess(number))
    });
    assert_eq!(statuses, [401, 401, 401, 429]);
    from(&door, "2001:db8:0:1::1");
    assert_eq!(door.status(ANN), 200);
    // An IPv4 address in its IPv6 form is the same client.
    let statuses = ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1"].map(|address| {
        from(&door, address);
        door.status(&guess(9))
    });
    assert_eq!(statuses, [401, 401, 401, 429]);
}

/// A client names other addresses, so that its guesses count for others.
#[test]
fn addresses_that_a_client_invents() {
    let door = fixture(json!({}));
    from(&door, "192.0.2.1");
    let statuses = [1, 2, 3, 4].map(|number| {
        let (forwarded, invented) = (format!("for=198.51.100.{number}"), format!("198.51.100.{number}"));
        let value = format!("Bearer {}", guess(number));
        door.knock(&[
            ("authorization", &value),
            ("forwarded", &forwarded),
            ("x-forwarded-for", &invented),
            ("x-real-ip", &invented),
            ("true-client-ip", &invented),
        ])
    });
    assert_eq!(statuses, [401, 401, 401, 429]);
}

#[test]
fn addresses_that_a_client_invents_behind_a_proxy() {
    let door = fixture(json!({ "trusted_proxies": ["10.0.0.0/8"] }));
    from(&door, "10.0.0.1");
    let knock = |client: &str, invented: &str, token: &str| {
        let (line, value) = (format!("{invented}, {client}"), format!("Bearer {token}"));
        door.knock(&[("authorization", &value), ("x-forwarded-for", &line)])
    };
    let statuses =
        [1, 2, 3, 4].map(|number| knock("192.0.2.1", &format!("198.51.100.{number}"), &guess(number)));
    assert_eq!(statuses, [401, 401, 401, 429]);
    assert_eq!(knock("192.0.2.2", "192.0.2.1", ANN), 200, "another client of the proxy");
    // The other kind of header, which this proxy does not set, must not give a new address.
    let statuses = [1, 2, 3, 4].map(|number| {
        let value = format!("Bearer {}", guess(number));
        let invented = format!("for=198.51.100.{number}");
        let headers =
            [("authorization", &*value), ("forwarded", &invented), ("x-forwarded-for", "192.0.2.9")];
        door.knock(&headers)
    });
    assert_eq!(statuses, [401, 401, 401, 429]);
    assert_eq!(knock("192.0.2.2", "x", ANN), 200, "others are not affected");
}

/// Many addresses must not make the table of addresses grow.
#[test]
fn guesses_of_many_addresses() {
    let door = fixture(json!({}));
    for number in 0..300 {
        from(&door, &format!("198.51.{}.{}", number / 200, number % 200));
        assert_eq!(door.status(&guess(number)), 401);
    }
    from(&door, "192.0.2.1");
    assert_eq!(door.status(ANN), 200);
}

/// Requests without credentials are no guesses: a client asks so for the challenge.
#[test]
fn requests_without_credentials_lock_nobody_out() {
    let door = fixture(json!({}));
    from(&door, "192.0.2.1");
    for _ in 0..10 {
        assert_eq!(door.knock(&[]), 401);
    }
    assert_eq!(door.status(ANN), 200);
}
