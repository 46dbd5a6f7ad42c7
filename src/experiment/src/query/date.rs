//! Dates in queries, as spans of time.

const MS_PER_SEC: i64 = 1_000;
const MS_PER_MIN: i64 = 60 * MS_PER_SEC;
const MS_PER_DAY: i64 = 24 * 60 * MS_PER_MIN;

/// The span of a date or a time, from its first millisecond since 1970 to the first after it: of `2026-11` the month,
/// of `2026-11-01` the day, of `2026-11-01T10:30` the minute, of `2026-11-01T10:30:15` the second.
pub(super) fn span(text: &str, offset_mins: i32) -> Option<(f64, f64)> {
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2).filter(|month| (1..=12).contains(month))?;
    let day = match parts.next() {
        Some(day) => Some(digits(day, 2).filter(|day| (1..=days_in(year, month)).contains(day))?),
        None => None,
    };
    if parts.next().is_some() {
        return None;
    }
    let start = days_from_1970(year, month, day.unwrap_or(1)) * MS_PER_DAY;
    let (start, length) = match (day, time) {
        (Some(_), Some(time)) => {
            let (offset, length) = time_of_day(time)?;
            (start + offset, length)
        }
        (Some(_), None) => (start, MS_PER_DAY),
        (None, Some(_)) => return None,
        (None, None) => (start, days_in(year, month) * MS_PER_DAY),
    };
    let start = start - i64::from(offset_mins) * MS_PER_MIN;
    Some((start as f64, (start + length) as f64))
}

/// Milliseconds since midnight, and how many are meant.
fn time_of_day(text: &str) -> Option<(i64, i64)> {
    let mut parts = text.split(':');
    let hours = digits(parts.next()?, 2).filter(|hours| *hours < 24)?;
    let mins = digits(parts.next()?, 2).filter(|mins| *mins < 60)?;
    let secs = match parts.next() {
        Some(secs) => Some(digits(secs, 2).filter(|secs| *secs < 60)?),
        None => None,
    };
    let offset = (hours * 60 + mins) * MS_PER_MIN + secs.unwrap_or(0) * MS_PER_SEC;
    parts.next().is_none().then_some((offset, if secs.is_some() { MS_PER_SEC } else { MS_PER_MIN }))
}

fn digits(text: &str, n: usize) -> Option<i64> {
    let fits = text.len() == n && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

fn days_in(year: i64, month: i64) -> i64 {
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_spans_of_the_users_own_time() {
        assert_eq!(span("1970-01-01", 0), Some((0.0, 86_400_000.0)));
        // `date -u -d 2026-11-01 +%s` says 1793491200.
        assert_eq!(span("2026-11-01", 0), Some((1_793_491_200_000.0, 1_793_577_600_000.0)));
        assert_eq!(span("2026-11-01T10:30", 60), Some((1_793_525_400_000.0, 1_793_525_460_000.0)));
        assert_eq!(span("2024-02", 0).map(|(from, to)| (to - from) / 86_400_000.0), Some(29.0));
        assert_eq!(span("2000-02-29T23:59:59", 0).map(|(from, to)| to - from), Some(1_000.0));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "2026",
            "2026-13",
            "2026-02-30",
            "1900-02-29",
            "26-11-01",
            "2026-11-01T24:00",
            "2026-11T10:00",
            "2026-11-01T10",
            "2026-11-01-01",
            "+026-11-01",
        ] {
            assert_eq!(span(text, 0), None, "{text}");
        }
    }
}
