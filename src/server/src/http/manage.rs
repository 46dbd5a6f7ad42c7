//! `/v2/registry`: what is registered and deployed, and changes of it.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::request::Parts;
use endpoint::{Action, Answer, MAX_PACKAGE, Managed, Refusal, Request, Route};
use monitor::Exception;
use registry::ChangeError;

use super::Server;
use super::admit::{bearer, read};
use crate::folder::now_ms;
use crate::state::State;

/// Answers what is asked of the registry; none if something else is asked.
pub(super) async fn managing(
    server: &Server,
    parts: &Parts,
    headers: &[(String, String)],
    body: Body,
) -> Result<Answer, Body> {
    let path = parts.uri.path();
    if path != "/v2/registry" && !path.starts_with("/v2/registry/") {
        return Err(body);
    }
    Ok(manage(server, parts, headers, body).await.unwrap_or_else(|refusal| refusal.answer()))
}

async fn manage(server: &Server, parts: &Parts, headers: &[(String, String)], body: Body) -> Result<Answer, Refusal> {
    let is_reading = matches!(parts.method.as_str(), "GET" | "HEAD");
    let action = if is_reading { Action::Stats } else { Action::Load };
    let keys = server.state.keys();
    keys.admit(bearer(parts), &Route { action, model: None, version: None }, now_ms())?;
    if !is_reading && !is_of_no_other_site(parts, keys.keys.is_empty()) {
        return Err(other_site());
    }
    let too_large =
        || Refusal::uncounted("request.too_large", 413, format!("the body has more than {MAX_PACKAGE} bytes"));
    let body = read(body, MAX_PACKAGE).await.map_err(|error| Refusal::invalid(error.to_string()))?;
    let body = body.ok_or_else(too_large)?;
    let request = Request { method: parts.method.as_str(), path: parts.uri.path(), headers, body: &body };
    let Some(managed) = tokio::task::block_in_place(|| Managed::of(&request)) else {
        return Err(Refusal::uncounted("request.not_found", 404, "expected /v2/registry"));
    };
    // Disks and large packages take their time; other threads go on answering.
    tokio::task::block_in_place(|| carry_out(&server.state, managed?))
}

fn carry_out(state: &State, managed: Managed<'_>) -> Result<Answer, Refusal> {
    match managed {
        Managed::Show => Ok(Managed::state(state.service().registry())),
        Managed::Change { who, changes } => {
            state.change(&who, changes).map_err(|error| failed(&error))?;
            Ok(Managed::state(state.service().registry()))
        }
        Managed::Register { model, package } => {
            let folder = state.folder().ok_or_else(no_folder)?;
            let version = folder.register("studio", &model, package, |_| Vec::new()).map_err(|error| failed(&error))?;
            state.reload().map_err(|error| failed(&error))?;
            Ok(Managed::registered(&model, version))
        }
        Managed::Fetch { package, is_header } => {
            let folder = state.folder().ok_or_else(no_folder)?;
            let bytes = folder.package(&package).map_err(|_| Managed::no_package(&package))?;
            Managed::package(bytes, is_header)
        }
    }
}

/// A change that does not fit is the caller's; all else is the server's.
pub(super) fn failed(error: &anyhow::Error) -> Refusal {
    match error.downcast_ref::<ChangeError>() {
        Some(change) => Managed::conflict(change),
        None => Refusal::uncounted("request.failed", 500, format!("{error:#}")),
    }
}

fn no_folder() -> Refusal {
    let message = "this server was started with files; start it with --registry to register models";
    Refusal::uncounted("request.failed", 409, message)
}

/// A browser names the site whose page sends a request. Without keys, a site could lead its own name to this computer, so
/// that only addresses and `localhost` count as this server's.
pub(super) fn is_of_no_other_site(parts: &Parts, is_open: bool) -> bool {
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(origin) = header("origin") else { return true };
    let host = header("host").unwrap_or_default();
    let site = origin.split_once("://").map_or("", |(_, site)| site);
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    let is_here = name == "localhost" || name.parse::<IpAddr>().is_ok();
    !site.is_empty() && site == host && (is_here || !is_open)
}

pub(super) fn other_site() -> Refusal {
    Refusal::new(Exception::Forbidden, "a page of another site may not change what is served here")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(origin: Option<&str>, host: &str, is_open: bool) -> bool {
        let mut request = axum::http::Request::post("/v2/registry/changes").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        is_of_no_other_site(&request.body(()).expect("a request").into_parts().0, is_open)
    }

    #[test]
    fn pages_of_other_sites_change_nothing() {
        assert!(may(None, "127.0.0.1:8080", true));
        assert!(may(Some("http://127.0.0.1:8080"), "127.0.0.1:8080", true));
        assert!(may(Some("http://localhost:8080"), "localhost:8080", true));
        assert!(!may(Some("https://example.org"), "127.0.0.1:8080", true));
        assert!(!may(Some("null"), "127.0.0.1:8080", true));
        // A name that someone else leads here.
        assert!(!may(Some("http://example.org:8080"), "example.org:8080", true));
        assert!(may(Some("https://models.example.org"), "models.example.org", false));
    }
}
