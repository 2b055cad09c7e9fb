//! Loom tests of the call table under every thread interleaving.

use crate::dispatch::calls::table::{CallTable, Full};
use loom::thread;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn one_of_two_ends_a_call() {
    loom::model(|| {
        let table = Arc::new(CallTable::with_shards(2, 1));
        let (id, _) = table.insert(None, |_| "call").unwrap();
        let other = table.clone();
        let thread = thread::spawn(move || other.remove(id).is_some());
        let seen = table.with(id, |entry| *entry);
        assert!(seen.is_none() || seen == Some("call"));
        let won = table.remove(id).is_some();
        assert!(won ^ thread.join().unwrap(), "one winner");
        assert!(table.is_empty());
        assert_eq!(table.with(id, |_| ()), None);
    });
}

#[test]
fn an_old_id_never_names_the_call_in_its_slot() {
    loom::model(|| {
        let table = Arc::new(CallTable::with_shards(1, 1));
        let (old, _) = table.insert(None, |_| "old").unwrap();
        let other = table.clone();
        let thread = thread::spawn(move || {
            assert_ne!(other.with(old, |entry| *entry), Some("new"));
            assert_ne!(other.remove(old), Some("new"));
        });
        let _ = table.remove(old);
        // The other thread may not have released its place yet.
        let new = table.insert(None, |_| "new");
        thread.join().unwrap();
        if let Ok((new, _)) = new {
            assert_ne!(new, old);
            assert_eq!(table.remove(new), Some("new"));
        }
        assert!(table.is_empty());
    });
}

#[test]
fn it_never_holds_more_than_its_capacity() {
    loom::model(|| {
        let table = Arc::new(CallTable::with_shards(1, 2));
        let other = table.clone();
        let thread = thread::spawn(move || other.insert(None, |_| ()).is_ok());
        let here = table.insert(None, |_| ()).is_ok();
        assert!(here ^ thread.join().unwrap(), "one of two fits");
        assert_eq!(table.len(), 1);
        assert_eq!(table.insert(None, |_| ()).unwrap_err(), Full);
    });
}

#[test]
fn a_refused_call_does_not_take_the_place_of_another() {
    loom::model(|| {
        let table = Arc::new(CallTable::with_shards(1, 1));
        let (first, _) = table.insert(None, |_| ()).unwrap();
        let other = table.clone();
        let thread = thread::spawn(move || other.insert(None, |_| ()).is_ok());
        table.remove(first).unwrap();
        let here = table.insert(None, |_| ()).is_ok();
        assert!(here ^ thread.join().unwrap(), "the freed place was taken once");
    });
}

#[test]
fn the_next_deadline_is_never_later_than_a_calls() {
    loom::model(|| {
        let start = Instant::now();
        let at = move |ms| start + Duration::from_millis(ms);
        let table = Arc::new(CallTable::with_shards(2, 1));
        table.insert(Some(at(50)), |_| ()).unwrap();
        let other = table.clone();
        let thread = thread::spawn(move || other.insert(Some(at(20)), |_| ()).unwrap().0);
        let expired = table.expired(at(10));
        assert!(expired.is_empty());
        let id = thread.join().unwrap();
        assert!(table.next_deadline().is_some_and(|next| next <= at(20)));
        assert_eq!(table.expired(at(30)), [id]);
        assert_eq!(table.next_deadline(), Some(at(50)));
    });
}

#[test]
fn a_changed_deadline_is_seen_by_a_sweep_or_noted() {
    loom::model(|| {
        let start = Instant::now();
        let at = move |ms| start + Duration::from_millis(ms);
        let table = Arc::new(CallTable::with_shards(2, 1));
        let (id, _) = table.insert(Some(at(50)), |_| ()).unwrap();
        let other = table.clone();
        let thread = thread::spawn(move || other.with_deadline(id, |_, deadline| *deadline = Some(at(20))));
        table.expired(at(10));
        assert!(thread.join().unwrap().is_some());
        assert!(table.next_deadline().is_some_and(|next| next <= at(20)));
    });
}
