//! Small tables in the making.

use model::{NewColumn, NewValues};
use schema::{Column, Kind, Role};
use table::Table;

/// What the column `y` holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One of so many classes: `a`, `b`, `c`.
    Classes(usize),
    /// Numbers from 0 to 9.
    Numbers,
}

/// Columns that can still be changed.
pub struct Rows {
    pub target: Target,
    pub n_rows: usize,
    columns: Vec<NewColumn>,
    /// Which rows are left in the end, where that is not all.
    left: Option<Vec<u32>>,
}

impl Rows {
    /// Nothing is wrong with these: numbers `x` and `z`, whole numbers `k`, a category `c`, and a target `y` that has
    /// to do with them.
    pub fn plain(target: Target, n_rows: usize) -> Self {
        let mut rows = Self { target, n_rows, columns: Vec::new(), left: None };
        rows.number("x", |i| scattered(i, 37));
        rows.number("z", |i| scattered(i, 59) - 5.0);
        rows.put("k", NewValues::Integer((0..n_rows as i64).map(|i| i * 7 % 5).collect()));
        rows.category("c", &["blue", "green", "red"], |i| i * 5 % 3);
        let grade = move |i: usize| (scattered(i, 37) + scattered(i, 83) / 4.0) / 12.7;
        match target {
            Target::Classes(n) => rows.category("y", &["a", "b", "c"][..n], |i| (grade(i) * n as f64) as usize),
            Target::Numbers => rows.number("y", |i| (grade(i) * 36.0).floor() / 4.0),
        }
        rows.role("y", Role::Target);
        rows
    }

    /// These values under this name, in place of the column that has it or behind all others.
    pub fn put(&mut self, name: &str, values: NewValues) {
        let kind = match &values {
            NewValues::Number(_) => Kind::Number,
            NewValues::Integer(_) => Kind::Integer,
            NewValues::Boolean(_) => Kind::Boolean,
            NewValues::Category { .. } => Kind::Category,
            NewValues::Text(_) => Kind::Text,
            NewValues::DateTime(_) => Kind::DateTime,
        };
        match self.columns.iter_mut().find(|column| column.column.name == name) {
            Some(old) => {
                let column = Column { kind, ..old.column.clone() };
                *old = NewColumn { column, values, valid: None };
            }
            None => self.columns.push(NewColumn { column: Column::new(name, kind), values, valid: None }),
        }
    }

    pub fn number(&mut self, name: &str, of_row: impl Fn(usize) -> f64) {
        self.put(name, NewValues::Number((0..self.n_rows).map(of_row).collect()));
    }

    pub fn whole(&mut self, name: &str, of_row: impl Fn(i64) -> i64) {
        self.put(name, NewValues::Integer((0..self.n_rows as i64).map(of_row).collect()));
    }

    pub fn text(&mut self, name: &str, of_row: impl Fn(usize) -> String) {
        self.put(name, NewValues::Text((0..self.n_rows).map(of_row).collect()));
    }

    /// Levels by name, and the position of each row's.
    pub fn category<T: ToString>(&mut self, name: &str, levels: &[T], of_row: impl Fn(usize) -> usize) {
        let codes = (0..self.n_rows).map(|i| of_row(i) as i32).collect();
        self.put(name, NewValues::Category { codes, dictionary: levels.iter().map(T::to_string).collect() });
    }

    /// The numbers of a column, to be changed.
    pub fn numbers(&mut self, name: &str) -> &mut Vec<f64> {
        match &mut self.column(name).values {
            NewValues::Number(values) => values,
            other => panic!("{name} holds {other:?}"),
        }
    }

    fn column(&mut self, name: &str) -> &mut NewColumn {
        self.columns.iter_mut().find(|column| column.column.name == name).unwrap_or_else(|| panic!("no {name}"))
    }

    pub fn role(&mut self, name: &str, role: Role) {
        self.column(name).column.role = role;
    }

    /// How much each row counts.
    pub fn weights(&mut self, of_row: impl Fn(usize) -> f64) {
        self.number("w", of_row);
        self.role("w", Role::Weight);
    }

    /// Takes the values of some rows away.
    pub fn gaps(&mut self, name: &str, has_gap: impl Fn(usize) -> bool) {
        let valid = (0..self.n_rows).map(|i| !has_gap(i)).collect();
        self.column(name).valid = Some(valid);
    }

    pub fn drop(&mut self, names: &[&str]) {
        self.columns.retain(|column| !names.contains(&column.column.name.as_str()));
    }

    pub fn rename(&mut self, old: &str, new: &str) {
        self.column(old).column.name = new.into();
    }

    /// The last columns come first.
    pub fn turn_around(&mut self) {
        self.columns.reverse();
    }

    /// Leaves these rows, in this order.
    pub fn leave(&mut self, row_idxs: impl IntoIterator<Item = u32>) {
        self.left = Some(row_idxs.into_iter().collect());
    }

    pub fn table(self) -> Table {
        let table = Table::from_new_columns(self.columns, self.n_rows).expect("names differ, lengths do not");
        match self.left {
            Some(left) => table.take(&left),
            None => table,
        }
    }
}

/// From 0 to 10.1, in no order.
fn scattered(row_idx: usize, step: usize) -> f64 {
    ((row_idx + 1) * step % 102) as f64 / 10.0
}
