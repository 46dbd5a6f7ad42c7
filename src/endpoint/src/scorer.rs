//! A package that is ready to predict.

use model::{Model, ModelError, Prediction, Target};
use monitor::Exception;
use registry::{Header, Package, PackageError, Predicts};
use schema::list;

use crate::check::Fit;
use crate::rows::frame;
use crate::{Mismatch, Refusal};

/// A package that is ready to predict.
#[derive(Debug)]
pub struct Scorer {
    /// What is known about the model.
    pub header: Header,
    model: Model,
}

/// What a model says of some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Numbers, or the probabilities of the classes.
    pub prediction: Prediction,
    /// The most probable class of each row; empty where numbers are predicted.
    pub classes: Vec<u32>,
}

/// A package that cannot serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Its bytes are no package.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Its model is none.
    #[error(transparent)]
    Model(#[from] model::BytesError),
    /// Its model needs more than its signature asks for.
    #[error("the model looks at {}, which its signature does not name", list(.columns))]
    Unsigned {
        /// The columns.
        columns: Vec<String>,
    },
    /// Its model predicts something else than its signature says.
    #[error("the model predicts {model:?}, its signature says {signature:?}")]
    Predicts {
        /// The model's target.
        model: String,
        /// The signature's.
        signature: String,
    },
}

impl Scorer {
    /// From a package's bytes.
    ///
    /// # Errors
    /// Bytes that are no package, or one whose parts do not fit together.
    pub fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        let Package { header, model } = Package::from_bytes(bytes)?;
        let model = Model::from_bytes(&model)?;
        let is_unsigned = |name: &String| header.signature.field(name).is_none();
        let columns: Vec<String> = model.columns().into_iter().filter(is_unsigned).collect();
        if !columns.is_empty() {
            return Err(LoadError::Unsigned { columns });
        }
        let fits = match (&header.signature.predicts, &model.target) {
            (Predicts::Number { name }, Target::Number { name: other }) => name == other,
            (Predicts::Class { name, kind, classes }, Target::Class { name: other, kind: its, classes: known }) => {
                name == other && kind == its && classes == known
            }
            (Predicts::Number { .. }, Target::Class { .. }) | (Predicts::Class { .. }, Target::Number { .. }) => false,
        };
        if !fits {
            let (model, signature) = (model.target.name().into(), header.signature.predicts.name().into());
            return Err(LoadError::Predicts { model, signature });
        }
        Ok(Self { header, model })
    }

    /// Predicts rows that fit the signature.
    ///
    /// # Errors
    /// A gap that the model cannot fill; a number that is none.
    pub(crate) fn score(&self, fit: &Fit<'_>, n_rows: usize) -> Result<Scored, Refusal> {
        let prediction = self.model.predict(&frame(&fit.columns, n_rows)).map_err(|error| refusal(&error))?;
        Ok(Scored { classes: prediction.classes(), prediction })
    }
}

fn refusal(error: &ModelError) -> Refusal {
    match error {
        ModelError::MissingValue { name, row_idx, n: _ } => Refusal::mismatched(vec![Mismatch {
            exception: Exception::NullNotAllowed,
            column: name.clone(),
            row: Some(row_idx + 1),
            expected: "a value: the model has no way to fill it".into(),
            got: "no value".into(),
        }]),
        ModelError::RowDropped { .. } => Refusal::new(Exception::NullNotAllowed, error.to_string()),
        ModelError::Unbounded { .. } => Refusal::new(Exception::NonFiniteOutput, error.to_string()),
        ModelError::Member { error, .. } => refusal(error),
        ModelError::ColumnMissing { .. } | ModelError::WrongKind { .. } | ModelError::NotFinite { .. } => {
            Refusal::new(Exception::ModelPanic, format!("the model failed: {error}"))
        }
    }
}
