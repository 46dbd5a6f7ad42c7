//! The grammar of cells: what reads as a whole number, a number, a date or a truth value, and how to give
//! back the very text it was read from.

/// What a style says beside a number: enough to write the text it came from, digit for digit.
///
/// The low five bits are the digits after the point; the rest is how far the text's digits, taken as one whole
/// number, lie from `|x| * 10^digits` computed in f64, plus 1024. Multiplying again gives the same product, so
/// the digits come back exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style(u16);

impl Style {
    /// There is no value.
    pub const MISSING: Self = Self(30);
    /// The text is kept elsewhere.
    pub const KEPT: Self = Self(31);

    fn new(x: f64, digits: u64, scale: usize) -> Option<Self> {
        let guess = (x.abs() * POWERS[scale]) as u64;
        let delta = i128::from(digits) - i128::from(guess) + 1024;
        (0..2048).contains(&delta).then_some(Self((delta as u16) << 5 | scale as u16))
    }

    /// Writes the text that was read as `x`.
    pub fn render(self, x: f64, point: u8, out: &mut Vec<u8>) {
        let scale = usize::from(self.0 & 31);
        let guess = (x.abs() * POWERS[scale]) as u64;
        let digits = (i128::from(guess) + i128::from(self.0 >> 5) - 1024) as u64;
        if x.is_sign_negative() {
            out.push(b'-');
        }
        let start = out.len();
        out.extend_from_slice(format!("{digits:0>width$}", width = scale + 1).as_bytes());
        debug_assert!(out.len() > start);
        if scale > 0 {
            out.insert(out.len() - scale, point);
        }
    }
}

const POWERS: [f64; 20] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19];

/// A whole number whose shortest text is this one: no plus, no leading zeros, no `-0`.
#[inline]
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 18 || (digits[0] == b'0' && (digits.len() > 1 || is_negative)) {
        return if digits.len() == 19 { long_integer(text) } else { None };
    }
    let mut value = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if is_negative { -value } else { value })
}

/// Nineteen digits may or may not fit. The smallest i64 is left out: it stands for missing while columns grow.
#[cold]
fn long_integer(text: &[u8]) -> Option<i64> {
    let is_plain = !text.starts_with(b"0") && !text.starts_with(b"-0") && !text.starts_with(b"+");
    let value: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (is_plain && value != i64::MIN).then_some(value)
}

/// A number, and how it was written.
#[inline]
pub(crate) fn number(text: &[u8], point: u8) -> Option<(f64, Style)> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let mut mantissa = 0_u64;
    let mut at = 0;
    while let Some(digit) = digits.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit <= 9) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    let n_whole = at;
    // Leading zeros are kept: `007` is a name, not seven.
    if n_whole > 1 && digits[0] == b'0' {
        return None;
    }
    let mut n_fraction = 0;
    if digits.get(at) == Some(&point) {
        at += 1;
        while let Some(digit) = digits.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit <= 9) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            at += 1;
        }
        n_fraction = at - n_whole - 1;
        if n_fraction == 0 || n_whole == 0 {
            return unusual_number(text, point);
        }
    }
    if at < digits.len() || n_whole == 0 {
        return unusual_number(text, point);
    }
    if n_whole + n_fraction > 19 {
        // Digits that neither integers nor f64 can hold name something.
        return if n_fraction == 0 { None } else { unusual_number(text, point) };
    }
    let size = if mantissa < 1 << 53 {
        // Clinger's fast path: both operands are exact, so one division rounds correctly.
        mantissa as f64 / POWERS[n_fraction]
    } else {
        parse(text, point)?.abs()
    };
    let x = if is_negative { -size } else { size };
    Some((x, Style::new(x, mantissa, n_fraction).unwrap_or(Style::KEPT)))
}

/// Exponents, a plus, `.5`, `5.`, infinities.
#[cold]
fn unusual_number(text: &[u8], point: u8) -> Option<(f64, Style)> {
    let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    match unsigned.first()? {
        b'0' if unsigned.get(1).is_some_and(u8::is_ascii_digit) => return None,
        b'0'..=b'9' => {}
        first if *first == point => {}
        b'i' | b'I' => {
            if !unsigned.eq_ignore_ascii_case(b"inf") && !unsigned.eq_ignore_ascii_case(b"infinity") {
                return None;
            }
            let x = if text[0] == b'-' { f64::NEG_INFINITY } else { f64::INFINITY };
            return Some((x, Style::KEPT));
        }
        _ => return None,
    }
    parse(text, point).map(|x| (x, Style::KEPT))
}

fn parse(text: &[u8], point: u8) -> Option<f64> {
    let text = text.strip_prefix(b"+").unwrap_or(text);
    if point == b'.' {
        return fast_float2::parse(text).ok();
    }
    if text.contains(&b'.') {
        return None;
    }
    let text: Vec<u8> = text.iter().map(|&byte| if byte == point { b'.' } else { byte }).collect();
    fast_float2::parse(text).ok()
}

/// Whole numbers are numbers too.
pub(crate) fn number_from_integer(value: i64) -> (f64, Style) {
    let x = value as f64;
    (x, Style::new(x, value.unsigned_abs(), 0).unwrap_or(Style::KEPT))
}

/// How a column writes days that could be months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DayOrder {
    /// `31/12/2020`.
    DayFirst,
    /// `12/31/2020`.
    MonthFirst,
}

/// A date and perhaps a time of day with the way it was written, in one word. Whether the day or the month
/// comes first may still be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(u64);

impl Moment {
    /// There is no value: no month is number zero.
    pub const MISSING: Self = Self(0);
    const IS_KEPT: u64 = 1 << 63;

    /// A moment whose text is kept elsewhere.
    fn kept(millis: i64) -> Self {
        Self(Self::IS_KEPT | (millis as u64 & (Self::IS_KEPT - 1)))
    }

    /// Whether the text is kept elsewhere.
    pub fn is_kept(self) -> bool {
        self.0 & Self::IS_KEPT != 0
    }

    fn bits(self, from: u32, n: u32) -> u32 {
        (self.0 >> from & ((1 << n) - 1)) as u32
    }

    /// Milliseconds since 1970; none if there is no such day.
    pub fn millis(self, order: DayOrder) -> Option<i64> {
        if self.is_kept() {
            // The sign was cut off with the highest bit.
            return Some((self.0 << 1) as i64 >> 1);
        }
        let (first, second) = (self.bits(14, 5), self.bits(19, 5));
        let is_year_first = self.bits(53, 1) == 1;
        let is_dotted = self.bits(51, 2) == 2;
        let (month, day) = if is_year_first || (order == DayOrder::MonthFirst && !is_dotted) {
            (first, second)
        } else {
            (second, first)
        };
        let days = days_from_civil(i64::from(self.bits(0, 14)), month, day)?;
        let secs = i64::from(self.bits(24, 5)) * 3600 + i64::from(self.bits(29, 6)) * 60 + i64::from(self.bits(35, 6));
        Some((days * 86_400 + secs) * 1000 + i64::from(self.bits(41, 10)))
    }

    /// Whether the order of day and month matters.
    pub fn is_open(self) -> bool {
        !self.is_kept() && self.bits(53, 1) == 0 && self.bits(51, 2) != 2
    }

    /// Writes the text it was read from, unless that is kept elsewhere.
    pub fn render(self, out: &mut Vec<u8>) {
        let year = format!("{:04}", self.bits(0, 14));
        let part = |value: u32, is_padded: bool| {
            if is_padded { format!("{value:02}") } else { value.to_string() }
        };
        let first = part(self.bits(14, 5), self.bits(54, 1) == 1);
        let second = part(self.bits(19, 5), self.bits(55, 1) == 1);
        let separator = char::from(SEPARATORS[self.bits(51, 2) as usize]);
        let mut text = if self.bits(53, 1) == 1 {
            format!("{year}{separator}{first}{separator}{second}")
        } else {
            format!("{first}{separator}{second}{separator}{year}")
        };
        let precision = self.bits(56, 3);
        if precision > 0 {
            text.push(if self.bits(59, 1) == 1 { 'T' } else { ' ' });
            text.push_str(&format!("{:02}:{:02}", self.bits(24, 5), self.bits(29, 6)));
            if precision > 1 {
                text.push_str(&format!(":{:02}", self.bits(35, 6)));
            }
            if precision > 2 {
                let n_digits = precision as usize - 2;
                text.push('.');
                text.push_str(&format!("{:03}", self.bits(41, 10))[..n_digits]);
            }
            if self.bits(60, 1) == 1 {
                text.push('Z');
            }
        }
        out.extend_from_slice(text.as_bytes());
    }
}

const SEPARATORS: [u8; 3] = [b'-', b'/', b'.'];

/// A date (`2020-12-31`, `2020/12/31`, `31.12.2020`, `31/12/2020`, `12/31/2020`, with `-` too) and perhaps a time
/// of day after `T` or a space, to the nanosecond, perhaps with `Z` or an offset.
pub(crate) fn moment(text: &[u8]) -> Option<Moment> {
    if !(8..=35).contains(&text.len()) || !text[0].is_ascii_digit() {
        return None;
    }
    let mut rest = text;
    let (head, n_head) = digits(&mut rest, 4)?;
    let separator = *rest.first()?;
    let separator_idx = SEPARATORS.iter().position(|known| *known == separator)?;
    rest = &rest[1..];
    let (middle, n_middle) = digits(&mut rest, 2)?;
    if rest.first() != Some(&separator) {
        return None;
    }
    rest = &rest[1..];
    let (tail, n_tail) = digits(&mut rest, 4)?;
    let (year, first, second, is_year_first, pads) = match (n_head, n_tail) {
        (4, 1..=2) if separator != b'.' => (head, middle, tail, true, (n_middle == 2, n_tail == 2)),
        (1..=2, 4) => (tail, head, middle, false, (n_head == 2, n_middle == 2)),
        _ => return None,
    };
    let may_be_day_first = (1..=31).contains(&first) && (1..=12).contains(&second);
    let may_be_month_first = (1..=12).contains(&first) && (1..=31).contains(&second);
    let is_possible =
        if is_year_first { may_be_month_first } else { may_be_day_first || (separator != b'.' && may_be_month_first) };
    if !is_possible || year > 9999 {
        return None;
    }
    let mut word = u64::from(year)
        | u64::from(first) << 14
        | u64::from(second) << 19
        | (separator_idx as u64) << 51
        | u64::from(is_year_first) << 53
        | u64::from(pads.0) << 54
        | u64::from(pads.1) << 55;
    let [mark, time @ ..] = rest else { return Some(Moment(word)) };
    let time = match mark {
        b'T' => {
            word |= 1 << 59;
            time
        }
        b' ' => time,
        _ => return None,
    };
    let mut rest = time;
    let (hour, n_hour) = digits(&mut rest, 2)?;
    rest = rest.strip_prefix(b":")?;
    let (minute, n_minute) = digits(&mut rest, 2)?;
    let mut precision = 1_u64;
    let (mut second, mut millis, mut is_kept) = (0, 0, false);
    if let Some(after) = rest.strip_prefix(b":") {
        rest = after;
        let (value, n_second) = digits(&mut rest, 2)?;
        if n_second != 2 {
            return None;
        }
        second = value;
        precision = 2;
        if let Some(after) = rest.strip_prefix(b".") {
            let n_digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&n_digits) {
                return None;
            }
            for place in 0..3 {
                millis = millis * 10 + after[..n_digits].get(place).map_or(0, |digit| u32::from(digit - b'0'));
            }
            precision += n_digits as u64;
            is_kept = n_digits > 3;
            rest = &after[n_digits..];
        }
    }
    if n_hour != 2 || n_minute != 2 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    word |= u64::from(hour) << 24 | u64::from(minute) << 29 | u64::from(second) << 35 | u64::from(millis) << 41;
    let mut offset_millis = 0;
    match rest {
        [] => {}
        b"Z" => word |= 1 << 60,
        [sign @ (b'+' | b'-'), zone @ ..] => {
            offset_millis = zone_minutes(zone)? * if *sign == b'-' { -60_000 } else { 60_000 };
            is_kept = true;
        }
        _ => return None,
    }
    if !is_kept {
        return Some(Moment(word | precision << 56));
    }
    // Days that may be months cannot be kept as a point in time yet: only the unambiguous ones carry such detail.
    let moment = Moment(word);
    if moment.is_open() {
        return None;
    }
    Some(Moment::kept(moment.millis(DayOrder::DayFirst)? - offset_millis))
}

/// `02:00`, `0200` or `02` after the sign.
fn zone_minutes(zone: &[u8]) -> Option<i64> {
    let mut rest = zone;
    let (hours, _) = match zone.len() {
        4 => (u32::from(zone[0].wrapping_sub(b'0')) * 10 + u32::from(zone[1].wrapping_sub(b'0')), {
            rest = &zone[2..];
        }),
        2 | 5 => (digits(&mut rest, 2)?.0, {}),
        _ => return None,
    };
    let minutes = match rest.strip_prefix(b":").unwrap_or(rest) {
        [] => 0,
        mut tail => digits(&mut tail, 2).filter(|_| tail.is_empty())?.0,
    };
    (hours <= 18 && minutes <= 59).then(|| i64::from(hours) * 60 + i64::from(minutes))
}

/// Takes up to `most` digits off the front.
fn digits(text: &mut &[u8], most: usize) -> Option<(u32, usize)> {
    let n = text.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    let value = text[..n].iter().fold(0, |value, byte| value * 10 + u32::from(byte - b'0'));
    *text = &text[n..];
    (n > 0).then_some((value, n))
}

/// Days since 1970 (Hinnant, "chrono-compatible low-level date algorithms"); none if there is no such day.
fn days_from_civil(year: i64, month: u32, day: u32) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let n_days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=n_days).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (i64::from(month) + if month > 2 { -3 } else { 9 }) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// `2020-12-31`, with the time of day unless that is midnight (or always, if `with_time`).
pub fn date_text(millis: i64, with_time: bool) -> String {
    let days = millis.div_euclid(86_400_000) + 719_468;
    let of_day = millis.rem_euclid(86_400_000);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let mut text = format!("{year:04}-{month:02}-{day:02}");
    if with_time || of_day != 0 {
        let secs = of_day / 1000;
        text.push_str(&format!("T{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60));
        if of_day % 1000 != 0 {
            text.push_str(&format!(".{:03}", of_day % 1000));
        }
    }
    text
}

/// Milliseconds since 1970 of a date as people write it; a day that could be a month is the month's day
/// (`31/12/2020` and `12/31/2020` are both understood, `01/02/2020` is 2 January).
pub fn date_millis(text: &str) -> Option<i64> {
    let moment = moment(text.trim().as_bytes())?;
    moment.millis(DayOrder::MonthFirst).or_else(|| moment.millis(DayOrder::DayFirst))
}

/// The shortest text that reads as the same number: `5`, `0.1`, `1e300`, `inf`.
pub fn number_text(x: f64) -> String {
    let mut text = String::new();
    write_number(x, &mut text);
    text
}

/// Appends the text of a number.
pub fn write_number(x: f64, text: &mut String) {
    use std::fmt::Write as _;
    // Writing to a string cannot fail.
    let _ = write!(text, "{x:?}");
    if text.ends_with(".0") {
        text.truncate(text.len() - 2);
    }
}

/// The words for true and false, by pairs.
const TRUTHS: [(&str, &str); 3] = [("true", "false"), ("yes", "no"), ("t", "f")];

/// What the words of a column mean if all are words for true or false of one pair.
pub(crate) fn truths<'a>(words: impl Iterator<Item = &'a str> + Clone) -> Option<Vec<bool>> {
    TRUTHS.iter().find_map(|(yes, no)| {
        let meanings: Vec<bool> = words
            .clone()
            .map(|word| {
                if word.eq_ignore_ascii_case(yes) { Some(true) } else { word.eq_ignore_ascii_case(no).then_some(false) }
            })
            .collect::<Option<_>>()?;
        // A lone `f` or `t` is more likely a name.
        let is_sure = yes.len() > 1 || (meanings.contains(&true) && meanings.contains(&false));
        (!meanings.is_empty() && is_sure).then_some(meanings)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn again(text: &str) -> Option<String> {
        let (x, style) = number(text.as_bytes(), b'.')?;
        if style == Style::KEPT {
            return Some(text.into());
        }
        let mut out = Vec::new();
        style.render(x, b'.', &mut out);
        Some(String::from_utf8(out).unwrap())
    }

    proptest! {
        #[test]
        fn a_number_gives_back_the_text_it_was_read_from(text in "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,18})?") {
            if let Some(again) = again(&text) {
                prop_assert_eq!(&again, &text);
                let (x, _) = number(text.as_bytes(), b'.').unwrap();
                let reference: f64 = text.parse().unwrap();
                prop_assert_eq!(x.to_bits(), reference.to_bits());
            }
        }

        #[test]
        fn a_whole_number_gives_back_its_text(value in (i64::MIN + 1)..=i64::MAX) {
            prop_assert_eq!(integer(value.to_string().as_bytes()), Some(value));
            let (x, style) = number_from_integer(value);
            if style != Style::KEPT {
                let mut out = Vec::new();
                style.render(x, b'.', &mut out);
                prop_assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
            }
        }

        #[test]
        fn a_date_gives_back_its_text(text in "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,3})?)?Z?)?|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}( [0-9]{2}:[0-9]{2})?") {
            if let Some(moment) = moment(text.as_bytes()) {
                let mut out = Vec::new();
                moment.render(&mut out);
                prop_assert_eq!(String::from_utf8(out).unwrap(), text);
            }
        }

        #[test]
        fn moments_survive_text(millis in -62_000_000_000_000_i64..253_000_000_000_000) {
            prop_assert_eq!(date_millis(&date_text(millis, true)), Some(millis));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (integer(&bytes), number(&bytes, b'.'), number(&bytes, b','), moment(&bytes));
        }
    }

    #[test]
    fn numbers_are_told_from_names() {
        let of = |text: &str| number(text.as_bytes(), b'.').map(|(x, _)| x);
        assert_eq!(of("007"), None);
        assert_eq!(of("-01.5"), None);
        assert_eq!(of("1e3"), Some(1000.0));
        assert_eq!(of("+.5"), Some(0.5));
        assert_eq!(of("-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(of("information"), None);
        assert_eq!(of("nan"), None);
        assert_eq!(of("12345678901234567890123"), None);
        assert_eq!(of("1 2"), None);
        assert_eq!(number(b"1,5", b',').unwrap().0, 1.5);
        assert_eq!(number(b"1.5", b','), None);
    }

    #[test]
    fn dates_are_read() {
        let of = |text: &str| date_millis(text).map(|millis| date_text(millis, false));
        assert_eq!(of("2024-02-29").as_deref(), Some("2024-02-29"));
        assert_eq!(of("2023-02-29"), None);
        assert_eq!(of("31.12.1999").as_deref(), Some("1999-12-31"));
        assert_eq!(of("31/12/1999").as_deref(), Some("1999-12-31"));
        assert_eq!(of("12/31/1999 23:59").as_deref(), Some("1999-12-31T23:59:00"));
        assert_eq!(of("2020-01-01T00:30:00+02:00").as_deref(), Some("2019-12-31T22:30:00"));
        assert_eq!(of("1960-01-01T00:30:00.123456Z").as_deref(), Some("1960-01-01T00:30:00.123"));
        assert_eq!(of("13/13/2020"), None);
        assert_eq!(of("2020-13-01"), None);
    }
}
