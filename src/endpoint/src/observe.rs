//! Looks at the rows that come in, so that they can be compared with those of training.

use model::Prediction;
use monitor::drift::{ColumnWindow, Slice, Slices};
use monitor::{Exception, Served};
use numeric::Stream;
use registry::{ColumnReference, Hash, Predicts, Reference};

use crate::Mismatch;
use crate::rows::{Checked, Vector};
use crate::scorer::{Scored, Scorer};

/// Of a larger request only so many rows are looked at, spread evenly over it.
const MAX_ROWS: usize = 1_000;

/// Rows that were held to a model's signature.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// Who answers.
    pub served: &'a Served,
    /// The package behind it.
    pub package: &'a Hash,
    /// The same, loaded.
    pub scorer: &'a Scorer,
    /// What became of the rows.
    pub outcome: Outcome<'a>,
}

/// What became of rows.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// They were predicted.
    Predicted {
        /// The columns of the signature, in its order.
        rows: &'a [Checked<'a>],
        /// What the model says.
        scored: &'a Scored,
    },
    /// They do not fit.
    Refused {
        /// In what, at most 20.
        mismatches: &'a [Mismatch],
    },
}

/// Counts rows into slices of time. A host tells it of each request, and takes the slices from time to time to keep them.
#[derive(Debug)]
pub struct Observer {
    stream: Stream,
    /// What was counted and not yet taken.
    pub slices: Slices,
}

impl Observer {
    /// No two whose slices are added up may have the same seed.
    pub fn new(seed: u64) -> Self {
        Self { stream: Stream::new(seed), slices: Slices::default() }
    }

    /// Counts a request's rows. Of a copy of a request `is_mirror` is true.
    pub fn observe(&mut self, at_ms: u64, observed: &Observed<'_>, is_mirror: bool) {
        let header = &observed.scorer.header;
        let served = Served { is_mirror, ..observed.served.clone() };
        let slice = self.slices.at(at_ms, served, observed.package, &header.reference);
        match observed.outcome {
            Outcome::Predicted { rows, scored } => {
                predicted(slice, &header.reference, rows, (&header.signature.predicts, scored), &mut self.stream);
            }
            Outcome::Refused { mismatches } => refused(slice, &header.reference, mismatches),
        }
    }
}

fn predicted(
    slice: &mut Slice,
    reference: &Reference,
    rows: &[Checked<'_>],
    (predicts, scored): (&Predicts, &Scored),
    stream: &mut Stream,
) {
    let values = match &scored.prediction {
        Prediction::Numbers(values) => values.as_slice(),
        Prediction::Probabilities { .. } => &[],
    };
    let n_rows = values.len().max(scored.classes.len());
    let step = n_rows.div_ceil(MAX_ROWS).max(1);
    slice.n_predicted += n_rows as u64;
    slice.n_rows += n_rows.div_ceil(step) as u64;
    let columns = slice.window.inputs.iter_mut().zip(&reference.inputs).zip(rows);
    for ((window, reference), column) in columns {
        (0..n_rows).step_by(step).for_each(|row| see(window, reference, column, row, stream));
    }
    let Some((window, reference)) = slice.window.prediction.as_mut().zip(reference.prediction.as_ref()) else { return };
    for row in (0..n_rows).step_by(step) {
        match (predicts, values.get(row)) {
            (Predicts::Class { classes, .. }, _) => {
                let class = scored.classes.get(row).and_then(|class| classes.get(*class as usize));
                window.see_category(reference, class.map(String::as_str));
            }
            (Predicts::Number { .. }, value) => window.see_number(reference, value.copied(), stream),
        }
    }
}

fn see(window: &mut ColumnWindow, reference: &ColumnReference, column: &Checked<'_>, row: usize, stream: &mut Stream) {
    if column.valid.as_ref().is_some_and(|valid| !valid[row]) {
        return window.see_missing();
    }
    let mut number = |x: f64| window.see_number(reference, Some(x), stream);
    match &column.values {
        Vector::Number(values) => number(values[row]),
        Vector::Integer(values) | Vector::DateTime(values) => number(values[row] as f64),
        Vector::Boolean(values) => window.see_category(reference, Some(if values[row] { "true" } else { "false" })),
        Vector::Category { codes, unseen } => {
            let named = column.field.categories.iter().chain(unseen).nth(codes[row] as usize);
            window.see_category(reference, named.map(String::as_str));
        }
        Vector::Text(values) => window.see_category(reference, Some(&values[row])),
    }
}

/// Of rows that do not fit it is only known which columns are wrong: each counts as one row.
fn refused(slice: &mut Slice, reference: &Reference, mismatches: &[Mismatch]) {
    for mismatch in mismatches {
        let at = reference.inputs.iter().position(|column| column.name == mismatch.column);
        let Some(window) = at.and_then(|at| slice.window.inputs.get_mut(at)) else { continue };
        match mismatch.exception {
            Exception::TypeMismatch => window.see_type_error(),
            Exception::MissingColumn | Exception::NullNotAllowed => window.see_missing(),
            _ => {}
        }
    }
}
