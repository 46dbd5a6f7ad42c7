//! Numbers for people.

/// A whole number with separators: 1,385.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (digit_idx, digit) in digits.chars().enumerate() {
        if digit_idx > 0 && (digits.len() - digit_idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number to be read: five significant digits, separators in whole parts, powers of ten only where zeros would
/// take over. Missing values are a dash.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return odd(value);
    }
    let size = value.abs();
    if size == 0.0 {
        return "0".into();
    }
    if !(1e-4..1e12).contains(&size) {
        return scientific(value);
    }
    let n_decimals = if size >= 10_000.0 {
        if value.fract() == 0.0 { 0 } else { 1 }
    } else if size >= 1_000.0 {
        2
    } else if size >= 100.0 {
        3
    } else if size >= 1.0 {
        4
    } else if size >= 0.1 {
        5
    } else if size >= 0.01 {
        6
    } else {
        7
    };
    with_decimals(value, n_decimals, true)
}

/// A number that must fit into little space: 12.5 k, 3 M.
pub fn compact(value: f64) -> String {
    if !value.is_finite() {
        return odd(value);
    }
    let size = value.abs();
    for (unit, suffix) in [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e4, " k")] {
        if size >= unit && size < 1e15 {
            let unit = if suffix == " k" { 1e3 } else { unit };
            let scaled = value / unit;
            let n_decimals = if scaled.abs() >= 100.0 { 0 } else { 1 };
            return with_decimals(scaled, n_decimals, true) + suffix;
        }
    }
    if size >= 1e15 || (size > 0.0 && size < 1e-3) {
        return scientific(value);
    }
    let n_decimals = if size >= 100.0 {
        0
    } else if size >= 10.0 {
        1
    } else if size >= 1.0 {
        2
    } else {
        3
    };
    with_decimals(value, n_decimals, true)
}

/// A tick's label: as many decimals as the step between ticks needs, the same for all of them.
#[cfg(feature = "draw")]
pub(crate) fn tick(value: f64, step: f64) -> String {
    let step = step.abs();
    if value == 0.0 && !(1e-4..1.0).contains(&step) {
        return "0".into();
    }
    let (unit, suffix) = match step {
        step if !(1e-5..1e15).contains(&step) => return scientific(value),
        step if step >= 1e11 => (1e12, " T"),
        step if step >= 1e8 => (1e9, " G"),
        step if step >= 1e5 => (1e6, " M"),
        step if step >= 1e4 => (1e3, " k"),
        _ => (1.0, ""),
    };
    let mut n_decimals = 0;
    let mut shown_step = step / unit;
    // A step is 1, 2 or 5 times a power of ten, so this ends as soon as it is whole.
    while n_decimals < 6 && (shown_step - shown_step.round()).abs() > 1e-6 * shown_step.max(1.0) {
        shown_step *= 10.0;
        n_decimals += 1;
    }
    with_decimals(value / unit, n_decimals, false) + suffix
}

fn odd(value: f64) -> String {
    match value {
        value if value.is_nan() => "–".into(),
        value if value > 0.0 => "∞".into(),
        _ => "−∞".into(),
    }
}

fn scientific(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let text = format!("{value:.2e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    format!("{mantissa}e{exponent}").replace('-', "−")
}

fn with_decimals(value: f64, n_decimals: usize, trim: bool) -> String {
    let text = format!("{:.n_decimals$}", value.abs());
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let decimals = if trim { decimals.trim_end_matches('0') } else { decimals };
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), grouped);
    let is_zero = whole == "0" && decimals.chars().all(|digit| digit == '0');
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    let point = if decimals.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{decimals}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let shown = [1385.0, 0.8461234, -0.019, 1e-9, 12_345_678.25, 0.0, f64::NAN, -3.0, 1e20].map(number);
        assert_eq!(shown.join(" | "), "1,385 | 0.84612 | −0.019 | 1e−9 | 12,345,678.2 | 0 | – | −3 | 1e20");
    }

    #[test]
    fn compact_numbers_are_short() {
        let shown = [1385.0, 12_500.0, 3e6, 0.123_45, 118.75, 72.0, -1e9, 0.000_02].map(compact);
        assert_eq!(shown.join(" | "), "1,385 | 12.5 k | 3 M | 0.123 | 119 | 72 | −1 G | 2e−5");
    }

    #[cfg(feature = "draw")]
    #[test]
    fn ticks_of_one_axis_have_equal_decimals() {
        assert_eq!([0.0, 0.2, 1.0].map(|v| tick(v, 0.2)).join(" "), "0.0 0.2 1.0");
        assert_eq!([0.0, 200_000.0, 1e6].map(|v| tick(v, 200_000.0)).join(" "), "0 0.2 M 1.0 M");
        assert_eq!([-20.0, 0.0, 20.0].map(|v| tick(v, 20.0)).join(" "), "−20 0 20");
        assert_eq!(tick(0.25, 0.25), "0.25");
    }
}
