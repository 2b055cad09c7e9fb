//! The credentials of a connection whose principal was found in the table of verified ones.

use crate::dispatch::principal::Principal;
use crate::locks::Mutex;
use http::{HeaderMap, HeaderName};
use std::fmt;
use std::time::Instant;

/// The most bytes of credentials that a connection keeps. Longer ones are looked up for each request.
const MOST_BYTES: usize = 4096;

/// The credentials that were last found in the table of verified ones by a request of a connection, and their principal. Most
/// clients send the same credentials with each request, and to compare them costs a fraction of their digest.
///
/// All requests of a connection belong to one server, so the generation tells whether its verifiers are the same.
#[derive(Default)]
#[cfg_attr(not(feature = "runtime"), allow(dead_code))]
pub(crate) struct LastVerified(Mutex<Option<Box<Known>>>);

// Without `Debug`, because the values are secret.
struct Known {
    headers: Vec<(HeaderName, Option<Box<[u8]>>)>,
    principal: Principal,
    until: Instant,
    generation: u64,
}

#[cfg_attr(not(feature = "runtime"), allow(dead_code))]
impl LastVerified {
    /// The principal, if a request has the same credentials, and they were verified in this generation.
    pub(crate) fn get(&self, headers: &HeaderMap, generation: u64, now: Instant) -> Option<Principal> {
        let mut own = self.0.lock();
        if own.as_ref().is_some_and(|known| known.generation != generation || known.until <= now) {
            *own = None;
        }
        let known = own.as_ref()?;
        let same = known.headers.iter().all(|(name, value)| is_same(headers, name, value.as_deref()));
        same.then(|| known.principal.clone())
    }

    /// Keeps a principal until a time. `names` are all headers that may have credentials.
    pub(crate) fn put<'n>(
        &self,
        headers: &HeaderMap,
        names: impl Iterator<Item = &'n HeaderName>,
        principal: &Principal,
        (until, generation): (Instant, u64),
    ) {
        let mut bytes = 0;
        let value = |name: &HeaderName| {
            let mut values = headers.get_all(name).iter();
            let value = values.next().map(|value| value.as_bytes());
            bytes += value.map_or(0, <[u8]>::len);
            (values.next().is_none() && bytes <= MOST_BYTES).then(|| (name.clone(), value.map(Box::from)))
        };
        let known = names.map(value).collect::<Option<Vec<_>>>();
        *self.0.lock() =
            known.map(|headers| Box::new(Known { headers, principal: principal.clone(), until, generation }));
    }
}

impl fmt::Debug for LastVerified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastVerified")
    }
}

/// Whether a header occurs once with this value, or does not occur. The time does not depend on the place of a difference.
fn is_same(headers: &HeaderMap, name: &HeaderName, expected: Option<&[u8]>) -> bool {
    let mut values = headers.get_all(name).iter();
    let same = match (values.next(), expected) {
        (None, None) => true,
        (Some(value), Some(expected)) if value.len() == expected.len() => {
            let different =
                value.as_bytes().iter().zip(expected).fold(0, |all, (one, other)| all | (one ^ other));
            std::hint::black_box(different) == 0
        }
        _ => false,
    };
    same && values.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::AUTHORIZATION;
    use std::time::Duration;

    const KEY: HeaderName = HeaderName::from_static("x-api-key");

    fn headers(values: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn only_the_same_credentials_have_the_principal() {
        let (last, now) = (LastVerified::default(), Instant::now());
        let known = headers(&[(AUTHORIZATION, "Bearer a"), (KEY, "k")]);
        let put = |headers| {
            let valid = (now + Duration::from_secs(1), 7);
            last.put(headers, [AUTHORIZATION, KEY].iter(), &Principal::new("i", "ann"), valid);
        };
        for (generation, time, why) in [(8, 0, "verifiers were replaced"), (7, 1, "the time has passed")] {
            put(&known);
            assert!(last.get(&known, generation, now + Duration::from_secs(time)).is_none(), "{why}");
            assert!(last.get(&known, 7, now).is_none(), "it is gone");
        }
        put(&known);
        for other in [
            headers(&[]),
            headers(&[(KEY, "k")]),
            headers(&[(AUTHORIZATION, "Bearer a")]),
            headers(&[(AUTHORIZATION, "Bearer b"), (KEY, "k")]),
            headers(&[(AUTHORIZATION, "Bearer ab"), (KEY, "k")]),
            headers(&[(AUTHORIZATION, "Bearer a"), (KEY, "l")]),
            headers(&[(AUTHORIZATION, "Bearer a"), (AUTHORIZATION, "Bearer a"), (KEY, "k")]),
        ] {
            assert!(last.get(&other, 7, now).is_none() && last.get(&known, 7, now).is_some(), "{other:?}");
        }
        // What cannot be kept is not taken for what was kept before.
        put(&headers(&[(AUTHORIZATION, "Bearer a"), (KEY, "k"), (KEY, "l")]));
        assert!(last.get(&known, 7, now).is_none());
    }

    #[test]
    fn it_is_bounded() {
        let (last, now) = (LastVerified::default(), Instant::now());
        for (bytes, kept) in [(MOST_BYTES, true), (MOST_BYTES + 1, false)] {
            let long = headers(&[(AUTHORIZATION, &"a".repeat(bytes))]);
            let valid = (now + Duration::from_secs(1), 0);
            last.put(&long, [AUTHORIZATION].iter(), &Principal::new("i", "ann"), valid);
            assert_eq!(last.get(&long, 0, now).is_some(), kept);
        }
    }
}
