//! A built studio at `/studio/`, on the address of the endpoints: its page may ask only the host that it came from.

use std::fs;
use std::path::{Component, Path};

use anyhow::{Result, bail};
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;

/// Sent with every file. The page itself carries its policy, but for what works only as a header.
const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", "frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-cache"),
];
/// Tells the page where the endpoints of its server are.
const META: &str = r#"<meta name="millrace-server" content="../">"#;

/// # Errors
/// The folder holds no page.
pub(crate) fn check(folder: &Path) -> Result<()> {
    if !folder.join("index.html").is_file() {
        bail!(
            "{} holds no studio: it has no index.html\n  help: build one with `cargo xtask build`, or take the folder of a release",
            folder.display()
        );
    }
    Ok(())
}

/// Answers what is asked of the studio; nothing if another is asked.
pub(crate) fn answer(folder: &Path, parts: &Parts) -> Option<Response> {
    let path = parts.uri.path();
    if path == "/studio" {
        return Some(moved("/studio/"));
    }
    let asked = path.strip_prefix("/studio/")?;
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Some(of(StatusCode::METHOD_NOT_ALLOWED, "text/plain", b"only GET and HEAD work here\n".to_vec()));
    }
    let file = if asked.is_empty() { "index.html" } else { asked };
    Some(match read(folder, file) {
        Some(bytes) => of(StatusCode::OK, kind(file), bytes),
        None => of(StatusCode::NOT_FOUND, "text/plain", b"the studio has no such file\n".to_vec()),
    })
}

/// The names of a studio's files need no escapes, so a path that has some names none of them.
fn read(folder: &Path, file: &str) -> Option<Vec<u8>> {
    let path = Path::new(file);
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let bytes = fs::read(folder.join(path)).ok()?;
    Some(if file == "index.html" { with_meta(bytes) } else { bytes })
}

fn with_meta(page: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(page) {
        Ok(page) => page.replacen("<head>", &format!("<head>\n    {META}"), 1).into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

fn kind(file: &str) -> &'static str {
    match file.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "csv" => "text/csv; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn moved(to: &'static str) -> Response {
    let mut response = of(StatusCode::PERMANENT_REDIRECT, "text/plain", Vec::new());
    response.headers_mut().insert("location", HeaderValue::from_static(to));
    response
}

fn of(status: StatusCode, kind: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.insert("content-type", HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn ask(method: &str, path: &str) -> Option<(u16, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../public");
        let (parts, ()) = Request::builder().method(method).uri(path).body(()).expect("a request").into_parts();
        let response = answer(&folder, &parts)?;
        let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
        Some((response.status().as_u16(), kind))
    }

    #[test]
    fn the_studio_answers_below_its_own_path_only() {
        let text = |status| Some((status, "text/plain".to_owned()));
        assert_eq!(ask("GET", "/studio/"), Some((200, "text/html; charset=utf-8".into())));
        assert_eq!(ask("GET", "/studio/icon.svg?v=1"), Some((200, "image/svg+xml".into())));
        assert_eq!(ask("GET", "/studio"), text(308));
        assert_eq!(ask("POST", "/studio/"), text(405));
        assert_eq!(ask("GET", "/v2"), None);
        assert_eq!(ask("GET", "/studios"), None);
    }

    #[test]
    fn an_address_never_leaves_the_folder() {
        for outside in
            ["/studio/../Cargo.toml", "/studio//etc/passwd", "/studio/%2e%2e/Cargo.toml", "/studio/./../Cargo.toml"]
        {
            assert_eq!(ask("GET", outside).map(|(status, _)| status), Some(404), "{outside}");
        }
    }

    #[test]
    fn the_page_is_told_where_its_server_is() {
        let page = with_meta(b"<!doctype html><html><head><title>x</title></head></html>".to_vec());
        let page = String::from_utf8(page).expect("text");
        assert!(page.contains(&format!("<head>\n    {META}<title>")), "{page}");
    }
}
