//! Credentials that the server has not seen before: what verifying one costs, by itself and as a part of a call.

use std::hint::black_box;
use std::path::{Path, PathBuf};

use tenon_tokens::{Algorithm, KeyDigest, KeySet, KeyTable, jwt};

use super::exactly;
use super::issuer::{Issuer, api_key, auth_of_keys};
use super::pairs::{C_INLINE, IN_FLIGHT, auth_file, check_refusal, command, target};
use super::quiet::Quiet;
use crate::clients::http::HttpLoad;
use crate::clients::message::{Era, Work};
use crate::cpu::{Cores, own_time};
use crate::process::Server;
use crate::run::with_server;
use crate::targets::{Paths, Transport};

/// One kind of credentials.
pub struct Case {
    pub name: String,
    /// The setting `auth` of the server.
    auth: PathBuf,
    verifier: Verifier,
    /// No two are equal. The first one is what the server has seen before.
    tokens: Vec<String>,
}

enum Verifier {
    Jwt { rules: Box<jwt::Rules>, keys: KeySet, now: u64 },
    Keys(KeyTable),
}

impl Verifier {
    fn accepts(&self, token: &str) -> bool {
        match self {
            Verifier::Jwt { rules, keys, now } => jwt::verify(token, rules, keys, *now).is_ok(),
            Verifier::Keys(table) => table.find(token).is_some(),
        }
    }
}

/// µs of CPU, one of each per round.
#[derive(Default)]
pub struct Cold {
    pub name: String,
    pub tokens: usize,
    pub token_bytes: usize,
    /// The verification alone.
    pub verify: Vec<f64>,
    /// A call with a token that the server knows.
    pub known: Vec<f64>,
    /// How much more a call with a new token takes.
    pub more: Vec<f64>,
}

/// Every algorithm, and static keys in both forms.
pub fn cases(issuer: &Issuer, count: usize, folder: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for algorithm in Algorithm::ALL {
        let (rules, keys) = issuer.verifier(algorithm)?;
        let tokens = (0..=count).map(|number| issuer.token(algorithm, number));
        cases.push(Case {
            name: algorithm.name().to_owned(),
            auth: auth_file(folder, algorithm.name(), &issuer.auth(algorithm))?,
            verifier: Verifier::Jwt { rules: Box::new(rules), keys, now: issuer.now() },
            tokens: tokens.collect::<Result<_, _>>()?,
        });
    }
    for (form, hashed) in [("value", false), ("hash", true)] {
        let (keys, written): (Vec<_>, Vec<_>) = (0..=count).map(|number| api_key(number, hashed)).unzip();
        let digests = written.iter().map(|key| KeyDigest::parse(key));
        let digests = digests.collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
        cases.push(Case {
            name: format!("API key, {form}, of {}", keys.len()),
            auth: auth_file(folder, form, &auth_of_keys(&written, hashed))?,
            verifier: Verifier::Keys(KeyTable::new(digests).map_err(|e| e.to_string())?),
            tokens: keys,
        });
    }
    Ok(cases)
}

pub fn start(cases: &[Case]) -> Vec<Cold> {
    let cold = |case: &Case| Cold {
        name: case.name.clone(),
        tokens: case.tokens.len() - 1,
        token_bytes: case.tokens[0].len(),
        ..Cold::default()
    };
    cases.iter().map(cold).collect()
}

pub fn round(
    cold: &mut [Cold],
    cases: &[Case],
    (places, cores): (&Paths, Option<Cores>),
    quiet: &mut Quiet,
) -> Result<(), String> {
    for (cold, case) in cold.iter_mut().zip(cases) {
        let command =
            command(places, target(C_INLINE), vec!["--auth".to_owned(), case.auth.display().to_string()]);
        let found = quiet.measure(|| {
            let alone = verify(case)?;
            with_server(&command, Transport::Http, cores, |server| calls(case, server))
                .map(|(known, new)| (alone, known, new))
        });
        let (alone, known, new) = found.map_err(|why| format!("{}: {why}", case.name))?;
        cold.verify.push(alone);
        cold.known.push(known);
        cold.more.push(new - known);
    }
    Ok(())
}

/// The verification alone, in this process. Each token is verified once.
fn verify(case: &Case) -> Result<f64, String> {
    let (known, new) = case.tokens.split_first().ok_or("no tokens")?;
    let mut accepted = usize::from(case.verifier.accepts(known));
    let before = own_time();
    for token in new {
        accepted += usize::from(case.verifier.accepts(black_box(token)));
    }
    let used = own_time() - before;
    match accepted == case.tokens.len() {
        true => Ok(used.as_secs_f64() * 1e6 / new.len() as f64),
        false => Err(format!("{}: {accepted} of {} tokens are accepted", case.name, case.tokens.len())),
    }
}

/// µs of CPU per call with a token that the server knows, and with new ones.
fn calls(case: &Case, server: &mut Server) -> Result<(f64, f64), String> {
    let address = server.listening()?;
    check_refusal(address)?;
    let (known, new) = case.tokens.split_first().ok_or("no tokens")?;
    let mut load = HttpLoad::connect_as(Some(known), address, Era::Modern, Work::Echo, IN_FLIGHT)?;
    let count = new.len() as u64;
    let sample = |load: &mut HttpLoad| {
        let sample = load.run(exactly(count), || server.cpu())?;
        match sample.calls == count {
            true => Ok(sample.cpu.as_secs_f64() * 1e6 / count as f64),
            false => Err(format!("{} of {count} calls in time", sample.calls)),
        }
    };
    sample(&mut load)?;
    let of_known = sample(&mut load)?;
    load.present(new.to_vec());
    Ok((of_known, sample(&mut load)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tokens_are_accepted_and_no_two_are_equal() {
        let places = Paths::find(None).unwrap();
        let folder = std::env::temp_dir().join(format!("tenon-bench-cold-{}", std::process::id()));
        let cases = cases(&Issuer::new(&places.root).unwrap(), 3, &folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(cases.len(), Algorithm::ALL.len() + 2);
        for case in &cases {
            assert!(verify(case).is_ok(), "{}", case.name);
            let mut different = case.tokens.clone();
            different.sort();
            different.dedup();
            assert_eq!(different.len(), 4, "{}", case.name);
            assert!(!case.verifier.accepts("a token of nobody at all"), "{}", case.name);
        }
    }
}
