//! The memory store's logs.

use super::memory::StoreBounds;
use super::op::{Entries, Entry, Keep, StoreDone};
use super::table::{NoRoom, StoredEntry, Table, expiry};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The approximate size of an entry without its bytes.
const AROUND: usize = size_of::<(Entry, Instant)>();

#[derive(Default)]
pub(super) struct Logs {
    logs: Table<Log>,
    /// The last position of any log. It is shared, so that a log that begins again continues above its earlier
    /// positions.
    last: u64,
}

#[derive(Default)]
struct Log {
    entries: VecDeque<(Entry, Instant)>,
    bytes: usize,
    /// The last position that was removed, or that was assigned before the log began.
    lost: u64,
    /// Whether entries of this log itself were removed.
    trimmed: bool,
}

impl Log {
    fn size(&self) -> usize {
        self.bytes + AROUND * self.entries.len()
    }

    fn push(&mut self, position: u64, bytes: Bytes, now: Instant) {
        self.bytes += bytes.len();
        self.entries.push_back((Entry { position, bytes }, now));
    }

    fn pop(&mut self) -> bool {
        let Some((entry, _)) = self.entries.pop_front() else { return false };
        self.bytes -= entry.bytes.len();
        (self.lost, self.trimmed) = (entry.position, true);
        true
    }

    fn trim(&mut self, keep: &Keep, now: Instant) {
        while let Some((oldest, since)) = self.entries.front() {
            let stays = oldest.position > keep.after
                && keep.entries.is_none_or(|most| self.entries.len() <= most)
                && keep.bytes.is_none_or(|most| self.bytes <= most)
                && keep.age.is_none_or(|most| now.saturating_duration_since(*since) <= most);
            if stays {
                return;
            }
            self.pop();
        }
    }

    fn missed(&self, after: u64) -> bool {
        if after == 0 { self.trimmed } else { after < self.lost }
    }
}

impl Logs {
    pub(super) fn append(
        &mut self,
        key: String,
        bytes: Bytes,
        ttl: Duration,
        mut keep: Keep,
        bounds: &StoreBounds,
        now: Instant,
    ) -> StoreDone {
        keep.entries = Some(keep.entries.unwrap_or(usize::MAX).min(bounds.entries));
        let (position, end, needed) = (self.last + 1, expiry(now, ttl), AROUND + bytes.len());
        let Some(StoredEntry { size, .. }) = self.logs.get(&key, now) else {
            let mut log = Log { lost: self.last, ..Log::default() };
            log.push(position, bytes, now);
            log.trim(&keep, now);
            let held = StoredEntry { size: log.size(), it: log, expiry: end };
            return match self.logs.insert(key, held, (bounds.values, bounds.bytes), now) {
                Ok(()) => self.appended(position),
                Err(NoRoom) => StoreDone::Full,
            };
        };
        let own = *size;
        // The log's own oldest entries may be removed to make room. Nothing is removed unless that is enough.
        if self.logs.bytes() - own + needed > bounds.bytes {
            self.logs.look(now);
        }
        let others = self.logs.bytes() - own;
        if others + needed > bounds.bytes {
            return StoreDone::Full;
        }
        if let Some(held) = self.logs.get(&key, now) {
            let log = &mut held.it;
            log.push(position, bytes, now);
            log.trim(&keep, now);
            while others + log.size() > bounds.bytes && log.pop() {}
            held.expiry = end;
            let size = log.size();
            self.logs.resize(&key, size);
        }
        self.appended(position)
    }

    fn appended(&mut self, position: u64) -> StoreDone {
        self.last = position;
        StoreDone::Appended(position)
    }

    pub(super) fn read(
        &mut self,
        key: &str,
        after: u64,
        max_entries: usize,
        max_bytes: usize,
        now: Instant,
    ) -> StoreDone {
        let Some(StoredEntry { it: log, .. }) = self.logs.get(key, now) else {
            return StoreDone::Entries(Entries { missed: after != 0, ..Entries::default() });
        };
        let start = log.entries.partition_point(|(entry, _)| entry.position <= after);
        let (mut entries, mut bytes) = (Vec::new(), 0usize);
        for (entry, _) in log.entries.iter().skip(start) {
            bytes = bytes.saturating_add(entry.bytes.len());
            if !entries.is_empty() && (entries.len() >= max_entries || bytes > max_bytes) {
                break;
            }
            entries.push(entry.clone());
        }
        let more = start + entries.len() < log.entries.len();
        StoreDone::Entries(Entries { entries, missed: log.missed(after), more })
    }

    pub(super) fn trim(&mut self, key: &str, keep: &Keep, now: Instant) -> StoreDone {
        let Some(held) = self.logs.get(key, now) else { return StoreDone::Found(false) };
        held.it.trim(keep, now);
        let size = held.it.size();
        self.logs.resize(key, size);
        StoreDone::Found(true)
    }

    pub(super) fn expire(&mut self, key: &str, ttl: Duration, now: Instant) -> StoreDone {
        if ttl.is_zero() {
            return StoreDone::Found(self.logs.remove(key, now).is_some());
        }
        StoreDone::Found(self.logs.get(key, now).map(|held| held.expiry = expiry(now, ttl)).is_some())
    }
}
