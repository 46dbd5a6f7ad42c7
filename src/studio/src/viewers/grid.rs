//! The visible part of a table of any size: elements are taken from a pool, so that scrolling only changes text.

use std::ops::Range;

use protocol::Cell;
use schema::{Column, Kind, Role};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::pages::Pages;
use crate::dom;

/// Of a row, in pixels.
pub const ROW_HEIGHT: f64 = 26.0;
/// Of the head with its profiles.
pub const HEAD_HEIGHT: f64 = 104.0;
/// Of the column with row numbers.
pub const NUMBER_WIDTH: f64 = 68.0;
/// Browsers stop at about 16.7 million; beyond it, scrolling is scaled.
const MAX_HEIGHT: f64 = 16_000_000.0;
const N_OVERSCAN: u64 = 4;

/// What the window shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sight {
    /// Of the scrolling element.
    pub scroll_top: f64,
    /// Of the scrolling element.
    pub scroll_left: f64,
    /// Of the scrolling element.
    pub width: f64,
    /// Of the scrolling element, with the head.
    pub height: f64,
}

/// Where columns begin; one more than there are columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offsets(Vec<f64>);

impl Offsets {
    /// Widths follow from what the columns hold and how they are called.
    pub fn of(columns: &[Column]) -> Self {
        let mut offsets = vec![NUMBER_WIDTH];
        let mut at = NUMBER_WIDTH;
        for column in columns {
            let least: f64 = match column.kind {
                Kind::Number | Kind::Integer => 112.0,
                Kind::Boolean => 104.0,
                Kind::Category => 132.0,
                Kind::DateTime => 176.0,
                Kind::Text => 172.0,
            };
            at += (column.name.chars().count() as f64 * 7.0 + 70.0).clamp(least, 236.0);
            offsets.push(at);
        }
        Self(offsets)
    }

    /// Where a column begins.
    pub fn start(&self, column: usize) -> f64 {
        self.0.get(column).copied().unwrap_or(NUMBER_WIDTH)
    }

    /// How wide a column is.
    pub fn width(&self, column: usize) -> f64 {
        self.start(column + 1) - self.start(column)
    }

    /// Where the last one ends.
    pub fn total(&self) -> f64 {
        self.0.last().copied().unwrap_or(NUMBER_WIDTH)
    }

    /// The columns that are at least partly in sight.
    pub fn visible(&self, sight: &Sight) -> Range<usize> {
        let n_columns = self.0.len().saturating_sub(1);
        let first = self.0.partition_point(|&start| start <= sight.scroll_left + NUMBER_WIDTH).saturating_sub(1);
        let end = self.0.partition_point(|&start| start < sight.scroll_left + sight.width).min(n_columns);
        first.min(end)..end
    }

    /// The column at a distance from the left edge of the table.
    pub fn column_at(&self, x: f64) -> Option<usize> {
        let column = self.0.partition_point(|&start| start <= x).checked_sub(1)?;
        (column + 1 < self.0.len()).then_some(column)
    }
}

/// Between the rows of a table and the pixels of a scrolling element.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    n_rows: u64,
    body_height: f64,
}

impl Rows {
    /// For so many rows in an element with this height below its head.
    pub fn new(n_rows: u64, sight: &Sight) -> Self {
        Self { n_rows, body_height: (sight.height - HEAD_HEIGHT).max(ROW_HEIGHT) }
    }

    fn full_height(&self) -> f64 {
        self.n_rows as f64 * ROW_HEIGHT
    }

    /// What the browser is told.
    pub fn spacer_height(&self) -> f64 {
        self.full_height().min(MAX_HEIGHT)
    }

    /// How far the table is scrolled, in its own pixels.
    pub fn top(&self, scroll_top: f64) -> f64 {
        let (full, spacer) = (self.full_height(), self.spacer_height());
        if full <= spacer {
            return scroll_top;
        }
        (scroll_top / (spacer - self.body_height) * (full - self.body_height)).clamp(0.0, full).round()
    }

    fn scroll_top(&self, top: f64) -> f64 {
        let (full, spacer) = (self.full_height(), self.spacer_height());
        if full <= spacer { top } else { top / (full - self.body_height) * (spacer - self.body_height) }
    }

    /// The rows that are at least partly in sight.
    pub fn visible(&self, scroll_top: f64) -> Range<u64> {
        let top = self.top(scroll_top);
        let first = ((top / ROW_HEIGHT) as u64).min(self.n_rows);
        let end = (((top + self.body_height) / ROW_HEIGHT).ceil() as u64).min(self.n_rows);
        first..end
    }

    /// Where to scroll so that a row is in sight; none if it is already.
    pub fn scroll_to(&self, row: u64, scroll_top: f64) -> Option<f64> {
        let top = self.top(scroll_top);
        let row_top = row as f64 * ROW_HEIGHT;
        if row_top < top {
            Some(self.scroll_top(row_top))
        } else if row_top + ROW_HEIGHT > top + self.body_height {
            Some(self.scroll_top(row_top + ROW_HEIGHT - self.body_height).ceil())
        } else {
            None
        }
    }

    /// How many rows fit.
    pub fn n_per_screen(&self) -> u64 {
        ((self.body_height / ROW_HEIGHT) as u64).max(1)
    }
}

/// Where the keyboard is: row none is the head.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cursor {
    /// In sorted, filtered order.
    pub row: Option<u64>,
    /// Position of the column.
    pub column: usize,
}

/// What one painting needs to know.
pub struct Scene<'a> {
    /// What the window shows.
    pub sight: Sight,
    /// Rows of the table.
    pub rows: Rows,
    /// Its columns.
    pub columns: &'a [Column],
    /// Where they are.
    pub offsets: &'a Offsets,
    /// Where the keyboard is.
    pub cursor: Cursor,
    /// The column whose panel is open.
    pub selected: Option<usize>,
}

/// The pool of elements.
#[derive(Default)]
pub struct Painter {
    rows: Vec<PooledRow>,
    first_row: u64,
}

struct PooledRow {
    element: HtmlElement,
    number: Pooled,
    cells: Vec<Pooled>,
    row: Option<u64>,
    width: f64,
}

/// An element that remembers what it shows, because asking the browser costs more.
struct Pooled {
    element: HtmlElement,
    text: String,
    class: String,
    column: usize,
    place: (f64, f64),
    is_active: bool,
}

impl Pooled {
    fn new(parent: &HtmlElement, role: &str) -> Option<Self> {
        let element = child(parent, role)?;
        Some(Self {
            element,
            text: String::new(),
            class: String::new(),
            column: usize::MAX,
            place: (-1.0, -1.0),
            is_active: false,
        })
    }

    fn show(&mut self, text: String, class: String) {
        if self.text != text {
            self.element.set_text_content(Some(&text));
            self.text = text;
        }
        if self.class != class {
            self.element.set_class_name(&class);
            self.class = class;
        }
    }
}

fn child(parent: &HtmlElement, role: &str) -> Option<HtmlElement> {
    let element = dom::document().create_element("div").ok()?.dyn_into::<HtmlElement>().ok()?;
    // Plain attributes and properties on an element of our own cannot fail, here and below.
    let _ = element.set_attribute("role", role);
    let _ = parent.append_child(&element);
    Some(element)
}

fn set_style(element: &HtmlElement, property: &str, value: f64) {
    let _ = element.style().set_property(property, &format!("{value}px"));
}

impl Painter {
    /// The row at a distance from the top of the painted block.
    pub fn row_at(&self, y: f64) -> u64 {
        self.first_row + (y / ROW_HEIGHT).max(0.0) as u64
    }

    /// Brings the block of rows up to date.
    pub fn paint(&mut self, block: &HtmlElement, pages: Pages, scene: &Scene) {
        let sight = &scene.sight;
        let visible = scene.rows.visible(sight.scroll_top);
        let columns = scene.offsets.visible(sight);
        let first = visible.start.saturating_sub(N_OVERSCAN);
        let end = (visible.end + N_OVERSCAN).min(scene.rows.n_rows);
        pages.want(visible.clone(), columns.start as u32..columns.end as u32);
        self.first_row = first;
        let shift = sight.scroll_top - scene.rows.top(sight.scroll_top) + first as f64 * ROW_HEIGHT;
        let _ = block.style().set_property("transform", &format!("translateY({shift}px)"));
        let n_needed = (end - first) as usize;
        while self.rows.len() < n_needed {
            let Some(row) = PooledRow::new(block) else {
                return;
            };
            self.rows.push(row);
        }
        for row in self.rows.drain(n_needed..) {
            row.element.remove();
        }
        for (slot, pooled) in self.rows.iter_mut().enumerate() {
            pooled.paint(first + slot as u64, pages, scene, columns.clone());
        }
    }
}

impl PooledRow {
    fn new(block: &HtmlElement) -> Option<Self> {
        let element = child(block, "row")?;
        element.set_class_name("grid__row");
        let number = Pooled::new(&element, "rowheader")?;
        Some(Self { element, number, cells: Vec::new(), row: None, width: 0.0 })
    }

    fn paint(&mut self, row: u64, pages: Pages, scene: &Scene, columns: Range<usize>) {
        if self.row != Some(row) {
            let _ = self.element.set_attribute("aria-rowindex", &(row + 2).to_string());
            self.row = Some(row);
        }
        if self.width != scene.offsets.total() {
            self.width = scene.offsets.total();
            set_style(&self.element, "width", self.width);
        }
        let is_current = scene.cursor.row == Some(row);
        let class = if is_current { "grid__number grid__number--current" } else { "grid__number" };
        let number = pages.row_idx(row).map(|row_idx| charts::grouped(row_idx + 1)).unwrap_or_default();
        self.number.show(number, class.to_owned());
        while self.cells.len() < columns.len() {
            let Some(cell) = Pooled::new(&self.element, "gridcell") else {
                return;
            };
            self.cells.push(cell);
        }
        for cell in self.cells.drain(columns.len()..) {
            cell.element.remove();
        }
        for (cell, column_idx) in self.cells.iter_mut().zip(columns) {
            if cell.column != column_idx {
                let _ = cell.element.set_attribute("aria-colindex", &(column_idx + 2).to_string());
                cell.column = column_idx;
            }
            let place = (scene.offsets.start(column_idx), scene.offsets.width(column_idx));
            if cell.place != place {
                set_style(&cell.element, "left", place.0);
                set_style(&cell.element, "width", place.1);
                cell.place = place;
            }
            let is_active = is_current && scene.cursor.column == column_idx;
            if cell.is_active != is_active {
                cell.element.set_id(if is_active { "grid-active" } else { "" });
                cell.is_active = is_active;
            }
            let mut class = String::from(class_of(&scene.columns[column_idx]));
            if scene.selected == Some(column_idx) {
                class.push_str(" grid__cell--selected");
            }
            if is_current {
                class.push_str(" grid__cell--current");
            }
            if is_active {
                class.push_str(" grid__cell--active");
            }
            let text = match pages.cell(row, column_idx as u32) {
                Some(Cell::Text(text)) => text,
                Some(Cell::Missing) => {
                    class.push_str(" grid__cell--missing");
                    "missing".to_owned()
                }
                None => {
                    class.push_str(" grid__cell--waiting");
                    String::new()
                }
            };
            cell.show(text, class);
        }
    }
}

fn class_of(column: &Column) -> &'static str {
    match (column.role, column.kind) {
        (Role::Id, _) => "grid__cell grid__cell--id",
        (_, Kind::Number | Kind::Integer) => "grid__cell grid__cell--number",
        (_, Kind::DateTime) => "grid__cell grid__cell--date",
        (_, Kind::Boolean | Kind::Category | Kind::Text) => "grid__cell",
    }
}
