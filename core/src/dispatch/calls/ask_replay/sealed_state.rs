//! The state that a client returns with its answers: sealed, and bound to the request.

use super::{Asks, CONFIRM, Recorded};
use crate::dispatch::aead::StateCipher;
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::principal::{self, Principal};
use crate::json::{self, JsonSlice, JsonWriter, Kind};
use crate::proto::messages::error::RpcError;
use crate::proto::question::Question;
use sha2::{Digest, Sha256};

impl Asks {
    /// Everything that was asked so far, sealed for the client to carry.
    pub(crate) fn seal(
        &self,
        sealer: &StateCipher,
        binding: &[u8],
        limits: &Limits,
        environment: &dyn Environment,
    ) -> Result<String, RpcError> {
        let expiry = environment.unix_seconds().saturating_add(limits.state_lifetime.as_secs());
        let mut out = JsonWriter::new();
        out.begin_object().key("e").uint(expiry).key("r").uint(u64::from(self.round) + 1);
        out.key("a").begin_array();
        let pending =
            self.pending.iter().map(|pending| (&pending.key, pending.reader.kind, &pending.digest, None));
        let recorded = self.recorded.iter().map(|recorded| {
            let answer = recorded.answer.as_ref().and_then(|answer| answer.as_ref().ok());
            (&recorded.key, recorded.kind, &recorded.digest, answer)
        });
        let is_pending = |key: &str| self.pending.iter().any(|pending| pending.key == key);
        for (key, kind, digest, answer) in recorded.filter(|(key, ..)| !is_pending(key)).chain(pending) {
            out.begin_array().str(key).str(kind.as_str()).str(digest);
            match answer {
                Some(answer) => out.slice(answer),
                None => out.null(),
            };
            out.end_array();
        }
        out.end_array().key("o").begin_array();
        for (key, result) in &self.kept {
            out.begin_array().str(key).slice(result).end_array();
        }
        out.end_array().end_object();
        let sealed = sealer
            .seal(out.as_bytes(), binding, environment)
            .map_err(|error| RpcError::internal(format!("Cannot seal the request state: {error}")))?;
        if sealed.len() > limits.max_state_bytes {
            return Err(RpcError::internal(format!(
                "The request state has more than {} bytes (max_state_bytes)",
                limits.max_state_bytes
            )));
        }
        Ok(sealed)
    }

    /// Restores the state of a retried request: the opened state, with the new answers added (MR-8 to MR-12).
    pub(crate) fn resume(
        state: &str,
        responses: Option<&JsonSlice>,
        sealer: &StateCipher,
        binding: impl FnOnce() -> Vec<u8>,
        limits: &Limits,
        environment: &dyn Environment,
    ) -> Result<Asks, RpcError> {
        let refused =
            || RpcError::invalid_params("Invalid params: requestState is not valid for this request");
        // Checked first, because the arguments may have megabytes, and any client can send a text as a state.
        if state.len() > limits.max_state_bytes || !sealer.is_plausible(state) {
            return Err(refused());
        }
        let plain = sealer.open(state, &binding()).map_err(|_| refused())?;
        let State { expiry, round, asked, kept } = State::read(plain).ok_or_else(refused)?;
        if expiry < environment.unix_seconds() {
            return Err(refused());
        }
        // The policy `confirm` has a round of its own.
        let more = usize::from(asked.iter().any(|(key, ..)| key == CONFIRM));
        if round as usize > limits.max_asks.saturating_add(more) {
            return Err(RpcError::invalid_params(format!(
                "Invalid params: requestState has more than {} rounds (max_asks); send the request without it",
                limits.max_asks
            )));
        }
        let mut recorded = Vec::with_capacity(asked.len());
        for (key, kind, digest, answer) in asked {
            let answer = match answer {
                Some(answer) => Some(answer),
                None => responses.and_then(|responses| responses.member(&key)),
            };
            if let Some(answer) = &answer {
                kind.read(answer).map_err(|reason| {
                    RpcError::invalid_params(format!("Invalid params: inputResponses {key:?}: {reason}"))
                })?;
            }
            recorded.push(Recorded { key, kind, digest, answer: answer.map(Ok), again: false });
        }
        Ok(Asks { recorded, kept, round, ..Asks::default() })
    }
}

/// The content of a sealed state.
struct State {
    expiry: u64,
    round: u32,
    /// Key, kind, digest and optional answer of each question. Answers are as the client sent them.
    asked: Vec<(String, Question, String, Option<JsonSlice>)>,
    /// Results of effects.
    kept: Vec<(String, JsonSlice)>,
}

impl State {
    fn read(plain: Vec<u8>) -> Option<State> {
        // The engine wrote this text, so only corruption could exceed a limit here.
        let state = JsonSlice::parse(plain.into(), &json::Limits::TRUSTED).ok()?;
        let number = |name: &str| state.member(name)?.as_str().parse::<u64>().ok();
        let text = |text: Option<JsonSlice>| Some(text?.decode_str()?.into_owned());
        let asked = state.member("a")?;
        let asked = asked.elements().map(|asked| {
            let mut parts = asked.elements();
            let (key, kind) = (text(parts.next())?, Question::named(&text(parts.next())?)?);
            let digest = text(parts.next())?;
            Some((key, kind, digest, parts.next().filter(|answer| answer.kind() != Kind::Null)))
        });
        let kept = state.member("o")?;
        let kept = kept.elements().map(|kept| {
            let mut parts = kept.elements();
            Some((text(parts.next())?, parts.next()?))
        });
        let round = u32::try_from(number("r")?).ok()?;
        let (asked, kept) = (asked.collect::<Option<_>>()?, kept.collect::<Option<_>>()?);
        Some(State { expiry: number("e")?, round, asked, kept })
    }
}

/// The data that a sealed state is bound to: principal, method, target and arguments (MR-9).
pub(crate) fn binding(
    principal: Option<&Principal>,
    method: &str,
    target: &str,
    arguments: &JsonSlice,
) -> Vec<u8> {
    // A client may change the order of keys when it builds its retry, so the digest is over the meaning of the
    // arguments.
    let mut digest = Sha256::new();
    principal::key(principal, |bytes| digest.update(bytes));
    for part in [method, target] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    json::canonical(arguments, &mut |bytes| digest.update(bytes));
    digest.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::environment_tests::FixedRandom;

    #[test]
    fn an_implausible_state_is_refused_before_arguments_are_looked_at() {
        let limits = Limits::default();
        let sealer = StateCipher::new(vec![[1; 32]]);
        let sealed = Asks::default().seal(&sealer, b"binding", &limits, &FixedRandom).unwrap();
        let resume = |state: &str, sealer: &StateCipher, binding: &dyn Fn() -> Vec<u8>| {
            Asks::resume(state, None, sealer, binding, &limits, &FixedRandom).is_ok()
        };
        assert!(resume(&sealed, &sealer, &|| b"binding".to_vec()));
        assert!(!resume(&sealed, &sealer, &|| b"other".to_vec()));
        let looked_at = || -> Vec<u8> { panic!("the arguments were looked at") };
        let long = "Ag".repeat(limits.max_state_bytes);
        for state in ["", "AAAA", "AgAA", &sealed[..20], &format!("A{sealed}"), &format!("{sealed}!"), &long]
        {
            assert!(!resume(state, &sealer, &looked_at), "{state}");
        }
        assert!(!resume(&sealed, &StateCipher::new(Vec::new()), &looked_at));
    }

    #[test]
    fn a_binding_tells_each_of_its_parts_from_the_others() {
        let slice = |text: &'static str| JsonSlice::parse(text.into(), &json::Limits::default()).unwrap();
        let (p, pm) = (Principal::from("p"), Principal::from("pm"));
        let one = binding(Some(&p), "m", "t", &slice(r#"{"a":1,"b":"x"}"#));
        assert_eq!(one, binding(Some(&p), "m", "t", &slice(r#"{"b":"\u0078", "a":1}"#)));
        for other in [
            binding(Some(&pm), "", "t", &slice(r#"{"a":1,"b":"x"}"#)),
            binding(Some(&p), "mt", "", &slice(r#"{"a":1,"b":"x"}"#)),
            binding(Some(&p), "m", "t", &slice(r#"{"a":2,"b":"x"}"#)),
            binding(Some(&p), "m", "t", &slice("null")),
            binding(None, "m", "t", &slice(r#"{"a":1,"b":"x"}"#)),
        ] {
            assert_ne!(one, other);
        }
    }
}
