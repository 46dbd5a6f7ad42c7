//! What several rows come to.

use std::collections::HashMap;

use super::QueryError;
use super::compute::{Computed, Data, Frame, compute, condition, mismatch};
use super::expression::{Aggregate, Expression, Named, Node};
use super::table::{CellKind, Column, Values};

/// One row for each combination of the keys, in the order in which they first come; one for all rows without keys.
pub(super) fn summarize<'a>(values: &[Named], keys: &[Named], frame: &Frame<'a>) -> Result<Frame<'a>, QueryError> {
    let computed: Vec<Computed> = keys.iter().map(|key| compute(&key.expression, frame)).collect::<Result<_, _>>()?;
    let groups = Groups::of(&computed, frame.n_rows);
    let firsts = || groups.firsts.iter().map(|row| *row as usize);
    let mut columns: Vec<Column> =
        keys.iter().zip(&computed).map(|(key, found)| found.column(key.name.clone(), firsts())).collect();
    let n_keys = columns.len();
    // The functions of several rows become columns, so that what is around them is computed as usual.
    let mut around = Vec::new();
    for Named { name, expression } in values {
        around.push((name, lift(expression, frame, &groups, &mut columns)?));
    }
    let inner = frame.of(columns, groups.n());
    let mut outer: Vec<Column> = inner.columns[..n_keys].iter().map(|column| Column::clone(column)).collect();
    for (name, expression) in around {
        outer.push(compute(&expression, &inner)?.column(name.clone(), 0..groups.n()));
    }
    Ok(frame.of(outer, groups.n()))
}

/// Which rows belong together.
struct Groups {
    /// By row.
    ids: Vec<u32>,
    /// The first row of each.
    firsts: Vec<u32>,
    /// Whether all rows are one group, even if there are none.
    is_one: bool,
}

impl Groups {
    fn of(keys: &[Computed], n_rows: usize) -> Self {
        let mut groups = Self {
            ids: vec![0; n_rows],
            firsts: if n_rows > 0 { vec![0] } else { Vec::new() },
            is_one: keys.is_empty(),
        };
        for key in keys {
            match &key.data {
                Data::One(_) | Data::OneText(_) => {}
                Data::Many(numbers) => groups.split(|row| numbers[row].to_bits()),
                Data::Texts { codes, .. } => groups.split(|row| u64::from(codes[row])),
            }
        }
        groups
    }

    fn n(&self) -> usize {
        if self.is_one { 1 } else { self.firsts.len() }
    }

    /// Splits each group by what is different in it.
    fn split(&mut self, code: impl Fn(usize) -> u64) {
        let mut known: HashMap<(u32, u64), u32> = HashMap::new();
        let mut firsts = Vec::new();
        // Neighbours are often alike, as moments of one minute are.
        let mut last = None;
        for (row, id) in self.ids.iter_mut().enumerate() {
            let pair = (*id, code(row));
            *id = match last {
                Some((known, id)) if known == pair => id,
                _ => *known.entry(pair).or_insert_with(|| {
                    firsts.push(row as u32);
                    firsts.len() as u32 - 1
                }),
            };
            last = Some((pair, *id));
        }
        self.firsts = firsts;
    }
}

/// Puts columns in place of functions of several rows.
fn lift(
    expression: &Expression,
    frame: &Frame,
    groups: &Groups,
    columns: &mut Vec<Column>,
) -> Result<Expression, QueryError> {
    let mut lifted = |of: &Expression| lift(of, frame, groups, columns).map(Box::new);
    let node = match &expression.node {
        Node::Aggregate(aggregate, arguments) => {
            // No query can name it.
            let name = format!("{} of {}", columns.len(), expression.at);
            let (kind, numbers) = aggregated(*aggregate, arguments, frame, groups)?;
            columns.push(Column { name: name.clone(), kind, values: Values::Numbers(numbers) });
            Node::Column(name)
        }
        Node::Not(of) => Node::Not(lifted(of)?),
        Node::Negative(of) => Node::Negative(lifted(of)?),
        Node::Binary(binary, left, right) => Node::Binary(*binary, lifted(left)?, lifted(right)?),
        Node::Bin(of, step) => Node::Bin(lifted(of)?, lifted(step)?),
        Node::In(left, several) => {
            let left = lifted(left)?;
            Node::In(left, several.iter().map(|one| lift(one, frame, groups, columns)).collect::<Result<_, _>>()?)
        }
        node @ (Node::Number(..)
        | Node::Timespan(_)
        | Node::Moment(_)
        | Node::Bool(_)
        | Node::Text(_)
        | Node::Column(_)) => node.clone(),
    };
    Ok(Expression { at: expression.at, node })
}

/// What a function comes to in each group.
fn aggregated(
    aggregate: Aggregate,
    arguments: &[Expression],
    frame: &Frame,
    groups: &Groups,
) -> Result<(CellKind, Vec<f64>), QueryError> {
    let fold = |from: f64, f: fn(f64, f64) -> f64, of: &dyn Fn(usize) -> f64| {
        let mut folded = vec![from; groups.n()];
        for (row, id) in groups.ids.iter().enumerate() {
            let x = of(row);
            if !x.is_nan() {
                folded[*id as usize] = f(folded[*id as usize], x);
            }
        }
        folded
    };
    let [of, rest @ ..] = arguments else {
        return Ok((CellKind::Long, fold(0.0, |sum, x| sum + x, &|_| 1.0)));
    };
    if aggregate == Aggregate::CountIf {
        let is = condition(of, frame)?;
        return Ok((CellKind::Long, fold(0.0, |sum, x| sum + x, &|row| is.data.number(row))));
    }
    let found = compute(of, frame)?;
    if aggregate == Aggregate::DistinctCount {
        return Ok((CellKind::Long, distinct(&found.data, groups)));
    }
    if matches!(found.kind, CellKind::String | CellKind::Bool) {
        return mismatch(of.at, found.kind, "a column of numbers");
    }
    let x = |row| found.data.number(row);
    // Of no values there is neither a smallest nor a largest.
    let or_null = |values: Vec<f64>| values.into_iter().map(|x| if x.is_finite() { x } else { f64::NAN }).collect();
    match aggregate {
        Aggregate::Sum => Ok((found.kind, fold(0.0, |sum, x| sum + x, &x))),
        Aggregate::Min => Ok((found.kind, or_null(fold(f64::INFINITY, f64::min, &x)))),
        Aggregate::Max => Ok((found.kind, or_null(fold(f64::NEG_INFINITY, f64::max, &x)))),
        Aggregate::Average => {
            let sums = fold(0.0, |sum, x| sum + x, &x);
            let counts = fold(0.0, |n, _| n + 1.0, &x);
            let kind = if found.kind == CellKind::Long { CellKind::Real } else { found.kind };
            Ok((kind, sums.iter().zip(counts).map(|(sum, n)| sum / n).collect()))
        }
        Aggregate::Percentile => match rest {
            [Expression { node: Node::Number(percent, _), .. }] if (0.0..=100.0).contains(percent) => {
                Ok((found.kind, percentile(&found.data, *percent, groups)))
            }
            _ => Err(QueryError {
                at: rest.first().map_or(of.at, |percent| percent.at),
                found: "something else".into(),
                expected: "a number from 0 to 100".into(),
            }),
        },
        Aggregate::Count | Aggregate::CountIf | Aggregate::DistinctCount => Ok((CellKind::Long, Vec::new())),
    }
}

/// The smallest value that at least so many percent of the values are at most (nearest rank).
fn percentile(data: &Data, percent: f64, groups: &Groups) -> Vec<f64> {
    let mut of_groups: Vec<Vec<f64>> = vec![Vec::new(); groups.n()];
    for (row, id) in groups.ids.iter().enumerate() {
        let x = data.number(row);
        if !x.is_nan() {
            of_groups[*id as usize].push(x);
        }
    }
    let of_group = |mut values: Vec<f64>| {
        let rank = (percent / 100.0 * values.len() as f64).ceil() as usize;
        if values.is_empty() { f64::NAN } else { *values.select_nth_unstable_by(rank.max(1) - 1, f64::total_cmp).1 }
    };
    of_groups.into_iter().map(of_group).collect()
}

fn distinct(data: &Data, groups: &Groups) -> Vec<f64> {
    let code = |row: usize| match data {
        Data::Texts { codes, .. } => u64::from(codes[row]),
        Data::One(_) | Data::Many(_) | Data::OneText(_) => data.number(row).to_bits(),
    };
    let mut pairs: Vec<(u32, u64)> = groups.ids.iter().enumerate().map(|(row, id)| (*id, code(row))).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut counts = vec![0.0; groups.n()];
    pairs.iter().for_each(|(id, _)| counts[*id as usize] += 1.0);
    counts
}
