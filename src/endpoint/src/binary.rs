//! Tensors as bytes behind a JSON head: the protocol's extension for binary data.

use registry::Cell;

use crate::infer::shape_mismatch;
use crate::{Refusal, Request};

/// A type of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the protocol's own names")]
pub(crate) enum Datatype {
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Fp32,
    Fp64,
    Bytes,
}

impl Datatype {
    /// In the order of the variants.
    pub const NAMES: [&'static str; 13] = [
        "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64",
        "BYTES",
    ];
    const ALL: [Self; 13] = [
        Self::Bool,
        Self::Uint8,
        Self::Uint16,
        Self::Uint32,
        Self::Uint64,
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::Fp16,
        Self::Fp32,
        Self::Fp64,
        Self::Bytes,
    ];

    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().position(|known| *known == name).map(|at| Self::ALL[at])
    }

    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Bytes of a value; none where values differ in length.
    fn n_bytes(self) -> Option<usize> {
        match self {
            Self::Bool | Self::Uint8 | Self::Int8 => Some(1),
            Self::Uint16 | Self::Int16 | Self::Fp16 => Some(2),
            Self::Uint32 | Self::Int32 | Self::Fp32 => Some(4),
            Self::Uint64 | Self::Int64 | Self::Fp64 => Some(8),
            Self::Bytes => None,
        }
    }

    /// A value from exactly its bytes.
    fn value(self, bytes: &[u8]) -> Cell {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        let unsigned = u64::from_le_bytes(eight);
        let (bits_32, bits_16) = (unsigned as u32, unsigned as u16);
        match self {
            Self::Bool => Cell::Boolean(unsigned != 0),
            Self::Uint8 | Self::Uint16 | Self::Uint32 | Self::Uint64 => {
                i64::try_from(unsigned).map_or(Cell::Number(unsigned as f64), Cell::Integer)
            }
            Self::Int8 => Cell::Integer(i64::from(unsigned as u8 as i8)),
            Self::Int16 => Cell::Integer(i64::from(bits_16 as i16)),
            Self::Int32 => Cell::Integer(i64::from(bits_32 as i32)),
            Self::Int64 => Cell::Integer(unsigned as i64),
            Self::Fp16 => Cell::Number(from_half(bits_16)),
            Self::Fp32 => Cell::Number(f64::from(f32::from_bits(bits_32))),
            Self::Fp64 => Cell::Number(f64::from_bits(unsigned)),
            Self::Bytes => Cell::Missing,
        }
    }
}

/// IEEE 754 binary16.
fn from_half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        // A power of two is exact, so this is too.
        0 => fraction * (-24.0_f64).exp2(),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * f64::from(exponent - 25).exp2(),
    }
}

/// The bytes behind a head, taken one tensor after another.
pub(crate) struct Tensors<'a> {
    rest: &'a [u8],
}

/// A body's JSON head, and what is behind it.
///
/// # Errors
/// A head that is longer than the body.
pub(crate) fn split<'a>(request: &Request<'a>) -> Result<(&'a [u8], Tensors<'a>), Refusal> {
    let Some(length) = request.header("inference-header-content-length") else {
        return Ok((request.body, Tensors { rest: &[] }));
    };
    let n_body = request.body.len();
    match length.trim().parse::<usize>() {
        Ok(n_head) if n_head <= n_body => {
            let (head, rest) = request.body.split_at(n_head);
            Ok((head, Tensors { rest }))
        }
        _ => Err(Refusal::invalid(format!(
            "inference-header-content-length is {length:?}, expected the bytes of the JSON head, at most {n_body}"
        ))),
    }
}

impl Tensors<'_> {
    /// The values of the next tensor.
    ///
    /// # Errors
    /// Bytes that are too few, or no values of this type.
    pub fn take(&mut self, name: &str, datatype: Datatype, n_bytes: usize) -> Result<Vec<Cell>, Refusal> {
        let Some((mut bytes, rest)) = self.rest.split_at_checked(n_bytes) else {
            let found = format!("{} bytes left where \"binary_data_size\" says {n_bytes}", self.rest.len());
            return Err(shape_mismatch(name, found));
        };
        self.rest = rest;
        if let Some(n_each) = datatype.n_bytes() {
            if !n_bytes.is_multiple_of(n_each) {
                return Err(shape_mismatch(name, format!("{n_bytes} bytes for values of {n_each} bytes each")));
            }
            return Ok(bytes.chunks_exact(n_each).map(|bytes| datatype.value(bytes)).collect());
        }
        let mut cells = Vec::new();
        while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
            let text = rest.split_at_checked(u32::from_le_bytes(*length) as usize);
            let Some((text, rest)) = text else {
                return Err(shape_mismatch(name, format!("a text that is cut off, value {}", cells.len() + 1)));
            };
            let text = std::str::from_utf8(text)
                .map_err(|_| shape_mismatch(name, format!("value {} which is no UTF-8 text", cells.len() + 1)))?;
            cells.push(Cell::Text(text.into()));
            bytes = rest;
        }
        if bytes.is_empty() { Ok(cells) } else { Err(shape_mismatch(name, "a length that is cut off".into())) }
    }

    /// # Errors
    /// Bytes that belong to no input.
    pub fn done(self) -> Result<(), Refusal> {
        match self.rest.len() {
            0 => Ok(()),
            n => Err(Refusal::invalid(format!("{n} bytes behind the JSON head belong to no input"))),
        }
    }
}

/// Writes values as bytes; a missing number is NaN.
pub(crate) fn write(datatype: Datatype, cells: &[Cell], bytes: &mut Vec<u8>) {
    for cell in cells {
        match (datatype, cell) {
            (Datatype::Bool, Cell::Boolean(truth)) => bytes.push(u8::from(*truth)),
            (Datatype::Int64, Cell::Integer(n)) => bytes.extend_from_slice(&n.to_le_bytes()),
            (Datatype::Fp64, Cell::Number(x)) => bytes.extend_from_slice(&x.to_le_bytes()),
            (Datatype::Fp64, _) => bytes.extend_from_slice(&f64::NAN.to_le_bytes()),
            (_, Cell::Text(text)) => {
                bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
            // Answers are made of the types above alone.
            (_, Cell::Missing | Cell::Boolean(_) | Cell::Integer(_) | Cell::Number(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_read_exactly() {
        for (bits, x) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x0400, 6.103_515_625e-5),
            (0x3555, 0.333_251_953_125),
            (0x7c00, f64::INFINITY),
        ] {
            assert_eq!(from_half(bits), x, "{bits:#x}");
        }
        assert!(from_half(0x7e00).is_nan());
    }

    #[test]
    fn every_type_is_read_from_its_bytes() {
        let mut tensors = Tensors { rest: &[255, 0xfe, 0xff, 1, 0, 0, 0, 0, 0, 0, 0x80, 3, 0, 0, 0, b'a', 0xc3, 0xbc] };
        let mut take = |datatype, n| tensors.take("x", datatype, n).expect("it is read");
        assert_eq!(take(Datatype::Int8, 1), [Cell::Integer(-1)]);
        assert_eq!(take(Datatype::Int16, 2), [Cell::Integer(-2)]);
        assert_eq!(take(Datatype::Uint64, 8), [Cell::Number((1_u64 << 63) as f64 + 1.0)]);
        assert_eq!(take(Datatype::Bytes, 7), [Cell::Text("aü".into())]);
        tensors.done().expect("nothing is left");
    }

    #[test]
    fn bytes_that_do_not_fit_are_refused() {
        let refused =
            |bytes: &[u8], datatype, n| Tensors { rest: bytes }.take("x", datatype, n).expect_err("no").message;
        assert!(refused(&[1, 2], Datatype::Fp32, 4).contains("2 bytes left"));
        assert!(refused(&[1, 2, 3], Datatype::Int16, 3).contains("3 bytes for values of 2"));
        assert!(refused(&[9, 0, 0, 0, b'a'], Datatype::Bytes, 5).contains("cut off"));
        assert!(refused(&[255, 255, 255, 255, 1], Datatype::Bytes, 5).contains("cut off"));
        assert!(refused(&[1, 0, 0, 0, 0xff], Datatype::Bytes, 5).contains("no UTF-8"));
    }
}
