//! Keys as JSON (RFC 7517, RFC 8037).

use super::public::Material;
use super::{KeyError, MAX_SET_KEYS, PublicKey, PublicKeys, Skipped};
use crate::algorithm::{Algorithm, KeyKind};
use crate::text::Clipped;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// The members of private keys.
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

type Members = Map<String, Value>;

pub(super) fn from_set(set: &Members) -> Result<PublicKeys, KeyError> {
    let Some(Value::Array(values)) = set.get("keys") else { return Err(KeyError::NotASet) };
    if values.len() > MAX_SET_KEYS {
        return Err(KeyError::TooMany { count: values.len() });
    }
    let (mut keys, mut skipped) = (Vec::new(), Vec::new());
    for (place, value) in values.iter().enumerate() {
        let read = value.as_object().ok_or(KeyError::Member { name: "kty" }).and_then(key);
        match read {
            Ok(key) => keys.push(key),
            Err(KeyError::Private) => return Err(KeyError::Private),
            Err(reason) => {
                let id = value.get("kid").and_then(Value::as_str).map(Clipped::new);
                skipped.push(Skipped { place, id, reason });
            }
        }
    }
    match keys.is_empty() {
        true => Err(KeyError::NoneUsable { skipped }),
        false => Ok(PublicKeys { keys, skipped }),
    }
}

pub(super) fn from_one(members: &Members) -> Result<PublicKeys, KeyError> {
    if !members.contains_key("kty") {
        return Err(KeyError::NotASet);
    }
    Ok(PublicKeys { keys: vec![key(members)?], skipped: Vec::new() })
}

fn key(members: &Members) -> Result<PublicKey, KeyError> {
    let kind = text(members, "kty")?.ok_or(KeyError::Member { name: "kty" })?;
    if kind == "oct" {
        return Err(KeyError::Symmetric);
    }
    if PRIVATE.iter().any(|name| members.contains_key(*name)) {
        return Err(KeyError::Private);
    }
    if text(members, "use")?.is_some_and(|usage| usage != "sig") {
        return Err(KeyError::Unsupported { problem: "its `use` is not `sig`" });
    }
    match members.get("key_ops") {
        None => {}
        Some(Value::Array(operations)) if operations.iter().any(|operation| operation == "verify") => {}
        Some(_) => return Err(KeyError::Unsupported { problem: "its `key_ops` do not contain `verify`" }),
    }
    let algorithm = match text(members, "alg")? {
        None => None,
        Some(name) => match Algorithm::from_name(name) {
            None => return Err(KeyError::Unsupported { problem: "its `alg` is not supported" }),
            found => found,
        },
    };
    let material = match (kind, text(members, "crv")?) {
        ("RSA", _) => Material::rsa(&bytes(members, "n")?, &bytes(members, "e")?)?,
        ("EC", Some("P-256")) => point(members, KeyKind::P256, 32)?,
        ("EC", Some("P-384")) => point(members, KeyKind::P384, 48)?,
        ("OKP", Some("Ed25519")) => Material::curve(KeyKind::Ed25519, bytes(members, "x")?)?,
        ("EC" | "OKP", None) => return Err(KeyError::Member { name: "crv" }),
        ("EC" | "OKP", Some(_)) => {
            return Err(KeyError::Unsupported { problem: "its curve is not P-256, P-384 or Ed25519" });
        }
        _ => return Err(KeyError::Unsupported { problem: "its `kty` is not RSA, EC or OKP" }),
    };
    PublicKey::new(text(members, "kid")?.map(str::to_owned), algorithm, material)
}

/// The coordinates of a JWK have the full length of the curve, with leading zeros (RFC 7518, section 6.2.1.2).
fn point(members: &Members, kind: KeyKind, length: usize) -> Result<Material, KeyError> {
    let mut point = vec![4];
    for name in ["x", "y"] {
        let coordinate = bytes(members, name)?;
        if coordinate.len() != length {
            return Err(KeyError::Member { name });
        }
        point.extend(coordinate);
    }
    Material::curve(kind, point)
}

fn text<'m>(members: &'m Members, name: &'static str) -> Result<Option<&'m str>, KeyError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyError::Member { name }),
    }
}

fn bytes(members: &Members, name: &'static str) -> Result<Vec<u8>, KeyError> {
    let text = text(members, name)?.ok_or(KeyError::Member { name })?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::Member { name })
}
