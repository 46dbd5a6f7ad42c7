//! Names: what someone who mistyped one may have meant.

/// The name that takes the fewest single-letter changes to reach, if they are few enough to be a slip; of several, the
/// first.
pub(crate) fn nearest(typed: &str, known: &[&str]) -> Option<String> {
    let typed: Vec<char> = typed.chars().collect();
    let most = (typed.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        let n_steps = steps(&typed, name);
        if n_steps <= most && best.is_none_or(|(fewest, _)| n_steps < fewest) {
            best = Some((n_steps, name));
        }
    }
    best.map(|(_, name)| name.to_owned())
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
fn steps(typed: &[char], name: &str) -> usize {
    let name: Vec<char> = name.chars().collect();
    let (mut two_up, mut up): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=name.len()).collect());
    for i in 1..=typed.len() {
        let mut row = vec![i];
        for j in 1..=name.len() {
            let differs = usize::from(typed[i - 1] != name[j - 1]);
            let mut n = (up[j] + 1).min(row[j - 1] + 1).min(up[j - 1] + differs);
            if i > 1 && j > 1 && typed[i - 1] == name[j - 2] && typed[i - 2] == name[j - 1] {
                n = n.min(two_up[j - 2] + 1);
            }
            row.push(n);
        }
        (two_up, up) = (up, row);
    }
    up[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_a_finger_is_understood_and_another_word_is_not() {
        let of = |typed| nearest(typed, &["auc", "accuracy", "n_trees"]);
        assert_eq!(of("acu").as_deref(), Some("auc"));
        assert_eq!(of("acuracy").as_deref(), Some("accuracy"));
        assert_eq!(of("ntree").as_deref(), None);
        assert_eq!(of("ntrees").as_deref(), Some("n_trees"));
        assert_eq!(of("banana"), None);
        assert_eq!(of(""), None);
    }
}
