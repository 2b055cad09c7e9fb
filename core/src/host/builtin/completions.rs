//! Checks that each registered completion names an argument that exists (CP-5).

use crate::dispatch::nearest_name::nearest_name;
use crate::error::{Error, ErrorKind};
use crate::host::Registered;
use crate::host::engine::Engine;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::clip;
use crate::proto::operation::Op;
use std::sync::atomic::Ordering;

impl Engine {
    /// Checks that every completion is for an argument that exists; otherwise no client would ever use it. The check
    /// runs when the server starts, so that completions and their entries can be registered in any order.
    pub(crate) fn check_completions(&self) -> Result<(), Error> {
        self.0
            .catalog
            .all(Kind::Completion)
            .iter()
            .try_for_each(|(completion, _)| self.check_completion(completion))
    }

    /// Does the same for a completion that is registered while the server is served.
    pub(in crate::host) fn check_completion_now(&self, entry: &Registered) -> Result<(), Error> {
        let now = entry.kind == Kind::Completion && self.0.serving.load(Ordering::Acquire);
        if now { self.check_completion(entry) } else { Ok(()) }
    }

    fn check_completion(&self, completion: &Registered) -> Result<(), Error> {
        let Some((kind, of, argument)) = completion.definition().completes() else { return Ok(()) };
        let catalog = &self.0.catalog;
        let (lists, reads, part) = match kind {
            Kind::Prompt => (Op::PromptsList, Op::PromptsGet, "argument"),
            _ => (Op::TemplatesList, Op::ResourcesRead, "variable"),
        };
        // If the program answers these methods itself, only the program knows what exists.
        if [lists, reads].iter().any(|op| catalog.look(Kind::Method, op.name()).is_some()) {
            return Ok(());
        }
        let refused = |text: String| Err(Error::new(ErrorKind::NotFound, format!("completion: {text}")));
        let Some((entry, _)) = catalog.look(kind, &of) else {
            let all = catalog.all(kind);
            let near = nearest_name(&of, all.iter().map(|(entry, _)| entry.name.as_str()));
            let noun = kind.noun();
            return refused(match near {
                Some(near) => format!("there is no {noun} {:?}; the nearest name is {near:?}", clip(&of)),
                None => format!("there is no {noun} {:?}; none is registered", clip(&of)),
            });
        };
        if entry.has_argument(&argument) {
            return Ok(());
        }
        refused(match nearest_name(&argument, entry.arguments()) {
            Some(near) => {
                format!("{entry} has no {part} {:?}; the nearest name is {near:?}", clip(&argument))
            }
            None => format!("{entry} has no {part} {:?}; it has none", clip(&argument)),
        })
    }
}
