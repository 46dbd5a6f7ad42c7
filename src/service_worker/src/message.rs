//! What the script and the program say to each other.

use endpoint::{Mirrored, Remembered};
use monitor::drift::SliceRecord;
use monitor::{ExceptionEvent, PerformanceRecord, Record, RequestEvent};
use registry::Hash;
use serde::{Deserialize, Serialize};

/// From the script.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum In {
    /// The first message: the registry's log, as it is kept.
    Open {
        /// `events.ndjson`.
        events: String,
        /// Now, in milliseconds since 1970.
        now_ms: u64,
        /// A number that no other start has; it says which values are kept as samples.
        seed: u64,
    },
    /// A package that was asked for, as bytes.
    Load {
        /// Its name.
        package: Hash,
    },
    /// A request; the bytes are its body.
    Request(Asked),
    /// A request that ended the program that was to answer it. This one is new; it answers in its stead.
    Failed(Asked),
    /// Gives the header of a package; the bytes are the package.
    Header,
    /// Requests whose copies a mirror is to see are given to it now.
    Copy {
        /// Now, in milliseconds since 1970.
        now_ms: u64,
    },
    /// Gives what was counted, to be kept.
    Take {
        /// What rows looked like, too: these records are large, so they are taken less often.
        with_slices: bool,
    },
    /// Adds up two records of the same key.
    Merge {
        /// What is kept.
        kept: Record,
        /// What comes to it.
        more: Record,
    },
    /// Adds up two records of the same key.
    MergeSlices {
        /// What is kept.
        kept: SliceRecord,
        /// What comes to it.
        more: SliceRecord,
    },
    /// Adds up two records of the same deployments.
    MergeMirrored {
        /// What is kept.
        kept: Mirrored,
        /// What comes to it.
        more: Mirrored,
    },
    /// Adds up two records of the same key.
    MergePerformance {
        /// What is kept.
        kept: PerformanceRecord,
        /// What comes to it.
        more: PerformanceRecord,
    },
    /// Follows the rules that move traffic by themselves.
    Rules {
        /// What was counted in the last hour.
        minutes: Vec<Record>,
        /// Now, in milliseconds since 1970.
        now_ms: u64,
    },
    /// Adds up old slices to hours, and forgets those of more than a week.
    Settle {
        /// All that are kept.
        slices: Vec<SliceRecord>,
        /// Now, in milliseconds since 1970.
        now_ms: u64,
    },
}

/// A request, as the script sees it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Asked {
    /// `GET`, `POST`…
    pub method: String,
    /// From the first slash after the scope: `/v2/models/churn/infer`.
    pub path: String,
    /// Names in lower case.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Names the request, if it brings no name.
    pub id: String,
    /// Now, in milliseconds since 1970.
    pub now_ms: u64,
    /// When it came, in seconds of the clock that the program asks.
    #[serde(default)]
    pub arrived: f64,
    /// Requests under way, itself included.
    #[serde(default)]
    pub in_flight: u32,
    /// What stands after the question mark of the address.
    #[serde(default)]
    pub query: String,
    /// What is kept of the past; missing where it was not asked for.
    #[serde(default)]
    pub past: Option<Kept>,
}

/// What is kept of the past: the tables that were asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// All that was ever counted, one record for each that answered.
    pub totals: Vec<Record>,
    /// By minute and deployment.
    pub minutes: Vec<Record>,
    /// Oldest first.
    pub requests: Vec<RequestEvent>,
    /// Oldest first.
    pub exceptions: Vec<ExceptionEvent>,
    /// By ten minutes or an hour, and deployment.
    pub slices: Vec<SliceRecord>,
    /// By deployments.
    pub mirrored: Vec<Mirrored>,
    /// By minute and deployment.
    pub performance: Vec<PerformanceRecord>,
    /// What was predicted for the request that was asked for.
    pub remembered: Option<Remembered>,
}

/// To the script.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Out {
    /// Done. These packages are needed next.
    Ready {
        /// To be loaded.
        needs: Vec<Hash>,
    },
    /// An answer; the bytes are its body.
    Answer {
        /// The status.
        status: u16,
        /// Names in lower case.
        headers: Vec<(&'static str, String)>,
        /// What is to be done before it is given, and after.
        #[serde(flatten)]
        errands: Errands,
    },
    /// The answer is a package that the script keeps: `Load` it for this request and ask again.
    Package {
        /// Which.
        package: Hash,
        /// Only its header is asked for.
        is_header: bool,
    },
    /// The answer rests on what is kept: ask again with these tables as `past`.
    Needs {
        /// Fields of `past`, all but `remembered`.
        tables: &'static [&'static str],
        /// The request whose prediction is to be given as `remembered`.
        request: Option<String>,
        /// From when on, in milliseconds since 1970.
        since_ms: u64,
    },
    /// Rules were followed.
    Changed {
        /// Lines to be added to the log.
        append: String,
        /// Packages to be loaded before the next request.
        needs: Vec<Hash>,
    },
    /// What was counted.
    Taken(Taken),
    /// The sum.
    Merged {
        /// Of both.
        record: serde_json::Value,
    },
    /// The message is no message, or what it brings cannot be used.
    Refused {
        /// Why.
        message: String,
    },
}

/// What the script is to do around an answer.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Errands {
    /// Lines to be added to the log before the answer is given.
    pub append: String,
    /// The request's body is a package that is to be kept under this name before the answer is given.
    pub keep: Option<Hash>,
    /// Packages to be loaded before the next request.
    pub needs: Vec<Hash>,
    /// Whether a mirror is to see a copy.
    pub has_copy: bool,
}

/// What was counted since it was last taken.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Taken {
    /// By minute and deployment.
    pub minutes: Vec<Record>,
    /// In the order in which they happened.
    pub requests: Vec<RequestEvent>,
    /// In the order in which they happened.
    pub exceptions: Vec<ExceptionEvent>,
    /// By ten minutes or an hour, and deployment.
    pub slices: Vec<SliceRecord>,
    /// By deployments.
    pub mirrored: Vec<Mirrored>,
    /// By minute and deployment.
    pub performance: Vec<PerformanceRecord>,
    /// What was predicted, by request, until the truth about it is known.
    pub remembered: Vec<(String, Remembered)>,
    /// Requests about which the truth is known.
    pub judged: Vec<String>,
    /// Whether there are rules to be followed.
    pub has_rules: bool,
}

/// Takes a message apart.
///
/// # Errors
/// Bytes that are none.
pub fn read(bytes: &[u8]) -> Result<(In, &[u8]), String> {
    let cut = || "the message is cut off".to_owned();
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
    let (json, bytes) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut)?;
    let message = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    Ok((message, bytes))
}

/// Puts a message together.
pub fn write(message: &Out, bytes: &[u8]) -> Vec<u8> {
    let json = serde_json::to_vec(message).expect("a message is plain data with text as keys");
    let mut written = (json.len() as u32).to_le_bytes().to_vec();
    written.extend_from_slice(&json);
    written.extend_from_slice(bytes);
    written
}
