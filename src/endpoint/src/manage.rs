//! The registry over HTTP: what is registered and deployed, and changes of it.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v2/registry` | all models and endpoints |
//! | `POST /v2/registry/changes` with `{"who": …, "changes": […]}` | the same after all of the changes, or none of them |
//! | `POST /v2/registry/models/{name}` with a package's bytes | `{"model": …, "version": …}` |
//! | `GET /v2/registry/packages/{hash}` | the package; only its header for `Accept: application/json` |
//!
//! A host reads and writes; what a request asks of it is a [`Managed`].

use registry::{Change, ChangeError, Hash, Name, Package, Registry};
use serde::Deserialize;
use serde_json::json;

use crate::json::brief_text;
use crate::{Answer, Refusal, Request, Scorer, rules};

/// A package of more bytes is refused.
pub const MAX_PACKAGE: usize = 512 << 20;

/// Who changed something, if a request does not say.
const WHO: &str = "studio";

/// What a request about the registry asks of its host.
#[derive(Clone, Debug, PartialEq)]
pub enum Managed<'a> {
    /// To answer with [`Managed::state`].
    Show,
    /// To record all changes, or none, and to answer with the state after them.
    Change {
        /// Who asks.
        who: String,
        /// In this order.
        changes: Vec<Change>,
    },
    /// To keep a package, and to record it as the next version of a model.
    Register {
        /// The model.
        model: Name,
        /// The package, which can be served.
        package: &'a [u8],
    },
    /// To answer with [`Managed::package`].
    Fetch {
        /// Which package.
        package: Hash,
        /// Whether only its header is asked for.
        is_header: bool,
    },
}

/// The body of a request for changes.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    who: String,
    changes: Vec<Change>,
}

impl<'a> Managed<'a> {
    /// Reads a request; none if it is not about the registry.
    ///
    /// # Errors
    /// No such address, another method is meant, or a body that says nothing.
    pub fn of(request: &Request<'a>) -> Option<Result<Self, Refusal>> {
        let rest = request.path.strip_prefix("/v2/registry")?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        Some(Self::read(request, rest))
    }

    /// Whether a request only looks.
    pub fn is_reading(&self) -> bool {
        matches!(self, Self::Show | Self::Fetch { .. })
    }

    fn read(request: &Request<'a>, rest: &str) -> Result<Self, Refusal> {
        let segments: Vec<&str> = rest.split('/').filter(|segment| !segment.is_empty()).collect();
        let expected = match segments[..] {
            [] | ["packages", _] => "GET",
            ["changes"] | ["models", _] => "POST",
            _ => {
                let message = "expected /v2/registry, and after it changes, models/NAME or packages/HASH";
                return Err(Refusal::uncounted("request.not_found", 404, message));
            }
        };
        if request.method != expected && !(request.method == "HEAD" && expected == "GET") {
            let message = format!("{} takes {expected}, not {}", request.path, brief_text(request.method));
            return Err(Refusal::uncounted("request.method_not_allowed", 405, message));
        }
        match segments[..] {
            ["packages", hash] => {
                let package = Hash::new(hash).map_err(|reason| Refusal::uncounted("request.not_found", 404, reason))?;
                let accepts = request.header("accept").unwrap_or_default();
                Ok(Self::Fetch { package, is_header: accepts.contains("application/json") })
            }
            ["changes"] => {
                let Wanted { who, changes } = serde_json::from_slice(request.body).map_err(|error| {
                    bad(format!("the body does not say what to change: {error}; expected {{\"changes\": […]}}"))
                })?;
                changes.iter().try_for_each(rules::check).map_err(bad)?;
                Ok(Self::Change { who: if who.is_empty() { WHO.into() } else { who }, changes })
            }
            ["models", name] => {
                let model = Name::new(name).map_err(|error| bad(error.to_string()))?;
                if request.body.len() > MAX_PACKAGE {
                    let message =
                        format!("the package has {} bytes, at most {MAX_PACKAGE} are taken", request.body.len());
                    return Err(Refusal::uncounted("request.too_large", 413, message));
                }
                // What cannot be served is not registered.
                Scorer::load(request.body).map_err(|error| bad(format!("the package cannot be served: {error}")))?;
                Ok(Self::Register { model, package: request.body })
            }
            _ => Ok(Self::Show),
        }
    }

    /// The answer that shows a state of the registry.
    pub fn state(registry: &Registry) -> Answer {
        Answer::json(200, &json!(registry))
    }

    /// The answer to a package that was registered.
    pub fn registered(model: &Name, version: u32) -> Answer {
        Answer::json(200, &json!({ "model": model, "version": version }))
    }

    /// The answer with a package, or with its header.
    ///
    /// # Errors
    /// Only the header is asked for, and the bytes have none.
    pub fn package(bytes: Vec<u8>, is_header: bool) -> Result<Answer, Refusal> {
        if is_header {
            let package = Package::from_bytes(&bytes);
            let package = package.map_err(|error| Refusal::uncounted("request.failed", 500, error.to_string()))?;
            return Ok(Answer::json(200, &json!(package.header)));
        }
        let headers = vec![("content-type", "application/octet-stream".into())];
        Ok(Answer { status: 200, headers, body: bytes })
    }

    /// The answer to a change that does not fit.
    pub fn conflict(error: &ChangeError) -> Refusal {
        Refusal::uncounted("registry.conflict", 409, error.to_string())
    }

    /// The answer to a package that is not kept here.
    pub fn no_package(package: &Hash) -> Refusal {
        Refusal::uncounted("request.not_found", 404, format!("there is no package {}", package.short()))
    }
}

fn bad(message: String) -> Refusal {
    Refusal::uncounted("request.invalid", 400, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn managed<'a>(method: &'a str, path: &'a str, body: &'a [u8]) -> Result<Managed<'a>, String> {
        let asked = Managed::of(&Request { method, path, headers: &[], body }).expect("it is about the registry");
        asked.map_err(|refusal| format!("{} {}", refusal.status, refusal.message))
    }

    #[test]
    fn changes_are_read_with_who_asks_for_them() {
        let body = br#"{"who":"Ada","changes":[{"type":"stopped","endpoint":"churn"}]}"#;
        let stopped = Change::Stopped { endpoint: Name::new("churn").expect("a name") };
        let changes = vec![stopped];
        assert_eq!(managed("POST", "/v2/registry/changes", body), Ok(Managed::Change { who: "Ada".into(), changes }));
        assert_eq!(managed("GET", "/v2/registry", b""), Ok(Managed::Show));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_is_expected() {
        let refused = |method, path, body| managed(method, path, body).expect_err("it is refused");
        assert_eq!(
            refused("POST", "/v2/registry/models/churn", b"no package"),
            "400 the package cannot be served: this is no packaged model: it does not begin with \"MILLRACE\""
        );
        let alert = br#"{"changes":[{"type":"alert_set","alert":"slow","rule":{"metric":"p99"}}]}"#;
        let why = refused("POST", "/v2/registry/changes", alert);
        assert!(why.contains("the condition of \"alert_set\" cannot be read: missing field"), "{why}");
        assert!(refused("POST", "/v2/registry/changes", b"{}").contains("missing field `changes`"));
        assert!(refused("DELETE", "/v2/registry", b"").starts_with("405 /v2/registry takes GET"));
        assert!(refused("GET", "/v2/registry/packages/1", b"").starts_with("404 \"1\" is no hash"));
        assert!(refused("GET", "/v2/registry/others", b"").starts_with("404 "));
        let elsewhere = Request { method: "GET", path: "/v2/models", headers: &[], body: b"" };
        assert_eq!(Managed::of(&elsewhere), None);
    }
}
