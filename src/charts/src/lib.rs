//! Figures as data, and how they are drawn: with plotters, on a canvas in the page or as SVG.
//!
//! Without the feature `draw` only the data is here, which is all the engine needs.

mod figure;
mod format;
mod rows;

#[cfg(feature = "canvas")]
mod canvas;
#[cfg(feature = "draw")]
mod clip;
#[cfg(feature = "draw")]
mod decimate;
#[cfg(feature = "draw")]
mod draw;
#[cfg(feature = "draw")]
mod layout;
#[cfg(feature = "svg")]
mod svg;
#[cfg(feature = "draw")]
mod theme;
#[cfg(feature = "draw")]
mod ticks;

pub use figure::{Axis, BoxMark, Detail, Figure, Guide, Marks, N_LEVELS, RAMP, Series};
pub use format::{compact, grouped, number};
pub use rows::{FigureCell, FigureRow, FigureTable};

#[cfg(feature = "canvas")]
pub use canvas::{Look, Under, draw_on_canvas};
#[cfg(feature = "draw")]
pub use decimate::{DECIMATED_FROM, is_decimated};
#[cfg(feature = "draw")]
pub use layout::{Layout, MarkAt, Rect, Scale};
#[cfg(feature = "svg")]
pub use svg::to_svg;
#[cfg(feature = "draw")]
pub use theme::{Color, N_COLORS, Stroke, Theme};
#[cfg(feature = "draw")]
pub use ticks::{Tick, log_ticks, ticks};
