//! Hash maps that free memory again after a peak.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// A map by digests, numbers or other short keys. Its hashes are cheap, and have seeds that differ in each process. So clients
/// cannot choose keys with one hash.
pub(crate) type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Capacity that a table always keeps.
const KEPT: usize = 256;

/// Must be called after removals. A table that holds less than an eighth of its capacity shrinks to twice the number
/// of its entries. So the cost of moving entries is spread over many removals.
pub(crate) fn shrink<K: Eq + Hash, V, S: BuildHasher>(table: &mut HashMap<K, V, S>) {
    if table.capacity() > KEPT && table.len() < table.capacity() / 8 {
        table.shrink_to(2 * table.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_gives_back_the_room_of_its_peak_in_few_moves() {
        let mut table: HashMap<u32, u32> = (0..10_000).map(|number| (number, number)).collect();
        let mut moves = 0;
        for number in 0..10_000 {
            let before = table.capacity();
            table.remove(&number);
            shrink(&mut table);
            // The rest of its capacity; a removal alone changes that by at most one.
            moves += u32::from(table.capacity() + 1 < before);
            assert!(
                table.capacity() <= KEPT.max(16 * (table.len() + 1)),
                "{} {}",
                table.capacity(),
                table.len()
            );
            assert!((number + 1..10_000).step_by(977).all(|left| table[&left] == left));
        }
        assert!(moves <= 8, "{moves}");
    }

    #[test]
    fn a_small_table_keeps_its_room() {
        let mut table: HashMap<u32, u32> = (0..100).map(|number| (number, number)).collect();
        let before = table.capacity();
        table.clear();
        shrink(&mut table);
        assert_eq!(table.capacity(), before);
    }
}
