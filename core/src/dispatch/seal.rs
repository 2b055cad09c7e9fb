//! Sealing of what a client carries for the server: AES-256-GCM, bound to the request it belongs to.

use super::environment::Environment;
use crate::error::Error;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const FORMAT: u8 = 1;

/// Seals with the first key and opens with any, so that keys can be rotated and shared by replicas.
pub struct Sealer {
    keys: Vec<LessSafeKey>,
}

/// The text was not sealed by us, or not for this request, or was changed.
#[derive(Debug, PartialEq, Eq)]
pub struct NotSealed;

impl Sealer {
    /// A sealer over 256-bit keys; the first one seals.
    pub fn new(keys: &[[u8; 32]]) -> Result<Sealer, Error> {
        if keys.is_empty() {
            return Err(Error::invalid("at least one state key is needed"));
        }
        let keys = keys
            .iter()
            .map(|key| UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new))
            .collect::<Result<_, _>>()
            .map_err(|_| Error::invalid("a state key must have 32 bytes"))?;
        Ok(Sealer { keys })
    }

    /// Seals `plain`; it opens only with the same `binding`.
    pub fn seal(&self, plain: &[u8], binding: &[u8], environment: &dyn Environment) -> Result<String, Error> {
        let mut nonce = [0; NONCE_LEN];
        environment.random(&mut nonce)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        let mut body = plain.to_vec();
        self.keys[0]
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(binding), &mut body)
            .map_err(|_| Error::new(crate::error::ErrorKind::Io, "sealing failed"))?;
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what [`Sealer::seal`] made. Says nothing about why it would not (MR-11).
    pub fn open(&self, sealed: &str, binding: &[u8]) -> Result<Vec<u8>, NotSealed> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| NotSealed)?;
        let (&format, rest) = sealed.split_first().ok_or(NotSealed)?;
        if format != FORMAT || rest.len() < NONCE_LEN {
            return Err(NotSealed);
        }
        let (nonce, body) = rest.split_at(NONCE_LEN);
        for key in &self.keys {
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotSealed)?;
            let mut body = body.to_vec();
            if let Ok(plain) = key.open_in_place(nonce, Aad::from(binding), &mut body) {
                return Ok(plain.to_vec());
            }
        }
        Err(NotSealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    struct Fixed;

    impl Environment for Fixed {
        fn now(&self) -> Instant {
            Instant::now()
        }
        fn unix_seconds(&self) -> u64 {
            0
        }
        fn random(&self, out: &mut [u8]) -> Result<(), Error> {
            out.fill(7);
            Ok(())
        }
    }

    #[test]
    fn opens_with_the_same_binding_only() {
        let sealer = Sealer::new(&[[1; 32]]).unwrap();
        let sealed = sealer.seal(b"hello", b"a", &Fixed).unwrap();
        assert_eq!(sealer.open(&sealed, b"a").unwrap(), b"hello");
        assert_eq!(sealer.open(&sealed, b"b"), Err(NotSealed));
    }

    #[test]
    fn every_changed_character_is_refused() {
        let sealer = Sealer::new(&[[1; 32]]).unwrap();
        let sealed = sealer.seal(b"hello", b"a", &Fixed).unwrap();
        for place in 0..sealed.len() {
            let mut changed: Vec<char> = sealed.chars().collect();
            changed[place] = if changed[place] == 'A' { 'B' } else { 'A' };
            let changed: String = changed.into_iter().collect();
            assert_eq!(sealer.open(&changed, b"a"), Err(NotSealed), "at {place}");
        }
        assert_eq!(sealer.open("", b"a"), Err(NotSealed));
        assert_eq!(sealer.open("*", b"a"), Err(NotSealed));
    }

    #[test]
    fn an_older_key_still_opens() {
        let old = Sealer::new(&[[1; 32]]).unwrap().seal(b"x", b"", &Fixed).unwrap();
        assert_eq!(Sealer::new(&[[2; 32], [1; 32]]).unwrap().open(&old, b"").unwrap(), b"x");
        assert_eq!(Sealer::new(&[[2; 32]]).unwrap().open(&old, b""), Err(NotSealed));
    }
}
