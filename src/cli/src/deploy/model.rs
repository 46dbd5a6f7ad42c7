//! Who predicts the rows of a table: a version of a model, here, or an endpoint, over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use ::endpoint::{Answer, Host, Request, Scorer, Service};
use ::registry::{Change, Event, Log, Name};
use anyhow::{Context, Result, bail};
use monitor::{Minute, MinuteKey};
use serde_json::Value as Json;
use server::{Caller, Folder};

use super::resolved;

/// Who predicts. Both are asked in the words of the Open Inference Protocol.
pub enum Model {
    /// A version, in this program.
    Version(Box<Service>),
    /// An endpoint, over HTTP.
    Endpoint(Box<Caller>),
}

/// The name under which a version is asked.
const NAME: &str = "model";

impl Model {
    /// A version of a registry, and what tells it from every other.
    pub fn version(folder: &Folder, address: &str) -> Result<(Self, String)> {
        let log = folder.log()?;
        let (model, version) = resolved(log.registry(), address)?;
        let package = log.registry().version(&model, version)?.package.clone();
        let bytes = folder.package(&package)?;
        let scorer = Arc::new(Scorer::load(&bytes).with_context(|| format!("models:/{model}/{version}"))?);
        let name = Name::new(NAME)?;
        let mut alone = Log::default();
        for change in [
            Change::Registered { model: name.clone(), version: 1, package: package.clone() },
            Change::Deployed { endpoint: name.clone(), deployment: name.clone(), model: name.clone(), version: 1 },
            Change::TrafficSet {
                endpoint: name.clone(),
                traffic: BTreeMap::from([(name, 100)]),
                reason: String::new(),
            },
        ] {
            alone.record(Event { at: 0, who: String::new(), change })?;
        }
        let scorers = BTreeMap::from([(package.clone(), scorer)]);
        let service = Service::new(alone.registry().clone(), scorers).with_max_body(usize::MAX);
        Ok((Self::Version(Box::new(service)), package.to_string()))
    }

    /// An endpoint by its address.
    pub fn endpoint(address: &str, key: Option<String>) -> Result<Self> {
        Ok(Self::Endpoint(Box::new(Caller::new(address, key)?)))
    }

    /// What it says of itself.
    pub fn metadata(&mut self) -> Result<Json> {
        let (status, json) = self.ask("GET", "", "")?;
        if status != 200 {
            bail!("the model does not describe itself: {}", json["error"].as_str().unwrap_or("it answers no JSON"));
        }
        Ok(json)
    }

    /// The status and the answer to an inference request.
    pub fn infer(&mut self, body: &str) -> Result<(u16, Json)> {
        self.ask("POST", "/infer", body)
    }

    fn ask(&mut self, method: &str, below: &str, body: &str) -> Result<(u16, Json)> {
        let (status, bytes) = match self {
            Self::Version(service) => {
                let path = format!("/v2/models/{NAME}{below}");
                let request = Request { method, path: &path, headers: &[], body: body.as_bytes() };
                let answer = service.handle(&request, &Here { started: Instant::now() }).answer;
                (answer.status, answer.body)
            }
            Self::Endpoint(caller) => {
                let (status, bytes) = caller.ask(method, below, body)?;
                (status, bytes.to_vec())
            }
        };
        Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
    }
}

/// A host that counts nothing.
struct Here {
    started: Instant,
}

impl Host for Here {
    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn fresh_id(&self) -> String {
        String::new()
    }

    fn minutes(&self) -> Vec<(MinuteKey, Minute)> {
        Vec::new()
    }

    fn metrics(&self, _: &str) -> Answer {
        Answer::text("text/plain", String::new())
    }
}
