//! Bytes to UTF-8, piece by piece, whatever they were.

use serde::{Deserialize, Serialize};

/// How a file writes its characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// Latin-1 as Windows writes it.
    Windows1252,
}

impl Encoding {
    /// The word shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16 LE",
            Self::Utf16Be => "UTF-16 BE",
            Self::Windows1252 => "Latin-1 (Windows-1252)",
        }
    }

    /// Judges by the byte order mark, or by what the first bytes could be.
    pub(crate) fn detect(sample: &[u8]) -> Self {
        match sample {
            [0xef, 0xbb, 0xbf, ..] => return Self::Utf8,
            [0xff, 0xfe, ..] => return Self::Utf16Le,
            [0xfe, 0xff, ..] => return Self::Utf16Be,
            _ => {}
        }
        let n_zeros = |from: usize| sample.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
        let (even, odd) = (n_zeros(0), n_zeros(1));
        let many = sample.len() / 5;
        if odd > many && even * 8 < odd {
            return Self::Utf16Le;
        }
        if even > many && odd * 8 < even {
            return Self::Utf16Be;
        }
        match std::str::from_utf8(sample) {
            Err(error) if error.error_len().is_some() => Self::Windows1252,
            Ok(_) | Err(_) => Self::Utf8,
        }
    }
}

/// Turns pieces into UTF-8; a character may be cut anywhere.
#[derive(Debug)]
pub(crate) struct Decoder {
    pub encoding: Encoding,
    /// The user said so, or there was a mark.
    is_sure: bool,
    /// The bytes of a character that is not complete.
    carry: Vec<u8>,
    is_at_start: bool,
    has_seen_non_ascii: bool,
    /// Bytes that mean nothing in this encoding.
    pub n_replaced: u64,
}

impl Decoder {
    pub fn new(encoding: Encoding, is_sure: bool) -> Self {
        Self { encoding, is_sure, carry: Vec::new(), is_at_start: true, has_seen_non_ascii: false, n_replaced: 0 }
    }

    /// Appends the piece to `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let joined;
        let mut rest = piece;
        if !self.carry.is_empty() || (self.is_at_start && piece.len() < 3) {
            self.carry.extend_from_slice(piece);
            joined = std::mem::take(&mut self.carry);
            rest = &joined;
        }
        if self.is_at_start {
            let mark: &[u8] = match self.encoding {
                Encoding::Utf8 => &[0xef, 0xbb, 0xbf],
                Encoding::Utf16Le => &[0xff, 0xfe],
                Encoding::Utf16Be => &[0xfe, 0xff],
                Encoding::Windows1252 => &[],
            };
            if rest.len() < mark.len() && mark.starts_with(rest) {
                self.carry = rest.to_vec();
                return;
            }
            self.is_at_start = false;
            rest = rest.strip_prefix(mark).unwrap_or(rest);
        }
        match self.encoding {
            Encoding::Utf8 => self.utf8(rest, out),
            Encoding::Utf16Le => self.utf16(rest, u16::from_le_bytes, out),
            Encoding::Utf16Be => self.utf16(rest, u16::from_be_bytes, out),
            Encoding::Windows1252 => windows_1252(rest, out),
        }
    }

    /// What was cut off at the end of the file.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.carry.is_empty() && !self.is_at_start {
            let carry = std::mem::take(&mut self.carry);
            if self.encoding == Encoding::Utf8 && !self.has_seen_non_ascii && !self.is_sure {
                self.encoding = Encoding::Windows1252;
                windows_1252(&carry, out);
            } else {
                self.replace(out);
            }
        }
    }

    fn replace(&mut self, out: &mut Vec<u8>) {
        self.n_replaced += 1;
        out.extend_from_slice("\u{fffd}".as_bytes());
    }

    fn utf8(&mut self, mut rest: &[u8], out: &mut Vec<u8>) {
        loop {
            let error = match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.has_seen_non_ascii |= !text.is_ascii();
                    out.extend_from_slice(rest);
                    return;
                }
                Err(error) => error,
            };
            let (valid, bad) = rest.split_at(error.valid_up_to());
            self.has_seen_non_ascii |= !valid.is_ascii();
            out.extend_from_slice(valid);
            let Some(n_bad) = error.error_len() else {
                self.carry = bad.to_vec();
                return;
            };
            if !self.has_seen_non_ascii && !self.is_sure {
                // ASCII so far, so nothing that was read means anything else in Latin-1.
                self.encoding = Encoding::Windows1252;
                windows_1252(bad, out);
                return;
            }
            self.replace(out);
            rest = &bad[n_bad..];
        }
    }

    fn utf16(&mut self, rest: &[u8], unit: fn([u8; 2]) -> u16, out: &mut Vec<u8>) {
        let mut buffer = [0; 4];
        let mut at = 0;
        while let Some(pair) = rest.get(at..at + 2) {
            let first = unit([pair[0], pair[1]]);
            let (character, n_bytes) = match first {
                0xd800..=0xdbff => match rest.get(at + 2..at + 4) {
                    None => break,
                    Some(next) => match char::decode_utf16([first, unit([next[0], next[1]])]).next() {
                        Some(Ok(character)) => (Some(character), 4),
                        _ => (None, 2),
                    },
                },
                _ => (char::from_u32(u32::from(first)), 2),
            };
            match character {
                Some(character) => out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes()),
                None => self.replace(out),
            }
            at += n_bytes;
        }
        self.carry = rest[at..].to_vec();
    }
}

fn windows_1252(rest: &[u8], out: &mut Vec<u8>) {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let mut buffer = [0; 4];
    for run in rest.chunk_by(|left, right| left.is_ascii() == right.is_ascii()) {
        if run[0].is_ascii() {
            out.extend_from_slice(run);
            continue;
        }
        for byte in run {
            let character = if *byte < 0xa0 { HIGH[usize::from(*byte - 0x80)] } else { char::from(*byte) };
            out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        }
    }
}
