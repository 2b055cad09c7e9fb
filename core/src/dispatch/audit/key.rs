//! The keyed digest of arguments.
//!
//! Arguments often have few possible values, such as an amount or a birthday. From a plain digest, a reader of the events
//! could find them by trying. So the digest is an HMAC (RFC 2104) whose key only the server has.

use crate::dispatch::environment::Environment;
use crate::json::{self, JsonSlice};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use once_cell::sync::OnceCell;
use sha2::{Digest, Sha256};

/// The size of a block of SHA-256.
const BLOCK: usize = 64;

/// What the key of digests is made for. It keeps the key apart from other uses of the server's key.
const PURPOSE: &[u8] = b"tenon audit digest";

/// The key of digests: made from the server's key, or random if the server has none.
pub(crate) struct AuditKey {
    key: OnceCell<[u8; 32]>,
}

impl AuditKey {
    /// The key of a server whose states are encrypted with `given`.
    pub(crate) fn new(given: Option<&[u8; 32]>) -> AuditKey {
        let derived = given.map(|given| hmac(given, |feed| feed(PURPOSE)));
        AuditKey { key: derived.map(OnceCell::with_value).unwrap_or_default() }
    }

    /// Makes the key now that otherwise would be made on first use.
    pub(crate) fn prepare(&self, environment: &dyn Environment) -> Result<(), crate::error::Error> {
        self.key(environment).map(|_| ())
    }

    fn key(&self, environment: &dyn Environment) -> Result<&[u8; 32], crate::error::Error> {
        self.key.get_or_try_init(|| {
            let mut key = [0; 32];
            environment.random(&mut key)?;
            Ok(key)
        })
    }

    /// The digest of arguments: equal arguments have equal digests. `None` if there is no randomness for the key.
    pub(crate) fn digest(&self, arguments: &JsonSlice, environment: &dyn Environment) -> Option<String> {
        let key = self.key(environment).ok()?;
        let digest = hmac(key, |feed| json::canonical(arguments, &mut |bytes| feed(bytes)));
        Some(format!("hmac-sha256:{}", URL_SAFE_NO_PAD.encode(digest)))
    }
}

/// HMAC-SHA256 with a key of at most one block. `message` passes the message to the function that it gets.
fn hmac(key: &[u8], message: impl FnOnce(&mut dyn FnMut(&[u8]))) -> [u8; 32] {
    let padded = |pad: u8| {
        let mut block = [pad; BLOCK];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        Sha256::new_with_prefix(block)
    };
    let mut inner = padded(0x36);
    message(&mut |bytes| inner.update(bytes));
    let mut outer = padded(0x5c);
    outer.update(inner.finalize());
    outer.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::environment_tests::FixedRandom;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_digest_is_that_of_rfc_4231() {
        let two = hmac(b"Jefe", |feed| {
            feed(b"what do ya want ");
            feed(b"for nothing?");
        });
        assert_eq!(hex(&two), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let one = hmac(&[0x0b; 20], |feed| feed(b"Hi There"));
        assert_eq!(hex(&one), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }

    #[test]
    fn equal_arguments_have_equal_digests_and_other_keys_other_ones() {
        let slice = |text: &'static str| JsonSlice::parse(text.into(), &json::Limits::default()).unwrap();
        let digest = |key: Option<&[u8; 32]>, text| AuditKey::new(key).digest(&slice(text), &FixedRandom);
        let one = digest(Some(&[1; 32]), r#"{"a":1,"b":"x"}"#);
        assert_eq!(one, digest(Some(&[1; 32]), r#"{"b":"\u0078", "a":1}"#));
        assert_ne!(one, digest(Some(&[1; 32]), r#"{"a":2,"b":"x"}"#));
        assert_ne!(one, digest(Some(&[2; 32]), r#"{"a":1,"b":"x"}"#));
        assert!(digest(None, "{}").is_some());
    }
}
