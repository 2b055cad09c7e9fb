//! Admission: the stages that a call passes before its handler runs.
//!
//! # The chain of a call
//!
//! A call has its id, its entry in the call table, its place with its peer, its lane's credit and its deadline before
//! its first stage. So it can be cancelled, can time out and is counted wherever it waits. Its chain is computed from its
//! entry and its request, in the order of the table in [`chain`]:
//!
//! 1. `arguments`: the arguments satisfy the input schema. Only costly checks are left for this stage.
//! 2. `authorization`: the program's authorizer permits the call.
//! 3. `circuit_breaker`: not too many calls of the entry have failed lately. The last stage looks again.
//! 4. `rate_limit`: the call is within the rates of its entry.
//! 5. `cache`: no result is kept that answers the call, and no other call produces it. Another `rate_limit` follows, of
//!    such calls.
//! 6. `once_only`: the request's state is used for the first time.
//! 7. `confirm`: the user agrees to the call.
//! 8. `task`: the record of the task is stored, and the client has the task.
//! 9. `start`: the server of the entry has started.
//! 10. `concurrency`: the entry has a permit for the call, and it is the turn of the call's caller.
//! 11. `circuit_breaker`: as before. The call may be a probe.
//!
//! The wait for the start and the check of arguments are stages as well. They wait, answer and resume calls as the
//! others do, and the start lies between two other stages.
//!
//! Most calls have an empty chain, which costs a branch and no allocation.
//!
//! # A stage
//!
//! A stage is a row in the table and a file in `stages` with a [`Stage`](interface::Stage). Its `enter` returns *pass*, *answer* or
//! *wait*. A stage that returns *wait* resumes the call later, from any thread, with [`HostPort::resume`]. It may do so
//! before `enter` returns; then the thread in `enter` continues the call. Only the first resume counts.
//!
//! # What a call holds
//!
//! [`Passage`](passage::Passage) records under the call table's lock which stages a call has passed. The thread that
//! removes the call from the table releases them, the last one first, in `finish`. If a call ends while a thread is in
//! `enter`, that thread releases what this stage took. So everything is released once, however a call ends.
//!
//! A new call first passes the stages that decide at once (`at_once`). They are recorded together, so the call table is locked
//! once for all of them. If a stage cannot decide at once, the call enters it, and passes the rest one by one.
//!
//! A resume hands over what the stage took for the call, for example a permit. If the call has ended, `resume` says so,
//! and the stage keeps it.

mod at_once;
pub(super) mod chain;
mod credits;
pub(super) mod interface;
pub(super) mod passage;
pub(super) mod stages;

#[cfg(all(test, not(loom)))]
mod chain_tests;
#[cfg(all(test, not(loom)))]
mod fakes_tests;
#[cfg(all(test, loom))]
mod loom_admission;
#[cfg(all(test, not(loom)))]
mod permits_tests;
#[cfg(test)]
mod probe_tests;

#[cfg(doc)]
use crate::host::HostPort;
