//! Stages for tests. Each call brings a script that says what every probe does with it.

use super::chain::{Resumed, StageId};
use super::interface::{Answer, Held, Selection, Stage, StageCall, StageTime, Taken, Verdict};
use crate::dispatch::aead::StateCipher;
use crate::dispatch::audit::AuditKey;
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::log::{LiveLevel, LogLevel};
use crate::dispatch::observer::Observers;
use crate::dispatch::store::{GuardedStore, Store};
use crate::host::calls::completion::End;
use crate::host::calls::dispatch::ReadyCall;
use crate::host::calls::op::{CallContext, CancelReason, Outcome};
use crate::host::engine::Engine;
use crate::host::lanes::port::HostPort;
use crate::host::lanes::threads::Threads;
use crate::host::{Masking, RateLimiting, Reload, Resilience, Setup, Shared, Work};
use crate::locks::Mutex;
use crate::proto::messages::error::RpcError;
use crate::proto::results::shape::{Identity, Shaper};
use crate::proto::session::implementation::Implementation;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A stage whose behaviour the call's script decides.
pub(super) struct Probe<const N: usize>;

pub(super) const PROBES: [StageId; 4] =
    [StageId::ProbeFirst, StageId::ProbeMiddle, StageId::ProbeBefore, StageId::ProbeLast];

/// What a probe does with a call that enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    Pass,
    Refuse,
    /// Answers with a result, as a cache would.
    Answer,
    Wait,
    /// Resumes the call before `enter` returns, once or twice.
    ResumeWithin(bool),
    RefuseWithin,
    /// Ends the call, and then lets it pass.
    EndThenPass,
    EndThenWait,
    ResumeThenEnd,
    Panic,
    /// Decides at once, if the call is new.
    PassAtOnce,
    AnswerAtOnce,
    EndThenPassAtOnce,
    PanicAtOnce,
}

pub(super) const PLANS: [Plan; 17] = [
    Plan::Pass,
    Plan::Refuse,
    Plan::Answer,
    Plan::Wait,
    Plan::ResumeWithin(false),
    Plan::ResumeWithin(true),
    Plan::RefuseWithin,
    Plan::EndThenPass,
    Plan::EndThenWait,
    Plan::ResumeThenEnd,
    Plan::Panic,
    Plan::PassAtOnce,
    // More often, so that many calls pass several stages at once.
    Plan::PassAtOnce,
    Plan::PassAtOnce,
    Plan::AnswerAtOnce,
    Plan::EndThenPassAtOnce,
    Plan::PanicAtOnce,
];

/// The script of one call, which is the attachment of its request.
pub(super) struct Script {
    pub(super) number: usize,
    pub(super) plans: [Option<Plan>; 4],
    pub(super) release_panics: bool,
    pub(super) ledger: Arc<Mutex<Ledger>>,
}

/// What the calls have taken at the probes.
#[derive(Default)]
pub(super) struct Ledger {
    /// The probes that each call has passed and that are not released yet.
    pub(super) taken: BTreeMap<usize, Vec<usize>>,
    /// The calls that wait at a probe.
    pub(super) waiting: BTreeSet<(usize, usize)>,
    /// How often something was taken.
    pub(super) count: usize,
    pub(super) faults: Vec<String>,
}

impl Ledger {
    fn take(&mut self, call: usize, probe: usize) {
        self.count += 1;
        let taken = self.taken.entry(call).or_default();
        if taken.last().is_some_and(|last| *last >= probe) {
            self.faults.push(format!("call {call} takes {probe} after {taken:?}"));
        }
        taken.push(probe);
    }

    fn give_back(&mut self, call: usize, probe: usize) {
        let taken = self.taken.entry(call).or_default();
        if taken.last() != Some(&probe) {
            self.faults.push(format!("call {call} gives back {probe} and has taken {taken:?}"));
        }
        taken.retain(|other| *other != probe);
    }
}

fn script(context: &CallContext) -> Option<&Script> {
    context.arrival.attachment.as_ref()?.get()
}

/// Ends the process of a stage as a panic does, without a message from the panic hook.
pub(super) fn panic_silently() -> ! {
    std::panic::resume_unwind(Box::new("a panic on purpose"))
}

impl HostPort {
    /// Lets a call pass a probe where it waits.
    pub(super) fn resume_probe(&self, probe: usize, call: &ReadyCall) -> Resumed {
        let Some(script) = script(&call.context) else { panic!("a call without a script") };
        self.resume(PROBES[probe], call.id, self.0.now(), |_| {
            let mut ledger = script.ledger.lock();
            ledger.waiting.remove(&(script.number, probe));
            ledger.take(script.number, probe);
            Ok(())
        })
    }

    /// Ends a call with the answer of a probe where it waits.
    pub(super) fn refuse_probe(&self, probe: usize, call: &ReadyCall) -> bool {
        let Some(script) = script(&call.context) else { panic!("a call without a script") };
        let refused = self.refuse_waiting(PROBES[probe], call.id, RpcError::busy("refused later").into());
        if refused {
            script.ledger.lock().waiting.remove(&(script.number, probe));
        }
        refused
    }
}

/// An engine without entries.
pub(super) fn engine(
    limits: Limits,
    environment: Arc<dyn Environment>,
    store: Arc<dyn Store>,
    checks: Option<Arc<dyn Work>>,
) -> Engine {
    let identity = Identity {
        implementation: Implementation::new("chain", "1").unwrap(),
        instructions: None,
        revisions: Default::default(),
        extensions: Vec::new(),
        cache: Default::default(),
    };
    let observers = Observers::new(Vec::new()).unwrap();
    Engine(Shared::new(Setup {
        access: Default::default(),
        entry_policies: Default::default(),
        refuses_anonymous: false,
        anonymous_is_set: false,
        authorization_servers: Vec::new(),
        trusted_proxies: Vec::new(),
        public_url: None,
        stdio_principal: None,
        shaper: Shaper::new(identity),
        limits,
        declared: Default::default(),
        masking: Masking::new(None),
        end_with_stdin: true,
        sealer: StateCipher::new(vec![[9; 32]]),
        audit_key: AuditKey::new(None),
        audit_file: None,
        store: Arc::new(GuardedStore::new(store, &observers, &environment)),
        environment,
        observers,
        host_store: None,
        log_level: Arc::new(LiveLevel::new(LogLevel::Error)),
        reload: Reload::new(Default::default(), None),
        resilience: Box::new(Resilience::new(None, None, &Limits::default())),
        rate_limiting: Box::new(RateLimiting { server: "chain".to_owned(), requests: None }),
        threads: Threads { io: 1, stack: 1 << 20, hook: None },
        checks,
        resolver: None,
    }))
}

impl<const N: usize> Stage for Probe<N> {
    const NAME: &'static str = ["probe 0", "probe 1", "probe 2", "probe 3"][N];
    const TIME: StageTime = [
        StageTime::Continues,
        StageTime::Limited(|limits| limits.store_timeout / 2),
        StageTime::Restarts,
        StageTime::Continues,
    ][N];

    fn selects(call: &Selection<'_>) -> bool {
        script(call.context).is_some_and(|script| script.plans[N].is_some())
    }

    fn decide(port: &HostPort, call: &ReadyCall, _: &mut Taken) -> Option<Verdict> {
        let script = script(&call.context)?;
        match script.plans[N]? {
            Plan::AnswerAtOnce => return Some(RpcError::busy("refused at once").into()),
            Plan::EndThenPassAtOnce => _ = port.0.end(call.id, End::Silent(CancelReason::Requested(None))),
            Plan::PassAtOnce => {}
            Plan::PanicAtOnce => panic_silently(),
            _ => return None,
        }
        script.ledger.lock().take(script.number, N);
        Some(Verdict::Pass)
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        if let Some(verdict) = Self::decide(port, call, &mut Taken::default()) {
            return verdict;
        }
        let context = call.context.clone();
        let Some(script) = script(&context) else { return Verdict::Pass };
        let end = || port.0.end(call.id, End::Silent(CancelReason::Requested(None)));
        let take = || script.ledger.lock().take(script.number, N);
        let wait = || _ = script.ledger.lock().waiting.insert((script.number, N));
        match script.plans[N].unwrap_or(Plan::Pass) {
            Plan::Pass => {
                take();
                Verdict::Pass
            }
            Plan::Refuse => RpcError::busy("refused").into(),
            Plan::Answer => {
                Verdict::Answer(Answer::Outcome(Box::new(Outcome::Text("kept".to_owned())), "probe"))
            }
            Plan::Wait => {
                wait();
                Verdict::Wait
            }
            Plan::ResumeWithin(twice) => {
                assert_eq!(port.resume_probe(N, call), Resumed::Passed);
                if twice {
                    assert_eq!(port.resume_probe(N, call), Resumed::NotWaiting);
                }
                Verdict::Wait
            }
            Plan::RefuseWithin => {
                assert!(port.refuse_probe(N, call));
                assert!(!port.refuse_probe(N, call));
                Verdict::Wait
            }
            Plan::EndThenPass => {
                end();
                take();
                Verdict::Pass
            }
            Plan::EndThenWait => {
                end();
                wait();
                Verdict::Wait
            }
            Plan::ResumeThenEnd => {
                assert_eq!(port.resume_probe(N, call), Resumed::Passed);
                end();
                Verdict::Wait
            }
            _ => panic_silently(),
        }
    }

    fn release(_: &Shared, call: &mut StageCall<'_>, held: Held) {
        let Some(script) = script(call.context) else { return };
        {
            let mut ledger = script.ledger.lock();
            match held {
                Held::Passed => ledger.give_back(script.number, N),
                Held::Waiting => _ = ledger.waiting.remove(&(script.number, N)),
            }
        }
        if script.release_panics {
            panic_silently();
        }
    }

    fn late(_: &CallContext) -> Option<RpcError> {
        (N % 2 == 1).then(|| RpcError::busy("too late at the probe"))
    }
}
