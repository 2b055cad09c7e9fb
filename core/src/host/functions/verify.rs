//! The verifier: a function of the program that finds the principal of credentials.

use super::{Failure, HostFunctionKind};
use crate::dispatch::principal::{HOST, Principal};
use crate::host::engine::Engine;
use crate::json::{JsonSlice, JsonWriter, Kind};
use http::HeaderName;

/// What the verifier found. `Ok(None)`: it does not accept the credentials.
#[cfg_attr(not(feature = "runtime"), allow(dead_code))]
pub(crate) type Verified = Result<Option<Principal>, ()>;

#[cfg_attr(not(feature = "runtime"), allow(dead_code))]
impl Engine {
    /// The names of the headers that the verifier reads; `None` if there is no verifier.
    pub(crate) fn verifier_headers(&self) -> Option<&[HeaderName]> {
        let function = self.0.functions.slot(HostFunctionKind::Verifier).get();
        function.map(|function| &function.headers[..])
    }

    /// Asks the verifier about credentials: a bearer token, and the headers that it reads.
    pub(crate) fn ask_verifier(
        &self,
        token: Option<&str>,
        headers: &[(String, String)],
        found: Box<dyn FnOnce(Verified) + Send>,
    ) -> bool {
        let mut out = JsonWriter::new();
        out.begin_object().key("token");
        match token {
            Some(token) => out.str(token),
            None => out.null(),
        };
        out.key("headers").begin_object();
        for (name, value) in headers {
            out.key(name).str(value);
        }
        out.end_object().end_object();
        let engine = self.clone();
        let answered = Box::new(move |answer: Result<JsonSlice, Failure>| {
            found(answer.map_err(drop).and_then(|value| engine.verified(&value)));
        });
        self.ask_function(HostFunctionKind::Verifier, out.into_slice(), answered)
    }

    fn verified(&self, value: &JsonSlice) -> Verified {
        match value.kind() {
            Kind::Null | Kind::False => Ok(None),
            _ => Principal::from_json(value, HOST).map(Some).map_err(|why| {
                self.0.log_handler_fault(|| format!("the verifier returned no principal: {why}"));
            }),
        }
    }
}
