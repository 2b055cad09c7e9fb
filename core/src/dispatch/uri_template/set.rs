//! Finds the template that matches a URI, among many templates.

use super::steps::{Step, literal_ends};
use super::units::Unit;
use super::{UriTemplate, Value, read};
use std::cmp::Reverse;
use std::sync::Arc;

/// Templates, ordered by their literal text at the start. A URI is matched only against those whose text it starts
/// with.
#[derive(Clone, Debug, Default)]
pub struct TemplateSet {
    /// Sorted by the first member: the text at the start, in lower case.
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    start: Vec<Unit>,
    template: Arc<UriTemplate>,
    specificity: usize,
    /// The template's index in the set.
    place: usize,
}

impl TemplateSet {
    /// The templates, in order of registration.
    pub fn new(templates: impl IntoIterator<Item = Arc<UriTemplate>>) -> TemplateSet {
        let row = |(place, template): (usize, Arc<UriTemplate>)| {
            let steps = &template.program.steps;
            let literal = steps[..literal_ends(steps).0].iter().filter_map(|step| match step {
                Step::Literal(unit, _) => Some(unit.lower()),
                _ => None,
            });
            let (start, specificity) = (literal.collect(), template.specificity());
            Row { start, template, specificity, place }
        };
        let mut rows: Vec<_> = templates.into_iter().enumerate().map(row).collect();
        rows.sort_by(|a, b| a.start.cmp(&b.start).then(a.place.cmp(&b.place)));
        TemplateSet { rows }
    }

    /// The index of the template that matches `uri`, and its variables. If several templates match, the template with
    /// the most literal characters is chosen. If those numbers are equal, the template that was registered first is
    /// chosen.
    pub fn find(&self, uri: &str) -> Option<(usize, Vec<(&str, Value)>)> {
        let units = read(uri)?;
        let mut rows = self.starting(&units);
        rows.sort_by_key(|row| (Reverse(row.specificity), row.place));
        rows.into_iter().find_map(|row| Some((row.place, row.template.matches_units(&units)?)))
    }

    /// The rows whose `start` is a prefix of `uri`. The range of rows narrows with every character.
    pub(super) fn starting(&self, uri: &[Unit]) -> Vec<&Row> {
        let mut found = Vec::new();
        let mut rows = self.rows.as_slice();
        for at in 0..=uri.len() {
            let ended = rows.partition_point(|row| row.start.len() == at);
            found.extend(&rows[..ended]);
            rows = &rows[ended..];
            let Some(unit) = uri.get(at).map(|unit| unit.lower()) else { break };
            let first = rows.partition_point(|row| row.start[at] < unit);
            let end = rows.partition_point(|row| row.start[at] <= unit);
            rows = &rows[first..end];
            if rows.is_empty() {
                break;
            }
        }
        found
    }
}
