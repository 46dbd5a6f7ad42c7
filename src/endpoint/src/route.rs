//! Which address means what.

use crate::Refusal;

/// An address, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'a> {
    /// What is asked for.
    pub action: Action,
    /// The endpoint, as the address names it.
    pub model: Option<&'a str>,
    /// A version, alias or deployment.
    pub version: Option<&'a str>,
}

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// What the server is.
    Server,
    /// Whether it lives.
    Live,
    /// Whether it is ready.
    Ready,
    /// What it serves.
    Models,
    /// Its OpenAPI description.
    Docs,
    /// Counters for a scraper.
    Metrics,
    /// The repository's models.
    Index,
    /// Starts an endpoint.
    Load,
    /// Stops an endpoint.
    Unload,
    /// Counters in the protocol's words.
    Stats,
    /// A model's columns.
    Metadata,
    /// A model's OpenAPI description.
    ModelDocs,
    /// Whether a model is ready.
    ModelReady,
    /// Predicts, in the protocol's words.
    Infer,
    /// Predicts, in MLflow's words.
    Invocations,
    /// Predicts, in Azure's words.
    Score,
    /// Is told what turned out to be true.
    Feedback,
}

impl<'a> Route<'a> {
    /// Reads an address.
    ///
    /// # Errors
    /// No such address, or another method is meant.
    pub fn of(method: &str, path: &'a str) -> Result<Self, Refusal> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let route = |action| Self { action, model: None, version: None };
        let found = match segments[..] {
            ["v2"] => route(Action::Server),
            ["v2", "health", "live"] | ["ping" | "health"] => route(Action::Live),
            ["v2", "health", "ready"] => route(Action::Ready),
            ["v2", "models"] => route(Action::Models),
            ["v2", "models", "stats"] => route(Action::Stats),
            ["v2", "docs"] => route(Action::Docs),
            ["version"] => route(Action::Server),
            ["metrics"] => route(Action::Metrics),
            ["invocations"] => route(Action::Invocations),
            ["score"] => route(Action::Score),
            ["v2", "repository", "index"] => route(Action::Index),
            ["v2", "repository", "models", model, "load"] => Self { model: Some(model), ..route(Action::Load) },
            ["v2", "repository", "models", model, "unload"] => Self { model: Some(model), ..route(Action::Unload) },
            ["v2", "models", model, "docs", "dataplane.json"] => {
                Self { model: Some(model), ..route(Action::ModelDocs) }
            }
            ["v2", "models", model, "versions", version, ref rest @ ..] => {
                Self { action: of_model(rest).ok_or_else(nowhere)?, model: Some(model), version: Some(version) }
            }
            ["v2", "models", model, ref rest @ ..] => {
                Self { model: Some(model), ..route(of_model(rest).ok_or_else(nowhere)?) }
            }
            _ => return Err(nowhere()),
        };
        let expected = found.method();
        // Whoever may get something may also ask for its head.
        if method == expected || (method == "HEAD" && expected == "GET") {
            return Ok(found);
        }
        let message = format!("{} takes {expected}, not {}", found.template(), crate::json::brief_text(method));
        Err(Refusal::uncounted("request.method_not_allowed", 405, message))
    }

    /// Whether it asks for a prediction, which is counted.
    pub fn predicts(self) -> bool {
        matches!(self.action, Action::Infer | Action::Invocations | Action::Score)
    }

    /// Whether the answer rests on what was counted so far.
    pub fn rests_on_counts(self) -> bool {
        matches!(self.action, Action::Metrics | Action::Stats)
    }

    fn method(self) -> &'static str {
        match self.action {
            Action::Index
            | Action::Load
            | Action::Unload
            | Action::Infer
            | Action::Invocations
            | Action::Score
            | Action::Feedback => "POST",
            Action::Server
            | Action::Live
            | Action::Ready
            | Action::Models
            | Action::Docs
            | Action::Metrics
            | Action::Stats
            | Action::Metadata
            | Action::ModelDocs
            | Action::ModelReady => "GET",
        }
    }

    /// The address without its names, so that counters stay few.
    pub fn template(self) -> &'static str {
        match (self.action, self.model, self.version) {
            (Action::Server, ..) => "/v2",
            (Action::Live, ..) => "/v2/health/live",
            (Action::Ready, ..) => "/v2/health/ready",
            (Action::Models, ..) => "/v2/models",
            (Action::Docs, ..) => "/v2/docs",
            (Action::Metrics, ..) => "/metrics",
            (Action::Index, ..) => "/v2/repository/index",
            (Action::Load, ..) => "/v2/repository/models/{model_name}/load",
            (Action::Unload, ..) => "/v2/repository/models/{model_name}/unload",
            (Action::Stats, None, _) => "/v2/models/stats",
            (Action::Stats, Some(_), None) => "/v2/models/{model_name}/stats",
            (Action::Stats, Some(_), Some(_)) => "/v2/models/{model_name}/versions/{model_version}/stats",
            (Action::Metadata, _, None) => "/v2/models/{model_name}",
            (Action::Metadata, _, Some(_)) => "/v2/models/{model_name}/versions/{model_version}",
            (Action::ModelDocs, ..) => "/v2/models/{model_name}/docs/dataplane.json",
            (Action::ModelReady, _, None) => "/v2/models/{model_name}/ready",
            (Action::ModelReady, _, Some(_)) => "/v2/models/{model_name}/versions/{model_version}/ready",
            (Action::Infer, _, None) => "/v2/models/{model_name}/infer",
            (Action::Infer, _, Some(_)) => "/v2/models/{model_name}/versions/{model_version}/infer",
            (Action::Feedback, ..) => "/v2/models/{model_name}/feedback",
            (Action::Invocations, None, _) => "/invocations",
            (Action::Invocations, Some(_), _) => "/v2/models/{model_name}/invocations",
            (Action::Score, None, _) => "/score",
            (Action::Score, Some(_), _) => "/v2/models/{model_name}/score",
        }
    }
}

fn of_model(rest: &[&str]) -> Option<Action> {
    match rest {
        [] => Some(Action::Metadata),
        ["ready"] => Some(Action::ModelReady),
        ["stats"] => Some(Action::Stats),
        ["infer"] => Some(Action::Infer),
        ["invocations"] => Some(Action::Invocations),
        ["score"] => Some(Action::Score),
        ["feedback"] => Some(Action::Feedback),
        _ => None,
    }
}

fn nowhere() -> Refusal {
    Refusal::uncounted("request.not_found", 404, "there is nothing at this address; /v2/docs describes those there are")
}
