//! Shows the policies of entries and their state, and changes them while the server runs.
//!
//! An entry with changed policies takes the place of the former one. What has not changed keeps its state, and calls that have
//! begun end under the policies that they began with.

use crate::dispatch::options::{
    Options, Policies, Spelling, fill_rows, names, set_all, unknown_option, write_shown,
};
use crate::dispatch::policy::{CallFacts, CallRates};
use crate::dispatch::store::{StoreDone, StoreOp};
use crate::dispatch::validation::arguments::Policy;
use crate::error::{Error, ErrorKind};
use crate::host::Registered;
use crate::host::engine::Engine;
use crate::json::{JsonSlice, Kind as Json};
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::clip;
use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering;

/// The policies of an entry that have a state, by their names in the table.
const RATE_LIMIT: &str = "rate_limit";
const CONCURRENCY: &str = "max_concurrency";
const BREAKER: &str = "circuit_breaker";
const RETRY: &str = "retry";
const CACHE: &str = "cache";

/// The policies of an entry, and which of them are switched off.
type Changed = (Policies, Vec<&'static str>);

impl Engine {
    /// What applies to an entry: an object with its `policies`, the names of those that are `switched_off`, and the `state` of
    /// those that have one. `None`: there is no such entry.
    pub(crate) fn policies_of(&self, kind: Kind, name: &str, spelling: Spelling) -> Option<JsonSlice> {
        let entry = self.0.catalog.get(kind, name)?;
        let off: Vec<_> = entry.switched_off.iter().map(|name| spelling.name(name)).collect();
        let shown = json!({
            "policies": write_shown(entry.source.policies(), spelling),
            spelling.name("switched_off"): off,
            "state": self.policy_state(&entry, spelling),
        });
        Some(JsonSlice::from_value(&shown))
    }

    fn policy_state(&self, entry: &Registered, spelling: Spelling) -> Value {
        let mut state = Map::new();
        let mut add = |policy: &str, members: &[(&str, usize)]| {
            let named = |(name, value): &(&str, usize)| (spelling.name(name).into_owned(), (*value).into());
            let members: Map<_, Value> = members.iter().map(named).collect();
            state.insert(spelling.name(policy).into_owned(), members.into());
        };
        if let Some(limit) = &entry.concurrency {
            let (running, waiting) = limit.occupancy();
            add(CONCURRENCY, &[("running", running), ("waiting", waiting)]);
        }
        if let Some(breaker) = &entry.breaker {
            let (circuits, open) = breaker.usage(self.0.now());
            add(BREAKER, &[("circuits", circuits), ("open", open)]);
        }
        if let Some(retry) = &entry.retry {
            add(RETRY, &[("left", retry.budget.left() as usize)]);
        }
        if let Some(cache) = &entry.cache {
            let (entries, bytes) = cache.usage();
            add(CACHE, &[("entries", entries), ("bytes", bytes)]);
        }
        let limits = [&entry.rate_limits, &entry.miss_limits].into_iter().flatten();
        let limits: Vec<Value> = limits.flat_map(|limits| self.allowances(entry, limits)).collect();
        if !limits.is_empty() {
            state.insert(spelling.name(RATE_LIMIT).into_owned(), limits.into());
        }
        state.into()
    }

    /// The limits of an entry, and what is left of those that count all calls together, if the store answers at once.
    fn allowances(&self, entry: &Registered, limits: &CallRates) -> Vec<Value> {
        let facts = CallFacts { entry: Some((entry.kind, &entry.name)), ..CallFacts::default() };
        let epoch = entry.rate_epoch.load(Ordering::Acquire);
        let keys = limits.keys(&self.0.rate_limiting.server, epoch, &facts);
        let shown = limits.limits.iter().zip(keys).map(|(limit, key)| {
            let op = StoreOp::Take { key, by: 0, rate: limit.rate };
            let left = match limit.is_wide().then(|| self.0.store.try_now(&op, self.0.now())).flatten() {
                Some(StoreDone::Taken { left, .. }) => Some(left),
                _ => None,
            };
            json!({ "limit": limit.describe("call"), "left": left })
        });
        shown.collect()
    }

    /// Changes policies of an entry. `changes` is an object of policies, in the spelling of a language; null removes one.
    pub(crate) fn change_policies(
        &self,
        kind: Kind,
        name: &str,
        changes: &JsonSlice,
        (spelling, policy): (Spelling, Policy),
    ) -> Result<(), Error> {
        self.replace_policies(kind, name, policy, &|entry| {
            let wrong = |why: String| Error::invalid(format!("{entry}: {why}"));
            if changes.kind() != Json::Object {
                return Err(wrong(format!("policies must be an object, not {}", spelling.shown(changes))));
            }
            let mut removed = Vec::new();
            for member in changes.members() {
                let member_name = member.name(changes.as_bytes());
                let row = changeable(kind, &member_name, spelling).map_err(wrong)?;
                if changes.subslice(member.value).kind() == Json::Null {
                    removed.push(row);
                }
            }
            let mut policies = Policies::default();
            set_all(&mut policies, kind, spelling, changes).map_err(|error| wrong(error.text))?;
            fill_rows(&mut policies, entry.source.policies(), |row| !removed.contains(&row.name));
            Ok((policies, entry.switched_off.clone()))
        })
    }

    /// Switches a policy of an entry off, so that it does not apply, or on again.
    pub(crate) fn switch_policy(
        &self,
        (kind, name): (Kind, &str),
        policy_name: &str,
        on: bool,
        (spelling, policy): (Spelling, Policy),
    ) -> Result<(), Error> {
        self.replace_policies(kind, name, policy, &|entry| {
            let row = changeable(kind, policy_name, spelling)
                .map_err(|why| Error::invalid(format!("{entry}: {why}")))?;
            let mut off = entry.switched_off.clone();
            off.retain(|name| *name != row);
            if !on {
                off.push(row);
            }
            Ok((entry.source.policies().clone(), off))
        })
    }

    /// Clears the state of a policy of an entry, or of all its policies: results are removed, circuits close, budgets and
    /// allowances begin anew. Calls that run and wait are not concerned.
    pub(crate) fn clear_policy(
        &self,
        kind: Kind,
        name: &str,
        policy_name: Option<&str>,
        spelling: Spelling,
    ) -> Result<(), Error> {
        parts(kind).iter().try_for_each(|kind| self.clear_entry(*kind, name, policy_name, spelling))
    }

    fn clear_entry(
        &self,
        kind: Kind,
        name: &str,
        policy_name: Option<&str>,
        spelling: Spelling,
    ) -> Result<(), Error> {
        let entry = self.0.catalog.get(kind, name).ok_or_else(|| no_entry(kind, name))?;
        let only = match policy_name {
            Some(policy) => Some(
                changeable(kind, policy, spelling)
                    .map_err(|why| Error::invalid(format!("{entry}: {why}")))?,
            ),
            None => None,
        };
        let is_meant = |row: &str| only.is_none_or(|only| only == row);
        if let Some(cache) = entry.cache.as_ref().filter(|_| is_meant(CACHE)) {
            cache.clear(None);
        }
        if let Some(breaker) = entry.breaker.as_ref().filter(|_| is_meant(BREAKER)) {
            breaker.clear();
        }
        if let Some(retry) = entry.retry.as_ref().filter(|_| is_meant(RETRY)) {
            retry.budget.clear();
        }
        if is_meant(RATE_LIMIT) {
            let mut random = [0; 8];
            self.0.environment.random(&mut random)?;
            entry.rate_epoch.store(u64::from_ne_bytes(random).max(1), Ordering::Release);
        }
        Ok(())
    }

    /// Puts an entry with other policies in the place of one, and both entries of a provider or none.
    fn replace_policies(
        &self,
        kind: Kind,
        name: &str,
        policy: Policy,
        change: &dyn Fn(&Registered) -> Result<Changed, Error>,
    ) -> Result<(), Error> {
        let changed = |kind: &Kind| loop {
            let entry = self.0.catalog.get(*kind, name).ok_or_else(|| no_entry(*kind, name))?;
            let (policies, off) = change(&entry)?;
            let changed = entry.changed(policies, off, policy)?;
            // If another thread has changed the entry meanwhile, its change must not get lost.
            if self.0.catalog.replace(&entry, changed) {
                return Ok(());
            }
        };
        let parts = parts(kind);
        // A change that is wrong for one part is not made in the other.
        for part in &parts[1..] {
            let entry = self.0.catalog.get(*part, name).ok_or_else(|| no_entry(*part, name))?;
            let (policies, off) = change(&entry)?;
            entry.changed(policies, off, policy)?;
        }
        parts.iter().try_for_each(changed)
    }
}

/// The entries that have a kind and a name: a provider is one that lists and one that reads.
fn parts(kind: Kind) -> &'static [Kind] {
    const PROVIDER: [Kind; 2] = [Kind::ResourceProvider, Kind::ResourceTemplate];
    match kind {
        Kind::ResourceProvider => &PROVIDER,
        kind => &Kind::ALL[kind.index()..][..1],
    }
}

fn no_entry(kind: Kind, name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no {} {:?}", kind.noun(), clip(name)))
}

/// The name in the table of a policy that can change while the server runs.
fn changeable(kind: Kind, name: &str, spelling: Spelling) -> Result<&'static str, String> {
    let row = Policies::TABLE.iter().find(|row| spelling.name(row.name) == name);
    let Some(row) = row else {
        return Err(unknown_option(name, &names::<Policies>(kind, spelling)));
    };
    match row.changeable {
        true => Ok(row.name),
        false => Err(format!("{name} cannot change while the server runs")),
    }
}
