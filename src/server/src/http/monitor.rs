//! What is asked of the server itself, under `/v2/monitor`.

use axum::http::request::Parts;
use endpoint::{Action, Answer, Refusal, Route};
use serde_json::json;

use super::Server;
use super::admit::bearer;
use crate::folder::now_ms;

/// What is asked of the server itself, under `/v2/monitor`: minutes, exceptions, events and disagreements.
pub(super) fn monitoring(server: &Server, parts: &Parts) -> Option<Answer> {
    let asked = parts.uri.path().strip_prefix("/v2/monitor/")?;
    let route = Route { action: Action::Stats, model: None, version: None };
    let keys = server.state.keys();
    if let Err(refusal) = keys.admit(bearer(parts), &route, now_ms()) {
        return Some(refusal.answer());
    }
    let state = &server.state;
    Some(match asked {
        "minutes" => Answer::json(200, &json!(state.recent_minutes())),
        "exceptions" => Answer::json(200, &json!(state.exceptions())),
        "disagreements" => {
            let rows = state.disagreements().into_iter();
            let rows = rows.map(|(endpoint, live, mirror, apart)| {
                json!({ "endpoint": endpoint, "live": live, "mirror": mirror, "counts": apart })
            });
            Answer::json(200, &rows.collect())
        }
        "events" => match state.events() {
            Ok(events) => Answer::json(200, &json!(events)),
            Err(error) => Refusal::uncounted("request.failed", 500, format!("{error:#}")).answer(),
        },
        _ => Refusal::uncounted("request.not_found", 404, "expected minutes, exceptions, events or disagreements")
            .answer(),
    })
}
