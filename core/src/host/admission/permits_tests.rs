//! What the calls in the table hold of their entries' permits, compared with what the entries have counted.

use super::chain::StageId;
use crate::dispatch::policy::KeyHash;
use crate::host::Registered;
use crate::host::calls::in_flight::InFlightCall;
use std::collections::BTreeMap;

/// The permits of all entries, by their names.
#[derive(Default)]
pub(super) struct Permits(BTreeMap<String, OfEntry>);

#[derive(Default)]
struct OfEntry {
    running: usize,
    waiting: usize,
    /// The calls that run with each value of each key.
    by_value: BTreeMap<(usize, KeyHash), usize>,
}

impl Permits {
    /// Counts a call in the table.
    pub(super) fn add(&mut self, flight: &InFlightCall) {
        let context = &flight.context;
        let Some(limit) = &context.entry.concurrency else { return };
        let (passed, waits) = flight.passage.at(StageId::Concurrency);
        let counted = self.0.entry(context.entry.name.clone()).or_default();
        counted.running += usize::from(passed);
        counted.waiting += usize::from(waits);
        let values = limit.values(|| context.facts(&flight.input));
        for named in values.into_iter().enumerate().filter(|_| passed) {
            *counted.by_value.entry(named).or_default() += 1;
        }
    }

    /// Compares what was counted with an entry.
    pub(super) fn check(&mut self, entry: &Registered) {
        let Some(limit) = &entry.concurrency else { return };
        let OfEntry { running, waiting, by_value } = self.0.remove(&entry.name).unwrap_or_default();
        assert_eq!(limit.occupancy(), (running, waiting), "permits of {}", entry.name);
        assert!(limit.most().total.is_none_or(|most| running <= most));
        let by_value: Vec<_> =
            by_value.into_iter().map(|((key, value), running)| (key, value, running)).collect();
        assert!(by_value.iter().all(|(key, _, running)| *running <= limit.most().by[*key].1));
        assert_eq!(limit.running_by_value(), by_value, "values of {}", entry.name);
    }
}
