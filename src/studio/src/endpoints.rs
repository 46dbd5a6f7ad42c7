//! Asking a host of endpoints: the browser's own, or the server that the page came from.

use js_sys::{Reflect, Uint8Array};
use leptos::prelude::window;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, Response};

use crate::dom;

/// Where a tab keeps the server's key; it is forgotten with the tab.
const KEY: &str = "millrace-monitor-key";

/// Who answers for endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    /// The service worker of this page.
    Browser,
    /// The server that the page came from.
    Server,
}

/// A host, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Which.
    pub kind: HostKind,
    /// What addresses begin with, ending in a slash.
    pub base: String,
}

/// An answer that is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskError {
    /// A key is needed, or another one.
    Key,
    /// Nobody is there who knows of endpoints.
    NoHost,
    /// Anything else, in words.
    Other(String),
}

impl AskError {
    /// What went wrong, to be shown.
    pub fn in_words(&self) -> String {
        match self {
            Self::Key => "the server wants another key: give it on the page Monitor".into(),
            Self::NoHost => "nobody answers for endpoints: reload the page".into(),
            Self::Other(words) => words.clone(),
        }
    }
}

/// The key that this tab sends to the server; empty if none was given.
pub fn kept_key() -> String {
    tab_storage().and_then(|kept| kept.get_item(KEY).ok()?).unwrap_or_default()
}

/// Keeps a key until the tab is closed.
pub fn keep_key(key: &str) {
    if let Some(kept) = tab_storage() {
        // Without it, a reload asks for the key again.
        let _ = kept.set_item(KEY, key);
    }
}

fn tab_storage() -> Option<web_sys::Storage> {
    dom::window().session_storage().ok()?
}

/// The hosts that this page can ask, the nearest last.
pub fn hosts() -> Vec<Host> {
    let here = dom::document().base_uri().ok().flatten().unwrap_or_default();
    let here = here.split(['#', '?']).next().unwrap_or_default();
    let folder = &here[..here.rfind('/').map_or(0, |slash| slash + 1)];
    let mut hosts = vec![Host { kind: HostKind::Browser, base: folder.to_owned() }];
    let meta = dom::document().query_selector("meta[name=millrace-server]").ok().flatten();
    if let Some(address) = meta.and_then(|meta| meta.get_attribute("content"))
        && let Ok(url) = web_sys::Url::new_with_base(&address, folder)
    {
        hosts.push(Host { kind: HostKind::Server, base: url.href() });
    }
    hosts
}

/// What came back.
pub struct Answered {
    /// 200, 404 and so on.
    pub status: u16,
    /// The body, as text.
    pub text: String,
}

/// A request.
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    key: &'a str,
    accept: &'a str,
    header: Option<(&'a str, &'a str)>,
    body: Option<JsValue>,
}

impl<'a> Asked<'a> {
    /// For what stands behind a path, of some kind.
    fn for_kind(path: &'a str, key: &'a str, accept: &'a str) -> Self {
        Self { method: "GET", path, key, accept, header: None, body: None }
    }
}

impl Host {
    /// Sends a request with JSON, or none. The key goes with it, if there is one.
    ///
    /// # Errors
    /// The host cannot be reached.
    pub async fn send(&self, method: &str, path: &str, key: &str, body: Option<&str>) -> Result<Answered, AskError> {
        self.send_with(method, path, key, body, None).await
    }

    /// The same, with one more header.
    ///
    /// # Errors
    /// As for `send`.
    pub async fn send_with(
        &self,
        method: &str,
        path: &str,
        key: &str,
        body: Option<&str>,
        header: Option<(&str, &str)>,
    ) -> Result<Answered, AskError> {
        let asked = Asked { method, path, key, accept: "application/json", header, body: body.map(JsValue::from_str) };
        let (status, bytes) = self.exchange(asked).await?;
        Ok(Answered { status, text: String::from_utf8_lossy(&bytes).into_owned() })
    }

    /// What stands behind a path, decoded.
    ///
    /// # Errors
    /// The host cannot be reached, wants a key, or answers something else.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, key: &str) -> Result<T, AskError> {
        let Answered { status, text } = self.send("GET", path, key, None).await?;
        decoded(path, status, &text)
    }

    /// The bytes behind a path.
    ///
    /// # Errors
    /// As for `get`.
    pub async fn bytes(&self, path: &str, key: &str) -> Result<Vec<u8>, AskError> {
        let (status, bytes) = self.exchange(Asked::for_kind(path, key, "application/octet-stream")).await?;
        match status {
            200 => Ok(bytes),
            401 | 403 => Err(AskError::Key),
            _ => Err(AskError::Other(reason(status, &String::from_utf8_lossy(&bytes)))),
        }
    }

    /// The text behind a path.
    ///
    /// # Errors
    /// As for `get`.
    pub async fn text(&self, path: &str, key: &str) -> Result<String, AskError> {
        let (status, bytes) = self.exchange(Asked::for_kind(path, key, "text/plain")).await?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match status {
            200 if !text.trim_start().starts_with('<') => Ok(text),
            200 => Err(AskError::NoHost),
            401 | 403 => Err(AskError::Key),
            _ => Err(AskError::Other(reason(status, &text))),
        }
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// As for `get`.
    pub async fn post_bytes<T: DeserializeOwned>(&self, path: &str, key: &str, bytes: &[u8]) -> Result<T, AskError> {
        let body = Some(Uint8Array::from(bytes).into());
        let asked = Asked { method: "POST", body, ..Asked::for_kind(path, key, "application/json") };
        let (status, answer) = self.exchange(asked).await?;
        decoded(path, status, &String::from_utf8_lossy(&answer))
    }

    async fn exchange(&self, asked: Asked<'_>) -> Result<(u16, Vec<u8>), AskError> {
        let Asked { method, path, key, accept, header, body } = asked;
        let init = RequestInit::new();
        init.set_method(method);
        if let Ok(headers) = Headers::new() {
            // Names and values without line breaks are always taken.
            let _ = headers.set("accept", accept);
            if !key.is_empty() {
                let _ = headers.set("authorization", &format!("Bearer {key}"));
            }
            if let Some((name, value)) = header {
                let _ = headers.set(name, value);
            }
            if let Some(body) = &body {
                let kind = if body.is_string() { "application/json" } else { "application/octet-stream" };
                let _ = headers.set("content-type", kind);
            }
            init.set_headers(&headers);
        }
        if let Some(body) = &body {
            init.set_body(body);
        }
        let address = format!("{}{path}", self.base);
        let unreachable =
            |error: JsValue| AskError::Other(format!("{address} does not answer ({})", dom::words(&error)));
        let response = JsFuture::from(window().fetch_with_str_and_init(&address, &init)).await.map_err(unreachable)?;
        let response: Response = response.unchecked_into();
        let bytes = match response.array_buffer() {
            Ok(reading) => JsFuture::from(reading).await.map_err(unreachable)?,
            Err(error) => return Err(unreachable(error)),
        };
        Ok((response.status(), Uint8Array::new(&bytes).to_vec()))
    }

    /// Whether somebody is there who could answer: a page that no service worker controls would ask the web host.
    pub fn is_there(&self) -> bool {
        match self.kind {
            HostKind::Server => true,
            HostKind::Browser => {
                // Not there at all on addresses that are not secure.
                let worker = Reflect::get(&window().navigator(), &"serviceWorker".into());
                let controller = worker.and_then(|worker| Reflect::get(&worker, &"controller".into()));
                controller.is_ok_and(|controller| controller.is_truthy())
            }
        }
    }
}

fn decoded<T: DeserializeOwned>(path: &str, status: u16, text: &str) -> Result<T, AskError> {
    match status {
        200 => serde_json::from_str(text).map_err(|error| {
            if text.trim_start().starts_with('<') {
                AskError::NoHost
            } else {
                AskError::Other(format!("the answer to {path} cannot be read: {error}"))
            }
        }),
        401 | 403 => Err(AskError::Key),
        404 if !text.contains("\"error\"") => Err(AskError::NoHost),
        _ => Err(AskError::Other(reason(status, text))),
    }
}

/// Why a host refused, in its own words.
pub fn reason(status: u16, text: &str) -> String {
    let told: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let told = told.as_ref().and_then(|told| told.get("error")?.as_str());
    told.map_or_else(|| format!("the host answered with status {status}"), str::to_owned)
}
