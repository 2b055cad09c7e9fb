//! Public keys in PEM: SPKI, PKCS#1, and the key in a certificate.

use super::public::Material;
use super::{KeyError, MAX_SET_KEYS, PublicKey, PublicKeys};
use crate::algorithm::KeyKind;
use spki::der::asn1::UintRef;
use spki::der::{self, Decode as _, Reader as _, SliceReader, Tag};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

pub(super) fn from_pem(text: &str) -> Result<PublicKeys, KeyError> {
    // Also if it is encrypted or damaged.
    if text.contains("PRIVATE KEY-----") {
        return Err(KeyError::Private);
    }
    let sections = pem::parse_many(text).map_err(|_| KeyError::Pem { problem: "it is damaged" })?;
    if sections.len() > MAX_SET_KEYS {
        return Err(KeyError::TooMany { count: sections.len() });
    }
    // The parser passes over a section without an end. That key would silently be missing.
    if sections.len() != text.matches("-----BEGIN ").count() {
        return Err(KeyError::Pem { problem: "it is damaged" });
    }
    let mut keys = Vec::new();
    for section in &sections {
        let material = match section.tag() {
            "PUBLIC KEY" => spki(section.contents())?,
            "RSA PUBLIC KEY" => pkcs1(section.contents())?,
            "CERTIFICATE" => spki(key_of_certificate(section.contents()).map_err(damaged)?)?,
            _ => {
                return Err(KeyError::Pem {
                    problem: "it has a section that is not a public key or a certificate",
                });
            }
        };
        keys.push(PublicKey::new(None, None, material)?);
    }
    match keys.is_empty() {
        true => Err(KeyError::Pem { problem: "it has no section, such as `-----BEGIN PUBLIC KEY-----`" }),
        false => Ok(PublicKeys { keys, skipped: Vec::new() }),
    }
}

fn damaged(_: der::Error) -> KeyError {
    KeyError::Pem { problem: "what is in it is not a public key in DER" }
}

/// A SubjectPublicKeyInfo (RFC 5280, RFC 5480, RFC 8410).
fn spki(der: &[u8]) -> Result<Material, KeyError> {
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(damaged)?;
    let key = info.subject_public_key.as_bytes().ok_or(KeyError::Member { name: "subjectPublicKey" })?;
    match info.algorithm.oid {
        RSA => pkcs1(key),
        ED25519 => Material::curve(KeyKind::Ed25519, key.to_vec()),
        EC => match info.algorithm.parameters_oid() {
            Ok(P256) => Material::curve(KeyKind::P256, key.to_vec()),
            Ok(P384) => Material::curve(KeyKind::P384, key.to_vec()),
            _ => Err(KeyError::Unsupported { problem: "its curve is not P-256, P-384 or Ed25519" }),
        },
        _ => Err(KeyError::Unsupported { problem: "it is not an RSA, EC or Ed25519 key" }),
    }
}

/// An RSAPublicKey (RFC 8017): modulus and exponent.
fn pkcs1(der: &[u8]) -> Result<Material, KeyError> {
    let read = || -> der::Result<_> {
        let mut reader = SliceReader::new(der)?;
        let numbers = reader
            .sequence(|reader| Ok::<_, der::Error>((UintRef::decode(reader)?, UintRef::decode(reader)?)))?;
        reader.finish()?;
        Ok(numbers)
    };
    let (n, e) = read().map_err(damaged)?;
    Material::rsa(n.as_bytes(), e.as_bytes())
}

/// The SubjectPublicKeyInfo of a certificate (RFC 5280, section 4.1): what follows the subject's name.
fn key_of_certificate(der: &[u8]) -> der::Result<&[u8]> {
    let mut reader = SliceReader::new(der)?;
    let key = reader.sequence(|certificate| {
        let key = certificate.sequence(|signed| {
            if Tag::peek(signed)?.is_context_specific() {
                signed.tlv_bytes()?;
            }
            // Serial number, algorithm, issuer, dates and subject.
            for _ in 0..5 {
                signed.tlv_bytes()?;
            }
            let key = signed.tlv_bytes()?;
            signed.drain(signed.remaining_len())?;
            Ok::<_, der::Error>(key)
        })?;
        certificate.drain(certificate.remaining_len())?;
        Ok::<_, der::Error>(key)
    })?;
    reader.finish()?;
    Ok(key)
}
