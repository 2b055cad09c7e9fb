//! Servers that are mounted and unmounted while the server runs.

use super::waiting::not_started;
use super::{START, STOP};
use crate::dispatch::calls::table::CallId;
use crate::host::admission::chain::StageId;
use crate::host::engine::Engine;
use crate::host::mounts::Part;
use std::sync::atomic::Ordering;

impl Engine {
    /// Makes calls of newly mounted servers wait for their own start and for that of the servers they are mounted in.
    /// If a mount then fails, the server is removed again.
    pub(in crate::host) fn expect_parts(&self) {
        let parts = self.parts();
        let mut state = self.0.life.state.lock();
        if !state.begun {
            // The server has ended meanwhile.
            return;
        }
        let is_part = |number| parts.iter().any(|part| part.number() == number);
        state.starting.retain(|part| is_part(part.number()));
        state.awaited.retain(|part| is_part(*part));
        let awaited = parts.iter().filter(|part| state.awaited.contains(&part.number()));
        let mut waiting: Vec<usize> = awaited.flat_map(Part::within).collect();
        let new: Vec<Part> = parts.into_iter().filter(|part| !state.knows(part.number())).collect();
        for part in new {
            if part.hook(START).is_some() {
                waiting.extend(part.within());
                self.0.life.open.store(false, Ordering::Release);
            }
            if waiting.contains(&part.number()) {
                state.awaited.push(part.number());
            }
            state.starting.insert(0, part);
        }
    }

    /// Removes servers that were just unmounted. If a server's start hook has not run yet, it will not run, and the
    /// waiting calls of that server fail. If it has run, the stop hook runs at the end.
    pub(in crate::host) fn forget_parts(&self) {
        let parts = self.parts();
        let is_part = |part: &Part| parts.iter().any(|known| known.number() == part.number());
        let (gone, refused) = {
            let mut state = self.0.life.state.lock();
            let (starting, gone): (Vec<_>, Vec<_>) =
                std::mem::take(&mut state.starting).into_iter().partition(is_part);
            state.starting = starting;
            state.awaited.retain(|part| gone.iter().all(|gone| gone.number() != *part));
            let unstarted = gone.iter().filter(|part| part.hook(START).is_some()).flat_map(Part::within);
            let unstarted: Vec<usize> =
                unstarted.filter(|part| parts.iter().all(|known| known.number() != *part)).collect();
            let (refused, held) = state.held.drain(..).partition(|(part, _)| unstarted.contains(part));
            state.held = held;
            let has_hook = |part: &Part| part.hook(START).is_some() || part.hook(STOP).is_some();
            let (started, idle): (Vec<_>, Vec<_>) = std::mem::take(&mut state.started)
                .into_iter()
                .partition(|part| is_part(part) || has_hook(part));
            state.started = started;
            let refused: Vec<(usize, CallId)> = refused;
            ((gone, idle), refused)
        };
        for (_, id) in refused {
            if let Some(context) = self.0.calls.with(id, |flight| flight.context.clone()) {
                self.port().refuse_waiting(StageId::ServerStart, id, not_started(&context).into());
            }
        }
        drop(gone);
    }

    /// Runs the start hooks of newly mounted servers, unless another thread is running hooks.
    pub(in crate::host) fn start_parts(&self) {
        let mut state = self.0.life.state.lock();
        if state.begun && !std::mem::replace(&mut state.running_hooks, true) {
            drop(state);
            self.start_next(None);
        }
    }
}
