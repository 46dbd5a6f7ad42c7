//! W3C Trace Context: which trace of its caller a request belongs to.

use registry::Hash;

/// A request as a span of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// Of the caller's span, 16 hexadecimal digits.
    pub parent_id: String,
    /// Of the request's own, 16 hexadecimal digits.
    pub span_id: String,
    /// Two hexadecimal digits.
    pub flags: String,
}

impl Trace {
    /// Reads a `traceparent` header for a request with a name of its own; none if the header is not as it should be.
    pub fn of(traceparent: &str, request_id: &str) -> Option<Self> {
        let mut parts = traceparent.trim().split('-');
        let mut part = |n: usize| {
            let part = parts.next()?;
            let is_hex = part.len() == n && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            is_hex.then_some(part)
        };
        let (version, trace_id, parent_id, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // Later versions may have more parts; the first has none.
        let has_more = parts.next().is_some();
        let is_zero = |id: &str| id.bytes().all(|byte| byte == b'0');
        if version == "ff" || (version == "00" && has_more) || is_zero(trace_id) || is_zero(parent_id) {
            return None;
        }
        let span_id = Hash::of(format!("{traceparent} {request_id}").as_bytes()).as_str()[..16].to_owned();
        Some(Self { trace_id: trace_id.into(), parent_id: parent_id.into(), span_id, flags: flags.into() })
    }

    /// The header that names the request's own span.
    pub fn header(&self) -> String {
        format!("00-{}-{}-{}", self.trace_id, self.span_id, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_on_under_a_span_of_its_own() {
        let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let trace = Trace::of(given, "a").expect("it is one");
        assert_eq!(trace.parent_id, "b7ad6b7169203331");
        let header = trace.header();
        assert!(header.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && header.ends_with("-01"), "{header}");
        assert_ne!(trace.span_id, trace.parent_id);
        assert_ne!(trace.span_id, Trace::of(given, "b").expect("it is one").span_id);
        assert!(Trace::of(&header, "c").is_some());
    }

    #[test]
    fn what_is_no_trace_is_passed_over() {
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert_eq!(Trace::of(wrong, "a"), None, "{wrong}");
        }
        assert!(Trace::of("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", "a").is_some());
    }
}
