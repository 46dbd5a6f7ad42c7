//! Columns that grow cell by cell while nobody knows their kind yet.
//!
//! A column starts as what its first value is. A value that does not fit opens a new segment of a wider type;
//! what is there already stays as it is until the end, so that no single cell costs more than a moment. Every
//! segment can give back the text of its cells exactly, so that a word in row 900,000 turns the 899,999 numbers
//! before it into the texts they were.

use std::sync::Arc;

use arrow_array::builder::TimestampMillisecondBuilder;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, StringArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use schema::Kind;

use crate::turns;
use crate::value::{DayOrder, Moment, Style, integer, moment, number, number_from_integer, truths};

/// Texts of more than this many bytes do not fit one Arrow column.
const MOST_TEXT: usize = i32::MAX as usize;
/// More names than this and a column is text, not a category.
const MOST_CATEGORIES: usize = 10_000;
/// A dictionary this large that still grows with every other row stops being one.
const DICTIONARY_PAYS_BELOW: usize = 4096;
const MOST_IN_DICTIONARY: usize = 50_000;

/// How cells are to be read.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// `.` or `,`.
    pub point: u8,
    missing: Vec<Box<[u8]>>,
    /// Whether a missing token starts with this byte.
    starts: [bool; 256],
    longest: usize,
}

impl Rules {
    pub fn new(point: u8, missing: &[String]) -> Self {
        let mut starts = [false; 256];
        for token in missing {
            if let Some(first) = token.bytes().next() {
                starts[usize::from(first)] = true;
            }
        }
        Self {
            point,
            starts,
            longest: missing.iter().map(String::len).max().unwrap_or(0),
            missing: missing.iter().map(|token| token.as_bytes().into()).collect(),
        }
    }

    #[inline]
    pub fn is_missing(&self, cell: &[u8]) -> bool {
        match cell.first() {
            None => true,
            Some(first) => {
                self.starts[usize::from(*first)]
                    && cell.len() <= self.longest
                    && self.missing.iter().any(|token| **token == *cell)
            }
        }
    }
}

/// A column holds more text than fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMuchText;

/// A column while it grows.
#[derive(Debug)]
pub(crate) struct ColumnBuilder {
    segments: Vec<Segment>,
    /// The last segment's predecessors hold this many rows.
    n_before: usize,
    forced: Option<Kind>,
    /// Rows in typed segments whose text is a missing token that was quoted: missing among numbers, text among texts.
    quoted_tokens: Vec<(u32, Box<[u8]>)>,
}

#[derive(Debug)]
enum Segment {
    Missing(usize),
    /// `i64::MIN` is missing.
    Integer(Vec<i64>),
    Number {
        values: Vec<f64>,
        styles: Vec<Style>,
        kept: Kept,
    },
    Moment {
        moments: Vec<Moment>,
        kept: Kept,
    },
    Dictionary(Dictionary),
    Plain(Plain),
}

/// Texts of single rows.
#[derive(Debug, Default)]
struct Kept {
    rows: Vec<u32>,
    texts: Vec<u8>,
    ends: Vec<usize>,
}

impl Kept {
    fn push(&mut self, row: usize, text: &[u8]) {
        self.rows.push(row as u32);
        self.texts.extend_from_slice(text);
        self.ends.push(self.texts.len());
    }

    fn n_bytes(&self) -> usize {
        held(&self.rows) + held(&self.texts) + held(&self.ends)
    }

    fn get(&self, row: usize) -> &[u8] {
        let Ok(at) = self.rows.binary_search(&(row as u32)) else { return b"" };
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.texts[start..self.ends[at]]
    }
}

/// Texts, each different one once.
#[derive(Debug, Default)]
struct Dictionary {
    /// -1 is missing.
    codes: Vec<i32>,
    texts: Vec<u8>,
    ends: Vec<u32>,
    /// Open addressing, a power of two; 0 is free, otherwise code + 1.
    slots: Vec<u32>,
}

/// FxHash's step over words of eight bytes, then a finishing mix; needs no secret, because tables are small.
#[inline]
fn hash(text: &[u8]) -> u64 {
    const SEED: u64 = 0x517c_c1b7_2722_0a95;
    let mut hash = text.len() as u64;
    let mut words = text.chunks_exact(8);
    for word in &mut words {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        hash = (hash.rotate_left(5) ^ word).wrapping_mul(SEED);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let mut word = 0_u64;
        for byte in rest {
            word = word << 8 | u64::from(*byte);
        }
        hash = (hash.rotate_left(5) ^ word).wrapping_mul(SEED);
    }
    hash ^ hash >> 32
}

impl Dictionary {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn text(&self, code: usize) -> &[u8] {
        let start = if code == 0 { 0 } else { self.ends[code - 1] as usize };
        &self.texts[start..self.ends[code] as usize]
    }

    #[inline]
    fn push(&mut self, text: &[u8]) -> Result<(), TooMuchText> {
        let code = self.code(text)?;
        self.codes.push(code);
        Ok(())
    }

    #[inline]
    fn code(&mut self, text: &[u8]) -> Result<i32, TooMuchText> {
        if self.slots.len() < (self.len() + 1) * 2 {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut at = hash(text) as usize & mask;
        loop {
            match self.slots[at] {
                0 => break,
                slot if self.text(slot as usize - 1) == text => return Ok(slot as i32 - 1),
                _ => at = (at + 1) & mask,
            }
        }
        if self.texts.len() + text.len() > MOST_TEXT {
            return Err(TooMuchText);
        }
        self.texts.extend_from_slice(text);
        self.ends.push(self.texts.len() as u32);
        self.slots[at] = self.len() as u32;
        Ok(self.len() as i32 - 1)
    }

    #[cold]
    fn grow(&mut self) {
        let n_slots = (self.slots.len() * 2).max(16);
        let mut slots = vec![0; n_slots];
        for code in 0..self.len() {
            let mut at = hash(self.text(code)) as usize & (n_slots - 1);
            while slots[at] != 0 {
                at = (at + 1) & (n_slots - 1);
            }
            slots[at] = code as u32 + 1;
        }
        self.slots = slots;
    }

    /// The texts one after the other, if that takes but a moment: then the column needs no second pass at its end.
    #[cold]
    fn unfold(&self) -> Option<Plain> {
        if self.codes.len() > turns::ROWS {
            return None;
        }
        let mut plain = Plain::default();
        for code in &self.codes {
            match usize::try_from(*code) {
                Ok(code) => plain.push(self.text(code)).ok()?,
                Err(_) => plain.push_missing(),
            }
        }
        Some(plain)
    }

    fn pays(&self) -> bool {
        self.len() <= DICTIONARY_PAYS_BELOW || (self.len() <= MOST_IN_DICTIONARY && self.len() * 2 <= self.codes.len())
    }
}

/// Texts one after the other.
#[derive(Debug, Default)]
struct Plain {
    texts: Vec<u8>,
    /// The highest bit is set where there is no value.
    ends: Vec<u32>,
}

impl Plain {
    const MISSING: u32 = 1 << 31;

    fn push(&mut self, text: &[u8]) -> Result<(), TooMuchText> {
        if self.texts.len() + text.len() > MOST_TEXT {
            return Err(TooMuchText);
        }
        self.texts.extend_from_slice(text);
        self.ends.push(self.texts.len() as u32);
        Ok(())
    }

    fn push_missing(&mut self) {
        self.ends.push(self.texts.len() as u32 | Self::MISSING);
    }

    fn text(&self, row: usize) -> Option<&[u8]> {
        let end = self.ends[row];
        let start = if row == 0 { 0 } else { self.ends[row - 1] & !Self::MISSING } as usize;
        (end & Self::MISSING == 0).then(|| &self.texts[start..end as usize])
    }
}

impl Segment {
    fn len(&self) -> usize {
        match self {
            Self::Missing(n) => *n,
            Self::Integer(values) => values.len(),
            Self::Number { values, .. } => values.len(),
            Self::Moment { moments, .. } => moments.len(),
            Self::Dictionary(dictionary) => dictionary.codes.len(),
            Self::Plain(plain) => plain.ends.len(),
        }
    }

    /// What is reserved counts, used or not.
    fn n_bytes(&self) -> usize {
        match self {
            // A column without any value becomes one of numbers.
            Self::Missing(n) => n * size_of::<f64>(),
            Self::Integer(values) => held(values),
            Self::Number { values, styles, kept } => held(values) + held(styles) + kept.n_bytes(),
            Self::Moment { moments, kept } => held(moments) + kept.n_bytes(),
            Self::Dictionary(Dictionary { codes, texts, ends, slots }) => {
                held(codes) + held(texts) + held(ends) + held(slots)
            }
            Self::Plain(Plain { texts, ends }) => held(texts) + held(ends),
        }
    }

    fn push_missing(&mut self) {
        match self {
            Self::Missing(n) => *n += 1,
            Self::Integer(values) => values.push(i64::MIN),
            Self::Number { values, styles, .. } => {
                values.push(0.0);
                styles.push(Style::MISSING);
            }
            Self::Moment { moments, .. } => moments.push(Moment::MISSING),
            Self::Dictionary(dictionary) => dictionary.codes.push(-1),
            Self::Plain(plain) => plain.push_missing(),
        }
    }

    /// The text of a row, exactly as it was read.
    fn text<'a>(&'a self, row: usize, point: u8, buffer: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        buffer.clear();
        match self {
            Self::Missing(_) => None,
            Self::Integer(values) => (values[row] != i64::MIN).then(|| {
                buffer.extend_from_slice(values[row].to_string().as_bytes());
                buffer.as_slice()
            }),
            Self::Number { values, styles, kept } => match styles[row] {
                Style::MISSING => None,
                Style::KEPT => Some(kept.get(row)),
                style => {
                    style.render(values[row], point, buffer);
                    Some(buffer)
                }
            },
            Self::Moment { moments, kept } => match moments[row] {
                Moment::MISSING => None,
                moment if moment.is_kept() => Some(kept.get(row)),
                moment => {
                    moment.render(buffer);
                    Some(buffer)
                }
            },
            Self::Dictionary(dictionary) => {
                usize::try_from(dictionary.codes[row]).ok().map(|code| dictionary.text(code))
            }
            Self::Plain(plain) => plain.text(row),
        }
    }
}

impl ColumnBuilder {
    /// An empty column; `forced` is the kind the user wants.
    pub fn new(forced: Option<Kind>) -> Self {
        let segment = match forced {
            Some(Kind::Text) => Segment::Plain(Plain::default()),
            Some(Kind::Category) => Segment::Dictionary(Dictionary::default()),
            Some(Kind::Number | Kind::Integer | Kind::Boolean | Kind::DateTime) | None => Segment::Missing(0),
        };
        Self { segments: vec![segment], n_before: 0, forced, quoted_tokens: Vec::new() }
    }

    /// A column that begins with rows without values.
    pub fn with_missing(forced: Option<Kind>, n_rows: usize) -> Self {
        let mut column = Self::new(forced);
        for _ in 0..n_rows {
            column.push_missing();
        }
        column
    }

    pub fn n_rows(&self) -> usize {
        self.n_before + self.segments.last().map_or(0, Segment::len)
    }

    /// Bytes of memory that its cells take.
    pub fn n_bytes(&self) -> usize {
        self.segments.iter().map(Segment::n_bytes).sum()
    }

    pub fn push_missing(&mut self) {
        if let Some(segment) = self.segments.last_mut() {
            segment.push_missing();
        }
    }

    /// The next cell. `is_text` protects missing tokens: quoted they may be meant.
    #[inline]
    pub fn push(&mut self, cell: &[u8], is_text: bool, rules: &Rules) -> Result<(), TooMuchText> {
        let is_token = rules.is_missing(cell);
        let Some(segment) = self.segments.last_mut() else { return Ok(()) };
        if is_token && !is_text {
            segment.push_missing();
            return Ok(());
        }
        match segment {
            Segment::Plain(plain) => return plain.push(cell),
            Segment::Dictionary(dictionary) => {
                dictionary.push(cell)?;
                if !dictionary.pays() && self.forced.is_none() {
                    match dictionary.unfold() {
                        Some(plain) => *segment = Segment::Plain(plain),
                        None => self.open(Segment::Plain(Plain::default())),
                    }
                }
                return Ok(());
            }
            _ if is_token => {
                segment.push_missing();
                let row = self.n_rows() - 1;
                self.quoted_tokens.push((row as u32, cell.into()));
                return Ok(());
            }
            Segment::Integer(values) => {
                if let Some(value) = integer(cell) {
                    values.push(value);
                    return Ok(());
                }
            }
            Segment::Number { values, styles, kept } => {
                if let Some((x, style)) = number(cell, rules.point) {
                    if style == Style::KEPT {
                        kept.push(values.len(), cell);
                    }
                    values.push(x);
                    styles.push(style);
                    return Ok(());
                }
            }
            Segment::Moment { moments, kept } => {
                if let Some(moment) = moment(cell) {
                    if moment.is_kept() {
                        kept.push(moments.len(), cell);
                    }
                    moments.push(moment);
                    return Ok(());
                }
            }
            Segment::Missing(_) => {}
        }
        self.open_for(cell, rules);
        self.push(cell, is_text, rules)
    }

    fn open(&mut self, segment: Segment) {
        self.n_before = self.n_rows();
        self.segments.push(segment);
    }

    /// Opens a segment that takes this value, no narrower than the one before.
    #[cold]
    fn open_for(&mut self, cell: &[u8], rules: &Rules) {
        let may_be_number = matches!(self.segments.last(), Some(Segment::Missing(_) | Segment::Integer(_)));
        let may_be_first = matches!(self.segments.last(), Some(Segment::Missing(_)));
        let segment = if may_be_first && integer(cell).is_some() {
            Segment::Integer(Vec::new())
        } else if may_be_number && number(cell, rules.point).is_some() {
            Segment::Number { values: Vec::new(), styles: Vec::new(), kept: Kept::default() }
        } else if may_be_first && moment(cell).is_some() {
            Segment::Moment { moments: Vec::new(), kept: Kept::default() }
        } else {
            Segment::Dictionary(Dictionary::default())
        };
        self.open(segment);
    }

    /// The column as an array of the kind that fits best, and what the user should know about it.
    pub async fn finish(mut self, rules: &Rules, prefers_day_first: bool) -> Result<Finished, TooMuchText> {
        let n_rows = self.n_rows();
        self.segments.retain(|segment| segment.len() > 0);
        let is_text = self.forced == Some(Kind::Text)
            || self.forced == Some(Kind::Category)
            || self.segments.iter().any(|segment| matches!(segment, Segment::Dictionary(_) | Segment::Plain(_)));
        if is_text {
            return self.finish_text(rules).await;
        }
        if self.segments.iter().any(|segment| matches!(segment, Segment::Moment { .. })) {
            return match self.dates(prefers_day_first).await {
                Some(finished) => Ok(finished),
                None => self.finish_text(rules).await,
            };
        }
        if self.segments.iter().any(|segment| matches!(segment, Segment::Number { .. })) {
            return Ok(Finished::new(Kind::Number, self.numbers(n_rows)));
        }
        if self.segments.iter().any(|segment| matches!(segment, Segment::Integer(_))) {
            return Ok(Finished::new(Kind::Integer, self.integers(n_rows)));
        }
        Ok(Finished::new(Kind::Number, Arc::new(Float64Array::new_null(n_rows))))
    }

    fn integers(self, n_rows: usize) -> ArrayRef {
        let mut all: Vec<i64> = Vec::new();
        for segment in self.segments {
            match segment {
                Segment::Integer(values) if all.is_empty() => all = values,
                Segment::Integer(values) => all.extend(values),
                other => {
                    all.reserve_exact(n_rows);
                    all.extend(std::iter::repeat_n(i64::MIN, other.len()));
                }
            }
        }
        all.shrink_to_fit();
        let nulls = nulls(all.iter().map(|value| *value != i64::MIN));
        if nulls.is_some() {
            for value in all.iter_mut().filter(|value| **value == i64::MIN) {
                *value = 0;
            }
        }
        Arc::new(Int64Array::new(ScalarBuffer::from(all), nulls))
    }

    fn numbers(self, n_rows: usize) -> ArrayRef {
        let mut all: Vec<f64> = Vec::new();
        let mut all_styles: Vec<Style> = Vec::new();
        for segment in self.segments {
            match segment {
                Segment::Number { values, styles, .. } if all.is_empty() => (all, all_styles) = (values, styles),
                Segment::Number { values, styles, .. } => {
                    all.extend(values);
                    all_styles.extend(styles);
                }
                Segment::Integer(values) => {
                    all.reserve_exact(n_rows);
                    for value in values {
                        let is_missing = value == i64::MIN;
                        let (x, style) = if is_missing { (0.0, Style::MISSING) } else { number_from_integer(value) };
                        all.push(x);
                        all_styles.push(style);
                    }
                }
                other => {
                    all.extend(std::iter::repeat_n(0.0, other.len()));
                    all_styles.extend(std::iter::repeat_n(Style::MISSING, other.len()));
                }
            }
        }
        all.shrink_to_fit();
        let nulls = nulls(all_styles.iter().map(|style| *style != Style::MISSING));
        Arc::new(Float64Array::new(ScalarBuffer::from(all), nulls))
    }

    /// The column as dates if one order of day and month makes a day of every cell.
    async fn dates(&self, prefers_day_first: bool) -> Option<Finished> {
        let (mut n_open, mut by_day, mut by_month) = (0, true, true);
        for segment in &self.segments {
            let Segment::Moment { moments, .. } = segment else { continue };
            for block in moments.chunks(turns::ROWS) {
                for moment in block.iter().filter(|moment| **moment != Moment::MISSING) {
                    by_day &= moment.millis(DayOrder::DayFirst).is_some();
                    by_month &= moment.millis(DayOrder::MonthFirst).is_some();
                    n_open += usize::from(moment.is_open());
                }
                turns::rest().await;
            }
        }
        let order = match (by_day, by_month) {
            (false, false) => return None,
            (true, false) => DayOrder::DayFirst,
            (false, true) => DayOrder::MonthFirst,
            (true, true) if prefers_day_first => DayOrder::DayFirst,
            (true, true) => DayOrder::MonthFirst,
        };
        let mut all = TimestampMillisecondBuilder::with_capacity(self.n_rows());
        for segment in &self.segments {
            let Segment::Moment { moments, .. } = segment else {
                all.append_nulls(segment.len());
                continue;
            };
            for block in moments.chunks(turns::ROWS) {
                for moment in block {
                    all.append_option(if *moment == Moment::MISSING { None } else { moment.millis(order) });
                }
                turns::rest().await;
            }
        }
        let mut finished = Finished::new(Kind::DateTime, Arc::new(all.finish()));
        if n_open > 0 && by_day && by_month {
            finished.note = Some(match order {
                DayOrder::DayFirst => "no value tells whether day or month comes first; read as day/month/year".into(),
                DayOrder::MonthFirst => {
                    "no value tells whether day or month comes first; read as month/day/year".into()
                }
            });
        }
        Some(finished)
    }

    async fn finish_text(self, rules: &Rules) -> Result<Finished, TooMuchText> {
        let forced = self.forced;
        let mut segments = self.segments;
        let is_single = segments.len() == 1;
        if is_single && let Some(Segment::Plain(_) | Segment::Dictionary(_)) = segments.first() {
            return Ok(match segments.pop() {
                Some(Segment::Plain(plain)) => Finished::new(Kind::Text, plain.into_array()),
                Some(Segment::Dictionary(dictionary)) => dictionary.finish(forced),
                _ => Finished::new(Kind::Text, Arc::new(StringArray::new_null(0))),
            });
        }
        // Through one dictionary again, in the order of the rows, unless some part has outgrown it.
        let is_plain =
            forced == Some(Kind::Text) || segments.iter().any(|segment| matches!(segment, Segment::Plain(_)));
        let mut plain = Plain::default();
        let mut dictionary = Dictionary::default();
        let mut buffer = Vec::new();
        let mut quoted = self.quoted_tokens.iter().peekable();
        let mut row_idx = 0_u32;
        for segment in segments {
            for row in 0..segment.len() {
                let token = quoted.next_if(|(row, _)| *row == row_idx).map(|(_, text)| &**text);
                let text = segment.text(row, rules.point, &mut buffer).or(token);
                match text {
                    Some(text) if is_plain => plain.push(text)?,
                    Some(text) => dictionary.push(text)?,
                    None if is_plain => plain.push_missing(),
                    None => dictionary.codes.push(-1),
                }
                turns::rest_at(row_idx as usize).await;
                row_idx += 1;
            }
        }
        Ok(if is_plain { Finished::new(Kind::Text, plain.into_array()) } else { dictionary.finish(forced) })
    }
}

impl Plain {
    fn into_array(mut self) -> ArrayRef {
        self.texts.shrink_to_fit();
        let nulls = nulls(self.ends.iter().map(|end| end & Self::MISSING == 0));
        let offsets: Vec<i32> =
            std::iter::once(0).chain(self.ends.iter().map(|end| (end & !Self::MISSING) as i32)).collect();
        strings(offsets, self.texts, nulls)
    }
}

impl Dictionary {
    fn names(&self) -> ArrayRef {
        let offsets = std::iter::once(0).chain(self.ends.iter().map(|end| *end as i32)).collect();
        strings(offsets, self.texts.clone(), None)
    }

    /// Boolean, category or text, whichever it is.
    fn finish(self, forced: Option<Kind>) -> Finished {
        let n_valid = self.codes.iter().filter(|code| **code >= 0).count();
        if forced.is_none() {
            let words: Option<Vec<&str>> = (self.len() <= 8)
                .then(|| (0..self.len()).filter_map(|code| std::str::from_utf8(self.text(code)).ok()).collect());
            if let Some(meanings) = words.and_then(|words| truths(words.into_iter())) {
                let values: BooleanArray =
                    self.codes.iter().map(|code| usize::try_from(*code).ok().map(|code| meanings[code])).collect();
                return Finished::new(Kind::Boolean, Arc::new(values));
            }
        }
        if forced == Some(Kind::Category) || is_category(self.len(), n_valid) {
            let names = self.names();
            let mut codes = self.codes;
            codes.shrink_to_fit();
            let nulls = nulls(codes.iter().map(|code| *code >= 0));
            for code in &mut codes {
                *code = (*code).max(0);
            }
            let keys = Int32Array::new(ScalarBuffer::from(codes), nulls);
            return match DictionaryArray::<Int32Type>::try_new(keys, names) {
                Ok(array) => Finished::new(Kind::Category, Arc::new(array)),
                // Not reached: codes are positions of names. Better a column without values than a panic.
                Err(_) => Finished::new(Kind::Text, Arc::new(StringArray::new_null(0))),
            };
        }
        let texts: StringArray = self
            .codes
            .iter()
            .map(|code| usize::try_from(*code).ok().and_then(|code| std::str::from_utf8(self.text(code)).ok()))
            .collect();
        Finished::new(Kind::Text, Arc::new(texts))
    }
}

/// Texts that repeat name a group: at most half of them may differ, or three quarters if they are a handful.
fn is_category(n_distinct: usize, n_valid: usize) -> bool {
    (n_distinct * 2 <= n_valid && n_distinct <= MOST_CATEGORIES) || (n_distinct <= 10 && n_distinct * 4 <= n_valid * 3)
}

fn nulls(valid: impl Iterator<Item = bool> + Clone) -> Option<NullBuffer> {
    if valid.clone().all(|is_valid| is_valid) { None } else { Some(NullBuffer::from(valid.collect::<Vec<_>>())) }
}

fn strings(offsets: Vec<i32>, texts: Vec<u8>, nulls: Option<NullBuffer>) -> ArrayRef {
    let n_rows = offsets.len() - 1;
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    match StringArray::try_new(offsets, Buffer::from_vec(texts), nulls) {
        Ok(array) => Arc::new(array),
        // Not reached: decoders give UTF-8, which is only ever cut at ASCII characters.
        Err(_) => Arc::new(StringArray::new_null(n_rows)),
    }
}

/// Bytes that a list has reserved.
fn held<T>(list: &Vec<T>) -> usize {
    list.capacity() * size_of::<T>()
}

/// A column that has stopped growing.
#[derive(Debug)]
pub(crate) struct Finished {
    pub kind: Kind,
    pub array: ArrayRef,
    pub note: Option<String>,
}

impl Finished {
    fn new(kind: Kind, array: ArrayRef) -> Self {
        Self { kind, array, note: None }
    }
}
