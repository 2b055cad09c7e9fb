//! Which known name an unknown one most likely stands for.

/// The number of letters of a name that are compared.
const MOST: usize = 200;

/// The name with the smallest edit distance; the first one if there are several.
pub(crate) fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known.into_iter().min_by_key(|known| distance(name, known))
}

/// The edit distance: how many letters to insert, delete or replace to turn one name into the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().take(MOST).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, letter) in from.chars().take(MOST).enumerate() {
        let mut corner = std::mem::replace(&mut row[0], above + 1);
        for (place, other) in to.iter().enumerate() {
            let replaced = corner + usize::from(letter != *other);
            corner = row[place + 1];
            row[place + 1] = replaced.min(corner + 1).min(row[place] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_with_the_fewest_changes() {
        for (from, to, changes) in
            [("", "", 0), ("a", "", 1), ("style", "stile", 1), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!((distance(from, to), distance(to, from)), (changes, changes), "{from} {to}");
        }
        assert_eq!(nearest_name("gret", ["greeting", "greet", "meet"]), Some("greet"));
        assert_eq!(nearest_name("x", []), None);
    }
}
