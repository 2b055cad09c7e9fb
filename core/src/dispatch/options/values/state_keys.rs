//! The keys that encrypt what clients carry.

use super::super::form::Form;
use super::super::spelling::Spelling;
use super::{At, OptionValue};
use crate::json::{JsonSlice, Kind};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;
use std::fmt;

/// The number of bytes of a key.
const BYTES: usize = 32;

/// Keys of 32 bytes. Nothing that shows them contains a key.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StateKeys(pub(crate) Vec<[u8; BYTES]>);

impl fmt::Debug for StateKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateKeys({})", self.0.len())
    }
}

impl FromIterator<[u8; BYTES]> for StateKeys {
    fn from_iter<I: IntoIterator<Item = [u8; BYTES]>>(keys: I) -> StateKeys {
        StateKeys(keys.into_iter().collect())
    }
}

/// The key that a text in hexadecimal or base64 stands for.
fn key(text: &str) -> Option<[u8; BYTES]> {
    let is_hex = text.len() == 2 * BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex {
        let byte = |place: usize| u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).unwrap_or_default();
        return Some(std::array::from_fn(byte));
    }
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config).decode(text).ok()?.try_into().ok()
}

impl OptionValue for StateKeys {
    const FORM: Form = Form::Keys;

    fn read(value: &JsonSlice, at: &At) -> Result<StateKeys, String> {
        let wrong = || format!("{} must be {}", at.path, at.form.expected(at.spelling));
        let texts: Vec<String> = match value.decode_str() {
            // A file with secrets has one text, and a variable of one key is one.
            Some(text) if at.spelling == Spelling::File => text
                .split([',', ' ', '\t', '\r', '\n'])
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
            _ if value.kind() == Kind::Array => value.deserialize().map_err(|_| wrong())?,
            _ => return Err(wrong()),
        };
        let read = |(place, text): (usize, &String)| {
            key(text)
                .ok_or_else(|| format!("{}[{place}] must have {BYTES} bytes, as hex or base64 text", at.path))
        };
        texts.iter().enumerate().map(read).collect()
    }

    fn write(&self, _: Spelling) -> Value {
        let hex = |key: &[u8; BYTES]| key.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        self.0.iter().map(hex).collect::<Vec<_>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_hex_or_base64() {
        let all = [b'\xff'; BYTES];
        assert_eq!(key(&"ff".repeat(BYTES)), Some(all));
        assert_eq!(key(&"FF".repeat(BYTES)), Some(all));
        assert_eq!(key(&format!("{}8=", "/".repeat(42))), Some(all));
        assert_eq!(key(&format!("{}8", "_".repeat(42))), Some(all));
        for wrong in ["", "ff", &"ff".repeat(BYTES + 1), &"g".repeat(64), "secret", &"A".repeat(42)] {
            assert_eq!(key(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_error_has_a_key() {
        let at = |spelling| At { path: "state_keys".to_owned(), form: Form::Keys, spelling, secret: true };
        let read = |json: &str, spelling| {
            StateKeys::read(&JsonSlice::from_value(&serde_json::from_str(json).unwrap()), &at(spelling))
        };
        for (json, expected) in [
            ("[\"secret\"]", "state_keys[0] must have 32 bytes, as hex or base64 text"),
            ("\"secret\"", "state_keys must be a JSON array of strings, each with 32 bytes in hex or base64"),
            ("[5]", "state_keys must be a JSON array of strings, each with 32 bytes in hex or base64"),
        ] {
            assert_eq!(read(json, Spelling::C).unwrap_err(), expected);
        }
        let both = format!("\"{}\\n{}\\n\"", "00".repeat(BYTES), "11".repeat(BYTES));
        assert_eq!(read(&both, Spelling::File), Ok(StateKeys(vec![[0; BYTES], [0x11; BYTES]])));
        assert_eq!(format!("{:?}", StateKeys(vec![[7; BYTES]])), "StateKeys(1)");
    }
}
