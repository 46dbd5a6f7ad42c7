//! Finds cells and rows in a stream of bytes.

use std::borrow::Cow;

/// A cell within the buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    start: usize,
    end: usize,
    /// Where the quotes close; the opening one is at `start`.
    closed_at: usize,
    quotes: Quotes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    None,
    /// One at each end.
    Around,
    /// Doubled ones within, or something after the closing one.
    Within,
}

impl Field {
    /// What the cell says, and whether it was quoted. White space around it counts only within quotes.
    #[inline]
    pub fn text(self, buffer: &[u8]) -> (Cow<'_, [u8]>, bool) {
        let text = trim(&buffer[self.start..self.end]);
        match self.quotes {
            Quotes::None => (Cow::Borrowed(text), false),
            Quotes::Around => (Cow::Borrowed(&buffer[self.start + 1..self.closed_at]), true),
            Quotes::Within => (Cow::Owned(unquoted(text)), true),
        }
    }
}

#[inline]
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t' | b'\r'] = text {
        text = rest;
    }
    text
}

#[cold]
fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut is_open = false;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'"' if is_open && text.get(at + 1) == Some(&b'"') => {
                out.push(b'"');
                at += 1;
            }
            b'"' if is_open || at == 0 => is_open = !is_open,
            byte => out.push(byte),
        }
        at += 1;
    }
    out
}

/// Where a stream of bytes is between cells and rows; continues where the last piece ended.
#[derive(Debug)]
pub(super) struct Scanner {
    delimiter: u8,
    newline: u8,
    /// Of the buffer; everything before has been looked at.
    at: usize,
    row_start: usize,
    field_start: usize,
    quotes: Option<Quotes>,
    is_open: bool,
    closed_at: usize,
    fields: Vec<Field>,
    /// Line of the next byte, counted from 1.
    line: u64,
    row_line: u64,
}

/// What the caller does next.
pub(super) enum Next {
    Continue,
    Stop,
}

impl Scanner {
    pub fn new(delimiter: u8, newline: u8) -> Self {
        Self {
            delimiter,
            newline,
            at: 0,
            row_start: 0,
            field_start: 0,
            quotes: None,
            is_open: false,
            closed_at: 0,
            fields: Vec::new(),
            line: 1,
            row_line: 1,
        }
    }

    /// Bytes of the row that is not complete.
    pub fn n_open_bytes(&self) -> usize {
        self.at - self.row_start
    }

    /// Whether a quote waits for its end.
    pub fn is_quote_open(&self) -> bool {
        self.is_open
    }

    /// Line on which the row that is not complete starts.
    pub fn row_line(&self) -> u64 {
        self.row_line
    }

    /// Line on which a byte of the buffer stands, at or after the start of that row.
    pub fn line_at(&self, buffer: &[u8], at: usize) -> u64 {
        self.row_line + memchr::memchr_iter(self.newline, &buffer[self.row_start..at]).count() as u64
    }

    /// Hands every complete row to `on_row`, with the line on which it starts.
    pub fn scan<E>(
        &mut self,
        buffer: &[u8],
        mut on_row: impl FnMut(&[u8], &[Field], u64) -> Result<Next, E>,
    ) -> Result<(), E> {
        let from = self.at;
        for hit in memchr::memchr3_iter(self.delimiter, self.newline, b'"', &buffer[from..]) {
            let at = from + hit;
            let byte = buffer[at];
            if byte == b'"' {
                self.quote(buffer, at);
                continue;
            }
            if byte == self.newline {
                self.line += 1;
            }
            if self.is_open {
                continue;
            }
            self.end_field(buffer, at);
            if byte == self.newline {
                let next = on_row(buffer, &self.fields, self.row_line);
                self.fields.clear();
                self.row_start = at + 1;
                self.row_line = self.line;
                if let Next::Stop = next? {
                    self.at = at + 1;
                    return Ok(());
                }
            }
        }
        self.at = buffer.len();
        Ok(())
    }

    /// The last row, which no line break ends.
    pub fn finish<E>(
        &mut self,
        buffer: &[u8],
        mut on_row: impl FnMut(&[u8], &[Field], u64) -> Result<Next, E>,
    ) -> Result<(), E> {
        if self.row_start < buffer.len() && !self.is_open {
            self.end_field(buffer, buffer.len());
            on_row(buffer, &self.fields, self.row_line)?;
            self.fields.clear();
            self.row_start = buffer.len();
        }
        Ok(())
    }

    /// Drops the rows that are done from the front of the buffer.
    pub fn drain(&mut self, buffer: &mut Vec<u8>) {
        let n = self.row_start;
        if n == 0 {
            return;
        }
        buffer.drain(..n);
        self.at -= n;
        self.field_start -= n;
        self.closed_at = self.closed_at.saturating_sub(n);
        self.row_start = 0;
        for field in &mut self.fields {
            field.start -= n;
            field.end -= n;
            field.closed_at = field.closed_at.saturating_sub(n);
        }
    }

    #[inline]
    fn end_field(&mut self, buffer: &[u8], end: usize) {
        let mut quotes = self.quotes.take().unwrap_or(Quotes::None);
        if quotes == Quotes::Around && !trim(&buffer[self.closed_at + 1..end]).is_empty() {
            quotes = Quotes::Within;
        }
        self.fields.push(Field { start: self.field_start, end, closed_at: self.closed_at, quotes });
        self.field_start = end + 1;
    }

    fn quote(&mut self, buffer: &[u8], at: usize) {
        match self.quotes {
            None => {
                // Only at the start of a cell; elsewhere it is a character like any other.
                if buffer[self.field_start..at].iter().all(|byte| matches!(byte, b' ' | b'\t')) {
                    self.field_start = at;
                    self.quotes = Some(Quotes::Around);
                    self.is_open = true;
                }
            }
            Some(_) if self.is_open => {
                self.is_open = false;
                self.closed_at = at;
            }
            Some(_) if at == self.closed_at + 1 => {
                self.is_open = true;
                self.quotes = Some(Quotes::Within);
            }
            Some(_) => self.quotes = Some(Quotes::Within),
        }
    }
}
