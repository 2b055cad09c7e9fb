//! The rules for JWTs.

use super::fits_kind;
use crate::algorithm::Algorithm;
use crate::claims::{ClaimRules, RuleError};
use crate::jwk::KeySet;

/// What a JWT must be.
#[derive(Clone, Debug)]
pub struct Rules {
    claims: ClaimRules,
    /// Those of one kind. If there are none, all that fit the keys are allowed.
    algorithms: Vec<Algorithm>,
}

impl Rules {
    /// Rules with at least one audience. All algorithms that fit the keys are allowed.
    pub fn new(claims: ClaimRules) -> Result<Self, RuleError> {
        match claims.has_audiences() {
            true => Ok(Self { claims, algorithms: Vec::new() }),
            false => Err(RuleError::Empty { list: "audiences" }),
        }
    }

    /// The only algorithms to allow. All must need a secret, or all must need public keys.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Result<Self, RuleError> {
        let mut allowed: Vec<Algorithm> = Vec::new();
        for algorithm in algorithms {
            if !allowed.contains(&algorithm) {
                allowed.push(algorithm);
            }
        }
        let Some(first) = allowed.first() else { return Err(RuleError::Empty { list: "algorithms" }) };
        if allowed.iter().any(|algorithm| algorithm.is_symmetric() != first.is_symmetric()) {
            return Err(RuleError::MixedAlgorithms);
        }
        self.algorithms = allowed;
        Ok(self)
    }

    /// Fails if no allowed algorithm can be used with `keys`, so that a start can fail and not each request.
    pub fn check_keys(&self, keys: &KeySet) -> Result<(), RuleError> {
        let usable = |algorithm: Algorithm| {
            self.allows(algorithm, keys)
                && match keys {
                    KeySet::Public(keys) => keys.keys().iter().any(|key| key.fits(algorithm)),
                    KeySet::Secret(secret) => secret.fits(algorithm),
                }
        };
        match Algorithm::ALL.into_iter().any(usable) {
            true => Ok(()),
            false => Err(RuleError::NoAlgorithmForKeys),
        }
    }

    pub(super) fn claims(&self) -> &ClaimRules {
        &self.claims
    }

    /// Whether a token with this algorithm may be checked with these keys. A public key is never a secret.
    pub(super) fn allows(&self, algorithm: Algorithm, keys: &KeySet) -> bool {
        fits_kind(algorithm, keys) && (self.algorithms.is_empty() || self.algorithms.contains(&algorithm))
    }
}
