//! The verifiers of credentials as options: their kinds, the options of each, and static keys.

use super::super::form::Form;
use super::super::owners::{Owner, Owners};
use super::super::spelling::Spelling;
use super::super::table::{Access, OptionRow};
use super::super::types::*;
use super::super::{check, write_shown};
use super::authorization::Grants;
use super::{At, OptionValue, read_members};
use crate::dispatch::nearest_name::nearest_name;
use crate::json::{JsonSlice, Kind};
use crate::proto::messages::error::clip;
use serde_json::{Map, Value};

/// A kind of verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifierKind {
    /// Static keys.
    ApiKeys,
    /// JSON Web Tokens.
    Jwt,
    /// Tokens that an authorization server is asked about (RFC 7662).
    Introspection,
}

/// A row of the table of verifiers.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct VerifierRow {
    /// The verifier.
    pub kind: VerifierKind,
    /// The word in the option `type`.
    pub name: &'static str,
    /// The name of its class in Python.
    pub python: &'static str,
    /// The name of its function in Node.
    pub node: &'static str,
    /// The description, in sentences.
    pub text: &'static str,
}

/// The verifiers.
pub const VERIFIERS: &[VerifierRow] = &[
    VerifierRow {
        kind: VerifierKind::ApiKeys,
        name: "api_keys",
        python: "ApiKeys",
        node: "apiKeys",
        text: "Static keys: bearer tokens, or the values of a header. They are compared in constant time.",
    },
    VerifierRow {
        kind: VerifierKind::Jwt,
        name: "jwt",
        python: "JWT",
        node: "jwt",
        text: "JSON Web Tokens (RFC 7519). Signature, issuer, audience and times are checked. It needs `issuer`, one of the \
               options `jwks_url`, `public_key`, `public_key_file`, `secret` and `secret_file`, and `audience`, unless the \
               server has a `public_url`.",
    },
    VerifierRow {
        kind: VerifierKind::Introspection,
        name: "introspection",
        python: "Introspection",
        node: "introspection",
        text: "Tokens that an authorization server is asked about (RFC 7662). It needs `url`, and `audience`, unless the server \
               has a `public_url`. A token is refused if the answer has no `aud`.",
    },
];

const TOKENS: Owners = Owners::Verifiers(&["jwt", "introspection"]);
const JWT: Owners = Owners::Verifiers(&["jwt"]);

/// The words for algorithms (RFC 7518, RFC 8037).
const ALGORITHMS: [&str; 12] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256", "HS384",
    "HS512",
];

options! {
    /// The options of one verifier.
    VerifierOptions in dispatch::options::types;
    group api_key_options at Owners::Verifiers(&["api_keys"]); {
        /// The keys: objects with the members `subject`, and one of `value`, `hash` (`sha256:` and the digest in hexadecimal
        /// or base64url), `file` and `env`. `scopes`, `roles`, `client_id` and `expires_at` are optional. A key has at least
        /// 16 bytes.
        keys: ApiKeyList, secret: true;
        /// The header whose whole value is the key, such as `x-api-key`. Default: a bearer token in `Authorization`.
        header: String;
    }
    group verifier_options at Owners::Verifiers(&["api_keys", "jwt", "introspection"]); {
        /// The issuer of the principals. Of a token, the issuers that are accepted: its claim `iss` must be one of them.
        /// Default for keys: `api-keys`. Default for introspection: what the server answers, or its URL.
        issuer: Texts;
    }
    group token_options at TOKENS; {
        /// The audiences that are accepted: the claim `aud` must have one of them. Default: the setting `public_url`.
        audience: Texts;
        /// The path of the claim with the roles, with dots between names, such as `realm_access.roles`. Default: `roles`.
        roles_claim: String;
        /// How much the clocks of the issuer and the server may differ. Default: 60 s.
        leeway: Duration;
    }
    group jwt_options at JWT; {
        /// The URL of a JWK set with the public keys. It is read at the first token, again after five minutes, and for an
        /// unknown key at most once a minute. While no keys could be read, it is tried at most every five seconds.
        jwks_url: PublicUrl;
        /// Public keys: a PEM text, a JWK, or a JWK set.
        public_key: String;
        /// A file with `public_key`.
        public_key_file: FilePath;
        /// A secret for HS256, HS384 and HS512, at least as long as the digest.
        secret: String, secret: true;
        /// A file with `secret`.
        secret_file: FilePath;
        /// The algorithms that are accepted. Default: those that fit the keys.
        algorithms: Texts = Form::KnownWords(|| ALGORITHMS.to_vec());
    }
    group introspection_options at Owners::Verifiers(&["introspection"]); {
        /// The URL of the endpoint.
        url: PublicUrl;
        /// The name with which the server authenticates itself at the endpoint. `client_secret` is its password.
        client_id: String;
        /// The password for `client_id`.
        client_secret: String, secret: true;
        /// A file with `client_secret`.
        client_secret_file: FilePath;
    }
}

options! {
    /// One static key.
    ApiKeyOptions in dispatch::options::types;
    group key_options at Owners::Servers; {
        /// The key itself.
        value: String, secret: true;
        /// The SHA-256 digest of the key.
        hash: String, secret: true;
        /// A file with the key.
        file: FilePath;
        /// The variable of the environment with the key.
        env: String;
        /// Who has the key.
        subject: String;
        /// The client that has the key.
        client_id: String;
        /// The scopes of the key.
        scopes: Grants;
        /// The roles of the key.
        roles: Grants;
        /// When the key expires, in seconds since 1970.
        expires_at: usize;
    }
}

/// One verifier with its options.
#[derive(Clone, Debug)]
pub struct Verifier {
    pub(crate) kind: VerifierKind,
    pub(crate) options: VerifierOptions,
}

/// The verifiers of a server, in the order in which they are asked.
#[derive(Clone, Debug, Default)]
pub struct Verifiers(pub(crate) Vec<Verifier>);

impl VerifierKind {
    /// The row of the table.
    pub fn row(self) -> &'static VerifierRow {
        VERIFIERS.iter().find(|row| row.kind == self).expect("a test checks that each verifier has a row")
    }
}

impl Verifier {
    /// A verifier without options.
    pub fn new(kind: VerifierKind) -> Verifier {
        Verifier { kind, options: VerifierOptions::default() }
    }

    /// Reads a verifier: an object with the option `type`, and the options of that verifier.
    fn read(value: &JsonSlice, at: &At) -> Result<Verifier, String> {
        if value.kind() != Kind::Object {
            return Err(at.wrong(value));
        }
        let words = || VERIFIERS.iter().map(|row| row.name);
        let named = value.member("type");
        let word = named.as_ref().and_then(|word| word.decode_str());
        let row = word.as_ref().and_then(|word| VERIFIERS.iter().find(|row| *row.name == **word));
        let Some(row) = row else {
            let all = at.spelling.one_of(words());
            let near = word.as_ref().and_then(|word| nearest_name(word, words()));
            let near = near.map_or(String::new(), |near| format!("; the nearest word is {near:?}"));
            let got = named.map_or("nothing".to_owned(), |value| at.spelling.shown(&value));
            return Err(format!("{}.type must be {all}, not {got}{near}", at.path));
        };
        let mut verifier = Verifier::new(row.kind);
        read_members(&mut verifier.options, value, at, Owner::Verifier(row.name), &["type"])?;
        Ok(verifier)
    }
}

/// Reads an array, with the place of each element in its path.
fn elements<T>(
    value: &JsonSlice,
    at: &At,
    read: impl Fn(&JsonSlice, &At) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    if value.kind() != Kind::Array {
        return Err(at.wrong(value));
    }
    let one = |(place, value): (usize, JsonSlice)| read(&value, &at.element(place));
    value.elements().enumerate().map(one).collect()
}

impl OptionValue for Verifiers {
    const FORM: Form = Form::Verifiers;
    fn read(value: &JsonSlice, at: &At) -> Result<Verifiers, String> {
        elements(value, at, Verifier::read).map(Verifiers)
    }
    fn check(&self, at: &At) -> Result<(), String> {
        for (place, verifier) in self.0.iter().enumerate() {
            let owner = Owner::Verifier(verifier.kind.row().name);
            check(&verifier.options, owner).map_err(|why| format!("{}[{place}]: {why}", at.path))?;
        }
        Ok(())
    }
    fn write(&self, spelling: Spelling) -> Value {
        let one = |verifier: &Verifier| {
            let mut members = Map::new();
            members.insert("type".to_owned(), verifier.kind.row().name.into());
            if let Value::Object(options) = write_shown(&verifier.options, spelling) {
                members.extend(options);
            }
            Value::from(members)
        };
        self.0.iter().map(one).collect::<Vec<_>>().into()
    }
}

/// Static keys.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyList(pub(crate) Vec<ApiKeyOptions>);

impl OptionValue for ApiKeyList {
    const FORM: Form = Form::ApiKeys;
    fn read(value: &JsonSlice, at: &At) -> Result<ApiKeyList, String> {
        let read = |value: &JsonSlice, at: &At| {
            let mut key = ApiKeyOptions::default();
            // The value is not shown, because it may be the key itself.
            if value.kind() != Kind::Object {
                return Err(format!("{} must be an object with the member subject", at.path));
            }
            read_members(&mut key, value, at, Owner::Server, &[]).map(|()| key)
        };
        elements(value, at, read).map(ApiKeyList)
    }
    fn check(&self, at: &At) -> Result<(), String> {
        for (place, key) in self.0.iter().enumerate() {
            let path = format!("{}[{place}]", at.path);
            let given = [&key.value, &key.hash, &key.env].into_iter().flatten().count();
            if given + usize::from(key.file.is_some()) != 1 {
                return Err(format!("{path} must have one of the members value, hash, file and env"));
            }
            if key.subject.as_ref().is_none_or(|subject| subject.is_empty()) {
                return Err(format!("{path} must have a member subject that is not empty"));
            }
            check(key, Owner::Server).map_err(|why| format!("{path}: {why}"))?;
        }
        Ok(())
    }
    fn write(&self, spelling: Spelling) -> Value {
        self.0.iter().map(|key| write_shown(key, spelling)).collect::<Vec<_>>().into()
    }
}

/// One text or several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(pub(crate) Vec<String>);

impl<T: Into<String>> FromIterator<T> for Texts {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Texts {
        Texts(texts.into_iter().map(Into::into).collect())
    }
}

impl OptionValue for Texts {
    const FORM: Form = Form::Texts;
    fn read(value: &JsonSlice, at: &At) -> Result<Texts, String> {
        if let Some(text) = value.decode_str() {
            return Ok(Texts(vec![text.into_owned()]));
        }
        let texts: Vec<String> = value.deserialize().map_err(|_| at.wrong(value))?;
        if let Form::KnownWords(words) = at.form
            && let Some(word) = texts.iter().find(|word| !words().contains(&&***word))
        {
            let known = words().join(", ");
            return Err(format!("{}: there is no word {:?}; the words are {known}", at.path, clip(word)));
        }
        Ok(Texts(texts))
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.as_slice().into()
    }
}

/// The path of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath(pub(crate) std::path::PathBuf);

impl<T: Into<std::path::PathBuf>> From<T> for FilePath {
    fn from(path: T) -> FilePath {
        FilePath(path.into())
    }
}

impl OptionValue for FilePath {
    const FORM: Form = Form::FilePath;
    fn read(value: &JsonSlice, at: &At) -> Result<FilePath, String> {
        let path = value.decode_str().filter(|path| !path.is_empty()).ok_or_else(|| at.wrong(value))?;
        Ok(FilePath(path.into_owned().into()))
    }
    fn write(&self, _: Spelling) -> Value {
        self.0.to_string_lossy().into()
    }
}
