//! Encrypts data that clients carry for the server (AES-256-GCM-SIV, RFC 8452), and binds it to the request it
//! belongs to.

use crate::dispatch::environment::Environment;
use crate::error::{Error, ErrorKind};
use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use once_cell::sync::OnceCell;

/// The first byte of every sealed text. 1 was AES-256-GCM.
const FORMAT: u8 = 2;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// Seals with the first key and opens with any, so that keys can be rotated and shared by replicas.
pub struct StateCipher {
    /// If empty, a random key of this process is used. It is made when something is sealed for the first time.
    given: Vec<[u8; 32]>,
    keys: OnceCell<Vec<Aes256GcmSiv>>,
}

/// The text was not sealed by this server, was sealed for another request, or was changed.
#[derive(Debug, PartialEq, Eq)]
pub struct NotSealed;

impl StateCipher {
    /// A cipher with 256-bit keys. The first key seals. Without keys, it makes a random one on first use.
    pub fn new(keys: Vec<[u8; 32]>) -> StateCipher {
        StateCipher { given: keys, keys: OnceCell::new() }
    }

    fn keys(&self, own: impl FnOnce() -> Result<[u8; 32], Error>) -> Result<&[Aes256GcmSiv], Error> {
        let keys = self.keys.get_or_try_init(|| {
            let own = if self.given.is_empty() { Some(own()?) } else { None };
            Ok(self.given.iter().chain(&own).map(|key| Aes256GcmSiv::new(key.into())).collect())
        })?;
        Ok(keys)
    }

    fn keys_to_seal(&self, environment: &dyn Environment) -> Result<&[Aes256GcmSiv], Error> {
        self.keys(|| {
            let mut key = [0; 32];
            environment.random(&mut key)?;
            Ok(key)
        })
    }

    /// Makes the key now that otherwise would be made on first use, if no key was given.
    pub fn prepare(&self, environment: &dyn Environment) -> Result<(), Error> {
        self.keys_to_seal(environment).map(|_| ())
    }

    /// Seals `plain`; it opens only with the same `binding`.
    pub fn seal(&self, plain: &[u8], binding: &[u8], environment: &dyn Environment) -> Result<String, Error> {
        crate::faults::pass("seal");
        let keys = self.keys_to_seal(environment)?;
        let mut nonce = [0; NONCE_BYTES];
        environment.random(&mut nonce)?;
        let body = keys[0]
            .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: binding })
            .map_err(|_| Error::new(ErrorKind::Io, "sealing failed"))?;
        Ok(URL_SAFE_NO_PAD.encode([&[FORMAT][..], &nonce, &body].concat()))
    }

    /// Whether `sealed` can be a result of [`StateCipher::seal`]. The check is cheap and does not need the binding.
    pub fn is_plausible(&self, sealed: &str) -> bool {
        let has_keys = !self.given.is_empty() || self.keys.get().is_some();
        let shortest = (1 + NONCE_BYTES + TAG_BYTES) * 4;
        has_keys
            && sealed.len() * 3 >= shortest
            && sealed.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && URL_SAFE_NO_PAD.decode(&sealed.as_bytes()[..4]).is_ok_and(|start| start[0] == FORMAT)
    }

    /// Opens a text that [`StateCipher::seal`] made. The error does not say why it failed (MR-11).
    pub fn open(&self, sealed: &str, binding: &[u8]) -> Result<Vec<u8>, NotSealed> {
        crate::faults::pass("unseal");
        // If no key was given and none was made, nothing was ever sealed here.
        let keys =
            self.keys(|| Err(Error::new(ErrorKind::State, "nothing was sealed"))).map_err(|_| NotSealed)?;
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| NotSealed)?;
        let (&format, rest) = sealed.split_first().ok_or(NotSealed)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(NotSealed)?;
        if format != FORMAT {
            return Err(NotSealed);
        }
        let payload = || Payload { msg: body, aad: binding };
        keys.iter().find_map(|key| key.decrypt(&Nonce::from(*nonce), payload()).ok()).ok_or(NotSealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::environment_tests::FixedRandom;
    use std::time::Instant;

    #[test]
    fn opens_with_the_same_binding_only() {
        let sealer = StateCipher::new(vec![[1; 32]]);
        let sealed = sealer.seal(b"hello", b"a", &FixedRandom).unwrap();
        assert_eq!(sealer.open(&sealed, b"a").unwrap(), b"hello");
        assert_eq!(sealer.open(&sealed, b"b"), Err(NotSealed));
    }

    #[test]
    fn every_changed_character_is_refused() {
        let sealer = StateCipher::new(vec![[1; 32]]);
        let sealed = sealer.seal(b"hello", b"a", &FixedRandom).unwrap();
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
        let old = StateCipher::new(vec![[1; 32]]).seal(b"x", b"", &FixedRandom).unwrap();
        assert_eq!(StateCipher::new(vec![[2; 32], [1; 32]]).open(&old, b"").unwrap(), b"x");
        assert_eq!(StateCipher::new(vec![[2; 32]]).open(&old, b""), Err(NotSealed));
    }

    #[test]
    fn what_was_never_sealed_is_implausible() {
        let sealer = StateCipher::new(vec![[1; 32]]);
        let sealed = sealer.seal(b"", b"a", &FixedRandom).unwrap();
        assert!(sealer.is_plausible(&sealed));
        assert!(sealer.is_plausible(&sealer.seal(&[0; 1000], b"", &FixedRandom).unwrap()));
        let shorter = &sealed[..sealed.len() - 1];
        let other_format = sealed.replacen("Ag", "Aw", 1);
        for wrong in
            ["", "A", "AgAA", "é", shorter, &other_format, &format!("{sealed}="), &format!("{sealed}é")]
        {
            assert!(!sealer.is_plausible(wrong), "{wrong}");
            assert_eq!(sealer.open(wrong, b"a"), Err(NotSealed), "{wrong}");
        }
        let own = StateCipher::new(Vec::new());
        assert!(!own.is_plausible(&sealed), "nothing was sealed here");
        let sealed = own.seal(b"", b"", &FixedRandom).unwrap();
        assert!(own.is_plausible(&sealed));
    }

    struct Counting(std::sync::atomic::AtomicUsize);

    impl Environment for Counting {
        fn now(&self) -> Instant {
            Instant::now()
        }
        fn unix_seconds(&self) -> u64 {
            0
        }
        fn random(&self, out: &mut [u8]) -> Result<(), Error> {
            use std::sync::atomic::Ordering;
            if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
                return Err(Error::new(ErrorKind::Io, "not yet"));
            }
            out.fill(3);
            Ok(())
        }
    }

    #[test]
    fn a_key_is_made_on_first_use_and_a_failure_to_make_it_is_not_kept() {
        let (sealer, environment) = (StateCipher::new(Vec::new()), Counting(Default::default()));
        assert_eq!(sealer.open("AgAA", b""), Err(NotSealed));
        assert!(sealer.seal(b"x", b"", &environment).is_err());
        let sealed = sealer.seal(b"x", b"", &environment).unwrap();
        assert_eq!(sealer.open(&sealed, b"").unwrap(), b"x");
    }
}
