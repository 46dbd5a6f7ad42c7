//! What can go wrong with a request: a closed list, so that counters are few and names stay.

use serde::{Deserialize, Serialize};

macro_rules! exceptions {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal;)*) => {
        /// What went wrong with a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Exception { $($(#[$doc])* #[serde(rename = $code)] $name,)* }

        impl Exception {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// `schema.missing_column`: the label of its counter and the `code` of an answer.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The status of the answer; 200 for what is only warned of.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }
        }
    };
}

exceptions! {
    /// A column that the model needs is not there.
    MissingColumn = "schema.missing_column", 400;
    /// A column that the model does not know; passed over.
    UnexpectedColumn = "schema.unexpected_column", 200;
    /// A value of another kind.
    TypeMismatch = "schema.type_mismatch", 400;
    /// Columns of unlike length, or a shape that does not fit its data.
    ShapeMismatch = "schema.shape_mismatch", 400;
    /// A value is missing where the model needs one.
    NullNotAllowed = "schema.null_not_allowed", 400;
    /// A category that training did not see.
    UnknownCategory = "schema.unknown_category", 200;
    /// A value outside of what training saw.
    OutOfRange = "schema.out_of_range", 200;
    /// A body that cannot be read.
    InvalidJson = "request.invalid_json", 400;
    /// A body that is too large.
    TooLarge = "request.too_large", 413;
    /// A content type that is not understood.
    UnsupportedMedia = "request.unsupported_media", 415;
    /// No key, an unknown one, or one that has expired.
    Unauthenticated = "auth.unauthenticated", 401;
    /// A key that may not do this.
    Forbidden = "auth.forbidden", 403;
    /// A key's requests come too fast.
    RateLimit = "limit.rate", 429;
    /// Too many requests at once.
    ConcurrencyLimit = "limit.concurrency", 429;
    /// No such model, version or deployment.
    ModelNotFound = "model.not_found", 404;
    /// A model that is still being loaded, or a server that is ending.
    ModelNotReady = "model.not_ready", 503;
    /// The model itself failed.
    ModelPanic = "model.panic", 500;
    /// The model gave a number that is none.
    NonFiniteOutput = "model.non_finite_output", 500;
    /// The answer took too long.
    Timeout = "timeout", 408;
}

impl Exception {
    /// Whether it is only told, beside an answer, unless the caller asks for strictness.
    pub fn is_warning(self) -> bool {
        self.status() == 200
    }

    /// The status of the answer where nothing is let pass.
    pub fn strict_status(self) -> u16 {
        if self.is_warning() { 400 } else { self.status() }
    }

    /// The exception with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|exception| exception.code() == code)
    }
}
