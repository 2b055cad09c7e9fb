//! The parts of a server that new settings change. To add one, write a row in [`PARTS`], and `changeable: true` in the
//! rows of its settings.

use super::{Code, Commit, LIMITS, SERVER};
use crate::dispatch::limits::Limits;
use crate::dispatch::options::ServerSettings;
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use std::sync::Arc;

/// The values that are to be put in force.
pub(super) struct Values<'a> {
    /// The changeable settings.
    pub(super) settings: ServerSettings,
    /// All limits.
    pub(super) limits: Limits,
    pub(super) code: &'a Code,
}

/// A part of a server.
pub(super) struct Part {
    /// The setting, or the section, by its path.
    pub(super) path: &'static [&'static str],
    /// Checks the values, and does all that can fail. Nothing changes before the commit, and the commit may never come.
    pub(super) prepare: fn(&Arc<Shared>, &Values<'_>) -> Result<Commit, String>,
}

/// All parts, in the order in which they change.
pub(super) const PARTS: &[Part] = &[
    Part { path: &[SERVER, "log_level"], prepare: log_level },
    Part { path: &[SERVER, "mask_errors"], prepare: mask_errors },
    Part { path: &[SERVER, "disabled"], prepare: disabled },
    Part { path: &[SERVER, "auth"], prepare: auth },
    // Last, because each new set of limits stays, also if another part is then refused.
    Part { path: &[LIMITS], prepare: limits },
];

fn limits(shared: &Arc<Shared>, values: &Values<'_>) -> Result<Commit, String> {
    let number = shared.limits.keep(values.limits.clone())?;
    let shared = shared.clone();
    Ok(Box::new(move || shared.limits.switch_to(number)))
}

fn log_level(shared: &Arc<Shared>, values: &Values<'_>) -> Result<Commit, String> {
    let (own, level) = (shared.log_level.clone(), values.code.level(&values.settings));
    Ok(Box::new(move || own.set(level)))
}

fn mask_errors(shared: &Arc<Shared>, values: &Values<'_>) -> Result<Commit, String> {
    let (shared, setting) = (shared.clone(), values.settings.mask_errors);
    Ok(Box::new(move || shared.masking.set(setting)))
}

/// The verifiers, with their keys. What functions of the program have decided is forgotten.
fn auth(shared: &Arc<Shared>, values: &Values<'_>) -> Result<Commit, String> {
    let verifiers = values.settings.auth.as_ref().map(|verifiers| &verifiers.0[..]).unwrap_or_default();
    let (prepared, shared) = (Engine(shared.clone()).prepare_verifiers(verifiers)?, shared.clone());
    Ok(Box::new(move || {
        prepared();
        shared.forget_decisions();
    }))
}

fn disabled(shared: &Arc<Shared>, values: &Values<'_>) -> Result<Commit, String> {
    let engine = Engine(shared.clone());
    let disabled = values.settings.disabled.clone().unwrap_or_default();
    // Clients are notified of the lists that change.
    Ok(Box::new(move || engine.switch(|shared| shared.catalog.disable_by_settings(disabled))))
}
