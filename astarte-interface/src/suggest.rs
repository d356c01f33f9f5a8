/// Returns the candidate that was most likely meant by `found`, if one is near enough.
///
/// Near are words that differ only in case, `_` and `-`, and words within an edit distance of a
/// third of their length. `found` itself is never suggested.
///
/// ```
/// use astarte_interface::suggest;
///
/// assert_eq!(suggest("latitud", ["longitude", "latitude"]), Some("latitude"));
/// assert_eq!(suggest("explicitTimestamp", ["explicit_timestamp"]), Some("explicit_timestamp"));
/// assert_eq!(suggest("mass", ["latitude"]), None);
/// ```
pub fn suggest<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if found.len() > MAX_LEN {
        return None;
    }
    let folded = fold(found);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != found && candidate.len() <= MAX_LEN)
        .filter_map(|candidate| Some((rank(&folded, &fold(candidate))?, candidate)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, candidate)| candidate)
}

/// The distance of two folded words, if it is near enough to be a slip.
fn rank(found: &[char], candidate: &[char]) -> Option<usize> {
    let limit = match found.len().max(candidate.len()) {
        0..=2 => 0,
        3 => 1,
        length => length.div_ceil(3).min(6),
    };
    if found.len().abs_diff(candidate.len()) > limit {
        return None;
    }
    Some(distance(found, candidate)).filter(|distance| *distance <= limit)
}

fn fold(word: &str) -> Vec<char> {
    let kept = word.chars().filter(|letter| !matches!(letter, '_' | '-'));
    kept.flat_map(char::to_lowercase).collect()
}

/// The optimal string alignment distance: a swap of neighbours is one edit.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut row = above.clone();
    for i in 1..=a.len() {
        row[0] = i;
        for j in 1..=b.len() {
            let substitution = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substitution.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        std::mem::swap(&mut before, &mut above);
        std::mem::swap(&mut above, &mut row);
    }
    above[b.len()]
}

/// Words in bytes beyond which nothing is a slip of the pen, and comparing would cost.
const MAX_LEN: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn between(a: &str, b: &str) -> usize {
        distance(&fold(a), &fold(b))
    }

    #[test]
    fn distances() {
        assert_eq!(between("", ""), 0);
        assert_eq!(between("", "abc"), 3);
        assert_eq!(between("kitten", "sitting"), 3);
        assert_eq!(between("recieve", "receive"), 1);
        assert_eq!(between("Type", "type"), 0);
    }

    #[test]
    fn the_nearest_wins_and_the_first_among_equals() {
        assert_eq!(suggest("strin", ["stringarray", "string"]), Some("string"));
        assert_eq!(suggest("aaab", ["aaac", "aaad"]), Some("aaac"));
    }

    #[test]
    fn short_words_are_not_slips_of_each_other() {
        assert_eq!(suggest("a", ["b"]), None);
        assert_eq!(suggest("A", ["a"]), Some("a"));
    }
}
