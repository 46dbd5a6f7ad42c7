//! Order, in little code.
//!
//! The standard library compiles its sort anew for every type, some 4 kB of WASM each, and does so too wherever a
//! `BTreeMap` or `BTreeSet` is collected. The page sorts a few dozen things at a time in thirty places, so there it is
//! done with these.

use std::cmp::Ordering;

/// Collecting one by one.
pub trait Gather: Iterator + Sized {
    /// Like `collect`, for collections that keep their own order.
    fn gather<C: Default + Extend<Self::Item>>(self) -> C {
        let mut gathered = C::default();
        self.for_each(|item| gathered.extend([item]));
        gathered
    }
}

impl<I: Iterator> Gather for I {}

/// Sorts a short list by insertion; equal items keep their order.
pub fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    for end in 1..items.len() {
        let mut at = end;
        while at > 0 && compare(&items[at - 1], &items[at]).is_gt() {
            items.swap(at - 1, at);
            at -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn gathering_is_collecting() {
        let entries = [(3, 'c'), (1, 'a'), (3, 'd'), (2, 'b')];
        assert_eq!(entries.into_iter().gather::<BTreeMap<_, _>>(), entries.into_iter().collect::<BTreeMap<_, _>>());
        assert_eq!(entries.into_iter().gather::<BTreeSet<_>>(), entries.into_iter().collect::<BTreeSet<_>>());
    }

    #[test]
    fn sorting_keeps_the_order_of_equals() {
        for n in 0..40_u32 {
            let mut items: Vec<(u32, u32)> = (0..n).map(|i| (i.wrapping_mul(2_654_435_761) % 7, i)).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|item| item.0);
            sort_by(&mut items, |a, b| a.0.cmp(&b.0));
            assert_eq!(items, expected);
        }
    }
}
