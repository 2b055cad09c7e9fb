//! One public key.

use super::KeyError;
use crate::algorithm::{Algorithm, KeyKind};
use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey};

/// The lengths of RSA keys, in bits. ring has the same bounds.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A digest of a public key, its id and its algorithm. A key that changes any of them is another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyFingerprint([u8; SHA256_OUTPUT_LEN]);

/// A public key, with what its owner says about it.
#[derive(Clone)]
pub(crate) struct PublicKey {
    pub(crate) id: Option<String>,
    /// The only algorithm that it is for.
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) fingerprint: KeyFingerprint,
    material: Material,
}

/// A public key as ring reads it. Points are checked at each verification: one off its curve verifies nothing.
#[derive(Clone)]
pub(super) enum Material {
    /// Modulus and exponent, big-endian, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// An uncompressed point, or the 32 bytes of Ed25519.
    Curve { kind: KeyKind, point: Vec<u8> },
}

impl Material {
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let (n, e) = (without_zeros(n), without_zeros(e));
        let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
        if !RSA_BITS.contains(&bits) {
            return Err(KeyError::RsaLength { bits });
        }
        // An exponent of 1 would accept any signature, so what ring refuses is refused here, where it can be told.
        let exponent = e.iter().fold(0u128, |value, byte| value.saturating_mul(256) + u128::from(*byte));
        if !(3..1 << 33).contains(&exponent) || exponent % 2 == 0 {
            return Err(KeyError::Unsupported {
                problem: "its RSA exponent is not an odd number from 3 to 2^33",
            });
        }
        if n.last().is_some_and(|last| last % 2 == 0) {
            return Err(KeyError::Unsupported { problem: "its RSA modulus is even" });
        }
        Ok(Self::Rsa { n: n.to_vec(), e: e.to_vec() })
    }

    /// A point of P-256 or P-384 without compression, or the bytes of Ed25519.
    pub(super) fn curve(kind: KeyKind, point: Vec<u8>) -> Result<Self, KeyError> {
        let (length, first) = match kind {
            KeyKind::P256 => (65, Some(4)),
            KeyKind::P384 => (97, Some(4)),
            _ => (32, None),
        };
        if point.len() != length || first.is_some_and(|first| point[0] != first) {
            return Err(KeyError::Unsupported { problem: "its point has another length or is compressed" });
        }
        Ok(Self::Curve { kind, point })
    }

    fn kind(&self) -> KeyKind {
        match self {
            Self::Rsa { .. } => KeyKind::Rsa,
            Self::Curve { kind, .. } => *kind,
        }
    }
}

impl KeyFingerprint {
    /// The fingerprint of a secret. A set has one secret only.
    pub(crate) const SECRET: KeyFingerprint = KeyFingerprint([0; SHA256_OUTPUT_LEN]);

    fn of(parts: [Option<&[u8]>; 4]) -> KeyFingerprint {
        let mut context = Context::new(&SHA256);
        for part in parts {
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            context.update(&length.to_be_bytes());
            context.update(part.unwrap_or_default());
        }
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(context.finish().as_ref());
        KeyFingerprint(bytes)
    }
}

impl PublicKey {
    /// A key; `algorithm` must be one for its kind.
    pub(super) fn new(
        id: Option<String>,
        algorithm: Option<Algorithm>,
        material: Material,
    ) -> Result<Self, KeyError> {
        if algorithm.is_some_and(|algorithm| algorithm.key_kind() != material.kind()) {
            return Err(KeyError::Unsupported { problem: "its `alg` is for another kind of key" });
        }
        let name = algorithm.map(Algorithm::name);
        let parts: [Option<&[u8]>; 4] = match &material {
            Material::Rsa { n, e } => {
                [id.as_deref().map(str::as_bytes), name.map(str::as_bytes), Some(n), Some(e)]
            }
            Material::Curve { point, .. } => {
                [id.as_deref().map(str::as_bytes), name.map(str::as_bytes), Some(point), None]
            }
        };
        let fingerprint = KeyFingerprint::of(parts);
        Ok(Self { id, algorithm, fingerprint, material })
    }

    /// Whether signatures of `algorithm` may be checked with this key.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        self.material.kind() == algorithm.key_kind() && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether `signature` is one of `message` by this key's owner.
    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (&self.material, algorithm.rsa(), algorithm.curve()) {
            _ if !self.fits(algorithm) => false,
            (Material::Rsa { n, e }, Some(parameters), None) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }
            (Material::Curve { point, .. }, None, Some(curve)) => {
                UnparsedPublicKey::new(curve, point).verify(message, signature).is_ok()
            }
            _ => false,
        }
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}
