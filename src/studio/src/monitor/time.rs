//! Which stretch of time is looked at, and in which steps.

use js_sys::Date;

use crate::moments::{clock, date, day, moment};

const MINUTE_MS: u64 = 60_000;
/// Points of a chart are merged from this number on.
const N_POINTS: u64 = 120;

/// The stretch of time that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// So many minutes back from now.
    Last(u64),
    /// From a minute since 1970 to another, excluded.
    Between(u64, u64),
}

/// Offered with one press each.
pub const SPANS: [(u64, &str, &str); 5] = [
    (15, "15 m", "the last 15 minutes"),
    (60, "1 h", "the last hour"),
    (360, "6 h", "the last 6 hours"),
    (1_440, "24 h", "the last 24 hours"),
    (10_080, "7 d", "the last 7 days"),
];

/// A stretch of time in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first minute since 1970.
    pub from: u64,
    /// The minute after the last.
    pub to: u64,
    /// Minutes of each point.
    pub step: u64,
}

impl Span {
    /// The window that it means now.
    pub fn window(self, now_ms: u64) -> Window {
        let (from, to) = match self {
            Self::Last(minutes) => {
                let to = now_ms / MINUTE_MS + 1;
                (to.saturating_sub(minutes), to)
            }
            Self::Between(from, to) => (from, to.max(from + 1)),
        };
        let step = [1, 5, 15, 60, 120, 360].into_iter().find(|step| (to - from) / step <= N_POINTS);
        let step = step.unwrap_or(1_440);
        // Whole steps, so that points stay what they are while time goes by.
        Window { from: from - from % step, to, step }
    }

    /// In words.
    pub fn in_words(self) -> String {
        match self {
            Self::Last(minutes) => {
                let known = SPANS.iter().find(|(known, ..)| *known == minutes);
                known.map_or_else(|| format!("the last {minutes} minutes"), |(.., words)| (*words).to_owned())
            }
            Self::Between(from, to) => format!("{} to {}", moment(from * MINUTE_MS), moment(to * MINUTE_MS)),
        }
    }
}

impl Window {
    /// How many points it has.
    pub fn n_points(self) -> usize {
        (self.to - self.from).div_ceil(self.step) as usize
    }

    /// Where a moment lies, from 0 at the left to 1 at the right.
    pub fn at(self, ms: u64) -> f64 {
        (ms as f64 / MINUTE_MS as f64 - self.from as f64) / (self.n_points() as u64 * self.step) as f64
    }

    /// When a point begins, in milliseconds since 1970.
    pub fn begin_ms(self, point_idx: usize) -> u64 {
        (self.from + point_idx as u64 * self.step) * MINUTE_MS
    }

    /// What is written at a moment of a chart.
    pub fn label(self, ms: u64) -> String {
        if self.to - self.from > 1_440 { moment(ms) } else { clock(ms) }
    }

    /// Where times are written along a chart, at round ones.
    pub fn ticks(self) -> Vec<(f64, String)> {
        let minutes = self.n_points() as u64 * self.step;
        let every = [1, 3, 5, 15, 30, 60, 180, 360, 720, 1_440, 2_880].into_iter().find(|every| minutes / every <= 5);
        let every = every.unwrap_or(1_440 * minutes.div_ceil(7_200));
        let zone = zone_minutes(self.from * MINUTE_MS);
        let local = self.from.saturating_add_signed(zone);
        let first = self.from + (every - local % every) % every;
        let is_days = every >= 1_440;
        (0..)
            .map(|at| first + at * every)
            .take_while(|minute| *minute < self.from + minutes)
            .map(|minute| {
                let ms = minute * MINUTE_MS;
                (self.at(ms), if is_days { day(ms) } else { clock(ms) })
            })
            .collect()
    }
}

/// Minutes that the user's clock is ahead of UTC.
fn zone_minutes(ms: u64) -> i64 {
    -(date(ms).get_timezone_offset() as i64)
}

/// `14:40:58.214`
pub fn exact(ms: u64) -> String {
    let date = date(ms);
    format!("{}:{:02}.{:03}", clock(ms), date.get_seconds(), date.get_milliseconds())
}

/// A local moment as a field for date and time has it: `2026-11-29T14:37`.
pub fn field(ms: u64) -> String {
    let date = date(ms);
    format!("{:04}-{:02}-{:02}T{}", date.get_full_year(), date.get_month() + 1, date.get_date(), clock(ms))
}

/// The minute since 1970 that such a field names.
pub fn minute_of_field(text: &str) -> Option<u64> {
    let ms = Date::parse(text);
    (ms.is_finite() && ms >= 0.0).then_some((ms / MINUTE_MS as f64) as u64)
}

/// `12 s`, `12 min`, `3 h`
pub fn length(ms: u64) -> String {
    match ms / 1_000 {
        seconds @ 0..=59 => format!("{seconds} s"),
        seconds @ 60..=7_199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}
