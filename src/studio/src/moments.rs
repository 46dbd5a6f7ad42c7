//! Moments in words, in the user's own time zone.

use js_sys::Date;
use wasm_bindgen::JsValue;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Milliseconds since 1970 as the browser has them.
pub fn date(ms: u64) -> Date {
    Date::new(&JsValue::from_f64(ms as f64))
}

/// `14:37`
pub fn clock(ms: u64) -> String {
    let date = date(ms);
    format!("{:02}:{:02}", date.get_hours(), date.get_minutes())
}

/// `21 Nov`
pub fn day(ms: u64) -> String {
    let date = date(ms);
    format!("{} {}", date.get_date(), MONTHS[date.get_month() as usize % 12])
}

/// `14:12` of today, `21 Nov 14:12` of this year, `21 Nov 2025` of others.
pub fn moment(ms: u64) -> String {
    let (then, now) = (date(ms), Date::new_0());
    if then.get_full_year() != now.get_full_year() {
        format!("{} {}", day(ms), then.get_full_year())
    } else if (then.get_month(), then.get_date()) != (now.get_month(), now.get_date()) {
        format!("{} {}", day(ms), clock(ms))
    } else {
        clock(ms)
    }
}
