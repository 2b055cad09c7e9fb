//! Hash maps that free memory again after a peak.

use std::collections::HashMap;
use std::hash::Hash;

/// Entries for which a table may keep room in any case.
const KEPT: usize = 256;

/// To be called after removals: a table that holds less than an eighth of what it has room for gives most of that back.
/// What it then has room for is twice what it holds, so that the moves cost each removal a share only.
pub(crate) fn spare<K: Eq + Hash, V>(table: &mut HashMap<K, V>) {
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
            spare(&mut table);
            // The rest of what it had room for; a removal alone changes that by one at most.
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
        spare(&mut table);
        assert_eq!(table.capacity(), before);
    }
}
