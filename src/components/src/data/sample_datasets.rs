//! Small real data sets that come with the studio, from scikit-learn's package (see `make_samples.py`).

use engine::{Component, Flow, FlowError, Job, JobError, Out, Param, Running};
use model::{NewColumn, NewValues};
use pipeline::{Family, Spec};
use protocol::{Failure, Panel};
use schema::{Column, Kind, Role, Schema};
use table::Table;

use crate::failures;

const TABLE: Out<Table> = Out::new("table");
const DATASET: Param<String> = Param::choice(
    "dataset",
    &[
        ("iris", "Iris flowers"),
        ("breast-cancer", "Breast cancer"),
        ("diabetes", "Diabetes"),
        ("digits", "Handwritten digits"),
        ("wine", "Wine"),
    ],
    "iris",
)
.label("Data set")
.help("Which table comes out. Everything that follows works on its columns.");

struct Sample {
    name: &'static str,
    columns: &'static str,
    packed: &'static [u8],
    about: &'static str,
    source: &'static str,
    licence: &'static str,
}

macro_rules! sample {
    ($name:literal, $about:literal, $source:literal, $licence:literal) => {
        Sample {
            name: $name,
            columns: include_str!(concat!("samples/", $name, ".columns")),
            packed: include_bytes!(concat!("samples/", $name, ".csv.deflate")),
            about: $about,
            source: $source,
            licence: $licence,
        }
    };
}

const SAMPLES: &[Sample] = &[
    sample!(
        "breast-cancer",
        "30 measurements of cell nuclei from 569 fine-needle aspirates; is the tumour malignant or benign?",
        "Wolberg, Mangasarian, Street and Street: Breast Cancer Wisconsin (Diagnostic), UCI, 1993",
        "CC BY 4.0"
    ),
    sample!(
        "diabetes",
        "442 patients: age, sex, body mass index, blood pressure, six blood values, and how far the disease went in a year",
        "Efron, Hastie, Johnstone and Tibshirani: Least Angle Regression, 2004",
        "As distributed with scikit-learn (BSD 3-Clause)"
    ),
    sample!(
        "digits",
        "1,797 handwritten digits of 8 × 8 pixels, each from 0 to 16; which digit is it?",
        "Alpaydin and Kaynak: Optical Recognition of Handwritten Digits, UCI, 1998",
        "CC BY 4.0"
    ),
    sample!(
        "iris",
        "Sepals and petals of 150 irises in centimetres; which of three species is it?",
        "Fisher: The use of multiple measurements in taxonomic problems, 1936 (UCI)",
        "CC BY 4.0"
    ),
    sample!(
        "wine",
        "13 chemical measurements of 178 wines; from which of three cultivars is it?",
        "Aeberhard and Forina: Wine, UCI, 1992",
        "CC BY 4.0"
    ),
];

/// Sample Datasets.
pub struct SampleDatasets;

impl Component for SampleDatasets {
    fn spec(&self) -> Spec {
        Spec::new("data.sample-datasets", 1, Family::Data, "Sample Datasets")
            .with_summary("Small real data sets to learn and compare with.")
            .with_help(
                "Five classics, small enough to train on in a moment. The column to predict already has the role of \
                 *target*.\n\n\
                 - *Iris flowers*: 150 rows, three species\n\
                 - *Breast cancer*: 569 rows, malignant or benign\n\
                 - *Diabetes*: 442 rows, a number to predict\n\
                 - *Handwritten digits*: 1,797 rows, ten classes\n\
                 - *Wine*: 178 rows, three cultivars\n\n\
                 They come from scikit-learn's package, unchanged in value; the node's output names the source and \
                 the licence of each (UCI's are CC BY 4.0, *Diabetes* is distributed under BSD 3-Clause).",
            )
            .with_keywords("iris cancer diabetes digits wine example toy builtin demo")
            .with_icon("table-2")
            .with_caption("{dataset}")
            .with_output(TABLE)
            .with_param(DATASET)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        if let Some(sample) = flow.param(DATASET).and_then(|name| find(&name)) {
            flow.output(TABLE, sample.schema());
        }
        Ok(())
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let name = job.param(DATASET)?;
            let sample = find(&name).ok_or_else(|| {
                Failure::new(format!("there is no sample data set named {name:?}"), "Choose one from the list.")
            })?;
            job.output(TABLE, sample.table()?);
            let fact = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
            job.panel(Panel::Facts {
                title: "About this data".into(),
                heads: vec!["What".into(), "Answer".into()],
                rows: vec![
                    fact("Content", sample.about),
                    fact("Source", sample.source),
                    fact("Licence", sample.licence),
                    fact("Taken from", "scikit-learn 1.9.1, sklearn.datasets"),
                ],
            });
            Ok(())
        })
    }
}

fn find(name: &str) -> Option<&'static Sample> {
    SAMPLES.iter().find(|sample| sample.name == name)
}

impl Sample {
    fn schema(&self) -> Schema {
        let columns = self.columns.lines().filter_map(|line| {
            let mut words = line.split(' ');
            let (name, kind, role) = (words.next()?, words.next()?, words.next()?);
            let kind = *Kind::ALL.iter().find(|known| known.label() == kind)?;
            let role = *Role::ALL.iter().find(|known| known.label() == role)?;
            Some(Column::new(name, kind).with_role(role))
        });
        Schema::new(columns.collect())
    }

    fn table(&self) -> Result<Table, JobError> {
        let broken = |_| {
            Failure::new(
                format!("the sample {} is damaged", self.name),
                "Reload the page, so that it is fetched again.",
            )
        };
        let bytes = miniz_oxide::inflate::decompress_to_vec(self.packed).map_err(|_| broken(()))?;
        let text = String::from_utf8(bytes).map_err(|_| broken(()))?;
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        let columns = self
            .schema()
            .columns
            .into_iter()
            .enumerate()
            .map(|(column_idx, column)| {
                let cells = rows.iter().map(|row| row.get(column_idx).copied().unwrap_or_default());
                let values = match column.kind {
                    Kind::Integer => cells.map(str::parse).collect::<Result<_, _>>().ok().map(NewValues::Integer),
                    Kind::Number => cells.map(str::parse).collect::<Result<_, _>>().ok().map(NewValues::Number),
                    Kind::Boolean | Kind::Category | Kind::Text | Kind::DateTime => Some(super::categories(cells)),
                };
                Ok(NewColumn { column, values: values.ok_or_else(|| broken(()))?, valid: None })
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        Table::from_new_columns(columns, rows.len()).map_err(|error| failures::from_table(&error))
    }
}

#[cfg(test)]
mod tests {
    use engine::testing::run_component;
    use pipeline::Value;

    use super::*;

    #[test]
    fn every_sample_has_the_columns_it_foretells_and_no_missing_value() {
        let sizes = [
            ("breast-cancer", 569, 31),
            ("diabetes", 442, 11),
            ("digits", 1797, 65),
            ("iris", 150, 5),
            ("wine", 178, 14),
        ];
        for (name, n_rows, n_columns) in sizes {
            let done = run_component(&SampleDatasets, vec![], vec![("dataset", Value::Text(name.into()))], 0).unwrap();
            let engine::Artifact::Table(table) = &done.outputs["table"] else { panic!("a table") };
            assert_eq!((table.n_rows(), table.n_columns()), (n_rows, n_columns), "{name}");
            assert_eq!(*table.schema(), find(name).unwrap().schema());
            assert!(table.schema().target().is_some());
            assert!(table.frame().columns.iter().all(|column| column.valid.is_none()), "{name}");
        }
    }
}
