//! Takes some of the rows: the first, a sample, or a fold; or deals all rows to folds.

use engine::{Component, Flow, FlowError, In, Job, JobError, NodeParams, Out, Param, Running, Scoring};
use learn::preprocess::{FoldSettings, SplitOrder, SplitSettings, assign_folds, split};
use model::{ColumnView, NewColumn, NewValues, Values};
use numeric::Stream;
use pipeline::{Family, Spec};
use protocol::{Face, Failure};
use schema::{Column, Kind, Role, Schema};
use table::Table;

use super::FOLD_NUMBER;
use crate::failures;

const TABLE: In<Table> = In::new("table");
const ROWS: Out<Table> = Out::new("table");
const MODE: Param<String> = Param::choice(
    "mode",
    &[("head", "Head"), ("sampling", "Sampling"), ("assign-to-folds", "Assign to Folds"), ("pick-fold", "Pick Fold")],
    "sampling",
)
.label("Partition or sample mode")
.help("Head and Sampling make a table small enough to try things out; folds are parts of equal size for validation.");
const N_ROWS: Param<u32> = Param::int("n_rows", 10)
    .range(1, 1_000_000_000)
    .label("Number of rows")
    .help("The first rows of the table, in its order; all of them if there are fewer.")
    .when("mode", &["head"]);
const RATE: Param<f64> = Param::float("rate", 0.1)
    .range(0.0001, 0.9999)
    .label("Rate of sampling")
    .help("The share of rows that is drawn; 0.1 is every tenth row on average.")
    .when("mode", &["sampling"]);
const N_FOLDS: Param<u32> = Param::int("n_folds", 5)
    .range(2, 100)
    .label("Number of folds")
    .help("Each row is dealt to one of them. More folds leave more rows to train on, and take longer.")
    .when("mode", &["assign-to-folds"]);
const RANDOMIZED: Param<bool> = Param::switch("randomized", true)
    .label("Randomized split")
    .help("Off, rows are dealt to the folds in turn, in the order of the table.")
    .when("mode", &["assign-to-folds"]);
const SEED: Param<u64> = Param::seed("seed", 42)
    .label("Random seed")
    .help("Another number draws other rows, or deals them to other folds.")
    .when("mode", &["sampling", "assign-to-folds"]);
const STRATIFY: Param<Option<String>> =
    Param::column("stratify", "table", &[Kind::Category, Kind::Boolean, Kind::Integer, Kind::Text], true)
        .label("Stratify by")
        .help("Each value of this column has the same share in the sample or in every fold. Choose the target when a class is rare.")
        .when("mode", &["sampling", "assign-to-folds"]);
const FOLD: Param<u32> = Param::int("fold", 0)
    .range(0, 99)
    .label("Fold to pick")
    .help("Counted from 0, as in the column Fold Number.")
    .when("mode", &["pick-fold"]);
const COMPLEMENT: Param<bool> = Param::switch("complement", false)
    .label("Pick complement of the selected fold")
    .help("All other folds instead: the rows to train on when the fold itself is for testing.")
    .when("mode", &["pick-fold"]);

/// Partition and Sample.
pub struct PartitionAndSample;

impl Component for PartitionAndSample {
    fn spec(&self) -> Spec {
        Spec::new("split.partition-and-sample", 1, Family::Prepare, "Partition and Sample")
            .with_summary("Takes the first rows, a random sample or one fold, or deals all rows to folds.")
            .with_help(
                "- *Head*: the first rows, to try a pipeline out quickly\n\
                 - *Sampling*: a share of the rows, drawn at random; they keep their order\n\
                 - *Assign to Folds*: deals every row to one of several folds of equal size, and writes its number \
                 into the column `Fold Number`, counted from 0. The column is ignored in training; Cross Validate \
                 Model takes its folds from it\n\
                 - *Pick Fold*: the rows of one fold of a table that has been dealt, or all others\n\n\
                 The same seed draws the same rows, on every machine.",
            )
            .with_keywords("fold folds sample head subset bootstrap cross-validation partition top rows")
            .with_icon("boxes")
            .with_caption("{mode}")
            .with_input(TABLE)
            .with_output(ROWS)
            .with_param(MODE)
            .with_param(N_ROWS)
            .with_param(RATE)
            .with_param(N_FOLDS)
            .with_param(RANDOMIZED)
            .with_param(SEED)
            .with_param(STRATIFY)
            .with_param(FOLD)
            .with_param(COMPLEMENT)
    }

    fn flow(&self, flow: &mut Flow<'_>) -> Result<(), FlowError> {
        let Some(schema) = flow.input(TABLE).cloned() else { return Ok(()) };
        let mode = flow.param(MODE).unwrap_or_default();
        if matches!(mode.as_str(), "sampling" | "assign-to-folds")
            && let Some(name) = flow.param(STRATIFY).flatten()
        {
            schema.column(&name).map_err(|error| failures::column_not_found(STRATIFY.name(), &error))?;
        }
        let schema = match mode.as_str() {
            "assign-to-folds" => with_fold(&schema),
            "pick-fold" => {
                fold_column(&schema)?;
                schema
            }
            _ => schema,
        };
        flow.output(ROWS, schema);
        Ok(())
    }

    fn scoring(&self, _: NodeParams<'_>) -> Scoring {
        Scoring::Passes { table: TABLE.name(), why: "chooses rows for training" }
    }

    fn run<'a>(&'a self, job: &'a mut Job<'_>) -> Running<'a> {
        Box::pin(async move {
            let table = job.input(TABLE)?;
            job.checkpoint(0.0, "").await?;
            let seed = Stream::fork(job.seed(), job.param(SEED)?).next_u64();
            let stratify = job.param(STRATIFY)?;
            let rows = match job.param(MODE)?.as_str() {
                "head" => {
                    let n_rows = table.n_rows().min(job.param(N_ROWS)? as usize);
                    table.take(&(0..n_rows as u32).collect::<Vec<_>>())
                }
                "assign-to-folds" => {
                    let settings =
                        FoldSettings { n_folds: job.param(N_FOLDS)?, randomized: job.param(RANDOMIZED)?, stratify };
                    let folds =
                        assign_folds(&table, &settings, seed).map_err(|error| failures::from_prepare(&error))?;
                    job.show(sizes(&folds));
                    let column = fold_column_of(folds.into_iter().map(i64::from).collect());
                    table.with_columns(vec![column]).map_err(|error| failures::from_table(&error))?
                }
                "pick-fold" => pick(&table, job.param(FOLD)?, job.param(COMPLEMENT)?)?,
                _ => {
                    let settings =
                        SplitSettings { fraction: job.param(RATE)?, order: SplitOrder::Randomized, stratify };
                    split(&table, &settings, seed).map_err(|error| failures::from_prepare(&error))?.0
                }
            };
            job.output(ROWS, rows);
            Ok(())
        })
    }
}

/// A column with the fold of each row.
pub fn fold_column_of(folds: Vec<i64>) -> NewColumn {
    let column = Column::new(FOLD_NUMBER, Kind::Integer).with_role(Role::Ignored);
    NewColumn { column, values: NewValues::Integer(folds), valid: None }
}

/// The fold of each row as the column says; none where it has none.
pub fn folds_of<'a>(column: &'a ColumnView<'_>) -> Option<impl Iterator<Item = Option<i64>> + 'a> {
    let Values::Integer(folds) = &column.values else { return None };
    Some(folds.iter().enumerate().map(|(row_idx, &fold)| column.is_valid(row_idx).then_some(fold)))
}

/// The columns once every row has a fold.
pub fn with_fold(schema: &Schema) -> Schema {
    let mut columns = schema.columns.clone();
    let fold = fold_column_of(Vec::new()).column;
    match columns.iter_mut().find(|column| column.name == FOLD_NUMBER) {
        Some(column) => *column = fold,
        None => columns.push(fold),
    }
    Schema::new(columns)
}

/// The column that says which fold each row is in.
fn fold_column(schema: &Schema) -> Result<&Column, FlowError> {
    let wrong = |message: String| FlowError {
        place: MODE.name().into(),
        message,
        help: "Put a Partition and Sample with the mode Assign to Folds before this one.".into(),
    };
    match schema.column(FOLD_NUMBER) {
        Ok(column) if column.kind == Kind::Integer => Ok(column),
        Ok(column) => {
            Err(wrong(format!("column {FOLD_NUMBER:?} is {}, expected {}", column.kind.label(), Kind::Integer.label())))
        }
        Err(_) => Err(wrong(format!("the rows have not been dealt to folds: there is no column {FOLD_NUMBER:?}"))),
    }
}

fn pick(table: &Table, fold: u32, complement: bool) -> Result<Table, JobError> {
    fold_column(table.schema()).map_err(failures::from_flow)?;
    let frame = table.frame();
    let column = frame.column(FOLD_NUMBER);
    let folds: Vec<Option<i64>> = column.and_then(folds_of).map(Iterator::collect).unwrap_or_default();
    let fold = i64::from(fold);
    if !folds.contains(&Some(fold)) {
        let there: std::collections::BTreeSet<String> = folds.iter().flatten().map(i64::to_string).collect();
        return Err(Failure::new(
            format!("no row is in fold {fold}"),
            format!("Pick one of the {} folds that there are, counted from 0.", there.len()),
        )
        .into());
    }
    let kept: Vec<bool> = folds.iter().map(|found| (*found == Some(fold)) != complement).collect();
    Ok(table.filter(&kept))
}

/// Rows in each fold.
fn sizes(folds: &[u32]) -> Face {
    const MAX_BARS: usize = 12;
    let n_folds = folds.iter().max().map_or(0, |fold| *fold as usize + 1);
    let mut counts = vec![0.0; n_folds];
    folds.iter().for_each(|&fold| counts[fold as usize] += 1.0);
    Face::Bars(counts.into_iter().enumerate().take(MAX_BARS).map(|(fold, n)| (fold.to_string(), n)).collect())
}

#[cfg(test)]
mod tests {
    use engine::Artifact;
    use engine::testing::run_component;
    use pipeline::Value;
    use table::read_bytes;

    use super::*;

    /// Twenty rows, `no` in every fourth.
    fn rows() -> Table {
        let lines: Vec<String> =
            (0..20).map(|i| format!("{i},{}\n", if i % 4 == 3 { "no" } else { "maybe" })).collect();
        read_bytes("t.csv", format!("x,c\n{}", lines.concat()).as_bytes(), table::Options::default())
            .expect("a table")
            .table
    }

    fn taken(table: Table, params: Vec<(&str, Value)>) -> Result<Table, Failure> {
        match run_component(&PartitionAndSample, vec![("table", Artifact::Table(table))], params, 1) {
            Ok(done) => match &done.outputs["table"] {
                Artifact::Table(table) => Ok(table.clone()),
                other => panic!("{other:?}"),
            },
            Err(JobError::Failed(failure)) => Err(failure),
            Err(JobError::Cancelled) => panic!("nobody cancels"),
        }
    }

    fn integers(table: &Table, name: &str) -> Vec<i64> {
        let frame = table.frame();
        let Some(Values::Integer(values)) = frame.column(name).map(|column| &column.values) else { panic!("{name}") };
        values.to_vec()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn head_takes_the_first_rows_or_all() {
        let head = |n| taken(rows(), vec![("mode", text("head")), ("n_rows", Value::Int(n))]).expect("rows");
        assert_eq!(integers(&head(3), "x"), [0, 1, 2]);
        assert_eq!(head(1_000).n_rows(), 20);
    }

    #[test]
    fn a_sample_has_its_size_and_its_seed_and_keeps_the_order() {
        let sample = |seed, stratify: Option<&str>| {
            let mut params = vec![("rate", Value::Float(0.4)), ("seed", Value::Int(seed))];
            params.extend(stratify.map(|name| ("stratify", text(name))));
            taken(rows(), params).expect("rows")
        };
        let one = integers(&sample(1, None), "x");
        assert_eq!((one.len(), one.is_sorted()), (8, true));
        assert_eq!(one, integers(&sample(1, None), "x"));
        assert_ne!(one, integers(&sample(2, None), "x"));
        for seed in 0..10 {
            let seldom = integers(&sample(seed, Some("c")), "x").into_iter().filter(|x| x % 4 == 3).count();
            assert_eq!(seldom, 2, "two of five, as two fifths are drawn");
        }
    }

    #[test]
    fn folds_are_dealt_then_picked_and_their_complement_is_the_rest() {
        let dealt =
            taken(rows(), vec![("mode", text("assign-to-folds")), ("n_folds", Value::Int(3)), ("stratify", text("c"))])
                .expect("rows");
        assert_eq!(dealt.schema().column(FOLD_NUMBER).expect("dealt").role, Role::Ignored);
        let mut all = Vec::new();
        for fold in 0..3 {
            let params = |complement| {
                vec![("mode", text("pick-fold")), ("fold", Value::Int(fold)), ("complement", Value::Bool(complement))]
            };
            let picked = taken(dealt.clone(), params(false)).expect("rows");
            assert!(integers(&picked, FOLD_NUMBER).iter().all(|&found| found == fold));
            let rest = taken(dealt.clone(), params(true)).expect("rows");
            assert!(integers(&rest, FOLD_NUMBER).iter().all(|&found| found != fold));
            assert_eq!(picked.n_rows() + rest.n_rows(), 20);
            all.extend(integers(&picked, "x"));
        }
        all.sort_unstable();
        assert_eq!(all, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn in_order_rows_are_dealt_in_turn() {
        let params =
            vec![("mode", text("assign-to-folds")), ("n_folds", Value::Int(3)), ("randomized", Value::Bool(false))];
        assert_eq!(integers(&taken(rows(), params).expect("rows"), FOLD_NUMBER)[..7], [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn a_fold_that_is_not_there_is_told() {
        let pick = |table| {
            let failure = taken(table, vec![("mode", text("pick-fold")), ("fold", Value::Int(7))]).expect_err("none");
            (failure.message, failure.help)
        };
        let (message, help) = pick(rows());
        assert_eq!(message, "the rows have not been dealt to folds: there is no column \"Fold Number\"");
        assert_eq!(help, "Put a Partition and Sample with the mode Assign to Folds before this one.");
        let dealt = taken(rows(), vec![("mode", text("assign-to-folds"))]).expect("rows");
        let (message, help) = pick(dealt);
        assert_eq!(message, "no row is in fold 7");
        assert_eq!(help, "Pick one of the 5 folds that there are, counted from 0.");
        let many = taken(rows(), vec![("mode", text("assign-to-folds")), ("n_folds", Value::Int(21))]);
        let expected =
            "the number of folds is 21, with 20 rows, expected at least 2, and at most as many as there are rows";
        assert_eq!(many.expect_err("too many").message, expected);
    }
}
