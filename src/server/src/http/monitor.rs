//! What is asked of the server's past, under `/v2/monitor`.

use axum::http::request::Parts;
use endpoint::{Action, Answer, Monitoring, Route};

use super::Server;
use super::admit::bearer;
use crate::folder::now_ms;

/// The answer, if it is about the past.
pub(super) async fn monitoring(server: &Server, parts: &Parts) -> Option<Answer> {
    let asked = Monitoring::of(parts.method.as_str(), parts.uri.path(), parts.uri.query().unwrap_or_default())?;
    // As statistics of models are.
    let route = Route { action: Action::Stats, model: None, version: None };
    let keys = server.state.keys();
    let allowed = keys.admit(bearer(parts), &route, now_ms()).and(asked);
    Some(match allowed {
        Ok(asked) => {
            server.state.recalled().await;
            // It may take a while to say; other threads go on answering.
            tokio::task::block_in_place(|| asked.answer(&server.state.service(), &*server.state))
        }
        Err(refusal) => refusal.answer(),
    })
}
