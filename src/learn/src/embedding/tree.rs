//! Places in nested boxes, so that those far away are met as one (Barnes and Hut, 1986).

/// A box that looks smaller than this, its width over its distance, is met as one.
pub(super) const ANGLE: f64 = 0.5;
/// Places that are not apart after so many halvings are as good as one.
const MAX_DEPTH: usize = 100;

/// Boxes, each followed by those in it.
pub(super) struct Tree(Vec<Cell>);

struct Cell {
    /// The mean of its places.
    center: [f64; 3],
    n: f64,
    /// The square of its longest edge.
    square: f64,
    /// The first box after it that is not in it.
    next: usize,
}

impl Tree {
    /// The boxes of the first `n` places.
    pub(super) fn new(places: &[Vec<f64>], n: usize) -> Self {
        let mut places: Vec<[f64; 3]> = (0..n).map(|i| [places[0][i], places[1][i], places[2][i]]).collect();
        let mut tree = Self(Vec::with_capacity(2 * n));
        tree.grow(&mut places, 0);
        tree
    }

    fn grow(&mut self, places: &mut [[f64; 3]], depth: usize) {
        let (mut low, mut high, mut center) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3], [0.0; 3]);
        for place in places.iter() {
            for component in 0..3 {
                low[component] = low[component].min(place[component]);
                high[component] = high[component].max(place[component]);
                center[component] += place[component];
            }
        }
        let n = places.len() as f64;
        center.iter_mut().for_each(|sum| *sum /= n);
        if low == high {
            center = low;
        }
        let width = (0..3).fold(0.0f64, |width, component| width.max(high[component] - low[component]));
        let at = self.0.len();
        self.0.push(Cell { center, n, square: width * width, next: 0 });
        if width > 0.0 && depth < MAX_DEPTH {
            // Numbers next to each other are parted, too.
            let middle = [0, 1, 2].map(|component| {
                let middle = f64::midpoint(low[component], high[component]);
                if middle < high[component] { middle } else { low[component] }
            });
            let corner =
                |place: &[f64; 3]| (0..3).fold(0, |corner, at| 2 * corner + usize::from(place[at] > middle[at]));
            // Places keep their order within each eighth.
            let before = places.to_vec();
            let mut from = 0;
            for eighth in 0..8 {
                let mut to = from;
                for place in before.iter().filter(|place| corner(place) == eighth) {
                    places[to] = *place;
                    to += 1;
                }
                if to > from {
                    self.grow(&mut places[from..to], depth + 1);
                }
                from = to;
            }
        }
        self.0[at].next = self.0.len();
    }

    /// Σ q of one of the places with all others, and Σ q² Δ, where `q = 1 / (1 + d)`. Boxes that look smaller than the angle count
    /// as so many places in their middle.
    pub(super) fn push(&self, at: [f64; 3], angle: f64) -> (f64, [f64; 3]) {
        let (mut nearness, mut push) = (0.0, [0.0; 3]);
        let mut cell_idx = 0;
        while let Some(cell) = self.0.get(cell_idx) {
            let apart = [0, 1, 2].map(|component| at[component] - cell.center[component]);
            let square = apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2];
            let has_parts = cell.next > cell_idx + 1;
            if has_parts && cell.square >= angle * angle * square {
                cell_idx += 1;
                continue;
            }
            let near = 1.0 / (1.0 + square);
            // The place itself is in a box that is no wider than it is far away.
            let n = if square <= cell.square { cell.n - 1.0 } else { cell.n };
            nearness += n * near;
            let weight = n * near * near;
            (0..3).for_each(|component| push[component] += weight * apart[component]);
            cell_idx = cell.next;
        }
        (nearness, push)
    }
}
