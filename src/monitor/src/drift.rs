//! Whether the rows that come in still look like the rows of training.
//!
//! Whoever predicts counts values into a [`Window`]; windows of the same reference add up, whichever process or tab
//! counted them. [`Report::of`] compares one with the [`Reference`].

mod distance;
mod report;
mod sample;
mod significance;
mod slice;

use numeric::Stream;
use registry::{ColumnReference, Reference, Shape, bin_of};
use serde::{Deserialize, Serialize};

pub use report::{ColumnReport, MIN_ROWS, Quality, Recipe, Report, Scores, Significance, Test, Verdict};
pub use sample::Sample;
pub use slice::{SLICE_MINUTES, Slice, SliceKey, SliceRecord, Slices, Span};

/// What the columns of some rows looked like, on the bins and names of a reference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The columns of the reference, in its order.
    pub inputs: Vec<ColumnWindow>,
    /// What was predicted.
    pub prediction: Option<ColumnWindow>,
}

/// What one column of some rows looked like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnWindow {
    /// Rows without a value.
    pub n_missing: u64,
    /// Rows with a value of another kind.
    pub n_type_errors: u64,
    /// Numbers below the smallest or above the largest of the reference.
    pub n_out_of_bounds: u64,
    /// The other values: numbers by the reference's bins, categories by its names, and last those that it does not name.
    pub counts: Vec<u64>,
    /// Some of the numbers.
    pub sample: Sample,
}

impl Window {
    /// Of no rows yet.
    pub fn new(reference: &Reference) -> Self {
        Self {
            inputs: reference.inputs.iter().map(ColumnWindow::new).collect(),
            prediction: reference.prediction.as_ref().map(ColumnWindow::new),
        }
    }

    /// Counts all that the other counted; both are of the same reference.
    pub fn merge(&mut self, other: &Self) {
        for (column, other) in self.inputs.iter_mut().zip(&other.inputs) {
            column.merge(other);
        }
        if let (Some(prediction), Some(other)) = (&mut self.prediction, &other.prediction) {
            prediction.merge(other);
        }
    }

    /// Keeps at most so many numbers of each column.
    fn thin(&mut self, n: usize) {
        self.inputs.iter_mut().chain(&mut self.prediction).for_each(|column| column.sample.thin(n));
    }
}

impl ColumnWindow {
    fn new(reference: &ColumnReference) -> Self {
        let n_counts = match &reference.shape {
            Shape::Numbers { counts, .. } => counts.len(),
            Shape::Categories { names, .. } => names.len() + 1,
        };
        Self { counts: vec![0; n_counts], ..Self::default() }
    }

    /// Counts a number, or that there is none; what is not finite is none. The stream says which numbers are kept: nobody
    /// else whose windows are added to this one may have one of the same seed.
    pub fn see_number(&mut self, reference: &ColumnReference, value: Option<f64>, stream: &mut Stream) {
        let Some(x) = value.filter(|x| x.is_finite()) else {
            self.n_missing += 1;
            return;
        };
        match &reference.shape {
            Shape::Numbers { min, max, edges, .. } => {
                self.counts[bin_of(edges, x)] += 1;
                self.n_out_of_bounds += u64::from(x < *min || x > *max);
                self.sample.see(x, stream);
            }
            Shape::Categories { .. } => self.n_type_errors += 1,
        }
    }

    /// Counts a category, or that there is none.
    pub fn see_category(&mut self, reference: &ColumnReference, value: Option<&str>) {
        match (&reference.shape, value) {
            (_, None) => self.n_missing += 1,
            (Shape::Categories { names, .. }, Some(value)) => {
                let at = names.binary_search_by(|name| name.as_str().cmp(value)).unwrap_or(names.len());
                self.counts[at] += 1;
            }
            (Shape::Numbers { .. }, Some(_)) => self.n_type_errors += 1,
        }
    }

    /// Counts that there is no value.
    pub fn see_missing(&mut self) {
        self.n_missing += 1;
    }

    /// Counts a value of another kind than the column's.
    pub fn see_type_error(&mut self) {
        self.n_type_errors += 1;
    }

    /// Values that were counted.
    pub fn n_values(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn merge(&mut self, other: &Self) {
        self.n_missing += other.n_missing;
        self.n_type_errors += other.n_type_errors;
        self.n_out_of_bounds += other.n_out_of_bounds;
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, other)| *count += other);
        self.sample.merge(&other.sample);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reference() -> Reference {
        let numbers: Vec<Option<f64>> = (0..50).map(|i| Some(f64::from(i))).collect();
        let age = ColumnReference::of_numbers("age", &numbers);
        let plan = ColumnReference::of_categories("plan", ["a", "b", "b"].map(Some), 9);
        Reference { n_rows: 50, inputs: vec![age.clone(), plan], prediction: Some(age) }
    }

    fn see(window: &mut Window, reference: &Reference, age: Option<f64>, plan: Option<&str>, stream: &mut Stream) {
        window.inputs[0].see_number(&reference.inputs[0], age, stream);
        window.inputs[1].see_category(&reference.inputs[1], plan);
        let prediction = reference.prediction.as_ref().expect("there is one");
        window.prediction.as_mut().expect("there is one").see_number(prediction, age, stream);
    }

    #[test]
    fn values_are_counted_where_they_belong() {
        let (reference, stream) = (reference(), &mut Stream::new(1));
        let mut window = Window::new(&reference);
        for (age, plan) in [(Some(-1.0), Some("a")), (Some(49.0), Some("z")), (None, None), (Some(50.0), Some("b"))] {
            see(&mut window, &reference, age, plan, stream);
        }
        window.inputs[0].see_category(&reference.inputs[0], Some("forty"));
        window.inputs[1].see_type_error();
        let [age, plan] = &window.inputs[..] else { panic!("two columns") };
        assert_eq!((age.n_missing, age.n_type_errors, age.n_out_of_bounds), (1, 1, 2));
        assert_eq!(age.counts, [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(age.sample.sorted(), [-1.0, 49.0, 50.0]);
        assert_eq!((plan.n_missing, plan.n_type_errors, plan.counts.as_slice()), (1, 1, [1, 1, 1].as_slice()));
    }

    proptest! {
        #[test]
        fn merging_is_counting_together_in_any_order(
            rows in prop::collection::vec((prop::option::of(-9.0..60.0f64), 0..4usize, 0..3usize), 0..60),
            order in Just([0usize, 1, 2]).prop_shuffle(),
        ) {
            let (reference, stream) = (reference(), &mut Stream::new(7));
            let mut together = Window::new(&reference);
            let mut parts = [together.clone(), together.clone(), together.clone()];
            for (age, plan, part) in rows {
                let plan = [Some("a"), Some("b"), Some("new"), None][plan];
                // The same numbers are drawn for both.
                see(&mut together, &reference, age, plan, &mut stream.clone());
                see(&mut parts[part], &reference, age, plan, stream);
            }
            let mut merged = Window::new(&reference);
            order.into_iter().for_each(|part| merged.merge(&parts[part]));
            prop_assert_eq!(&merged, &together);
            let json = serde_json::to_string(&merged).expect("plain data");
            prop_assert_eq!(serde_json::from_str::<Window>(&json).expect("our own"), merged);
        }
    }
}
