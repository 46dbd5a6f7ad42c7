//! Serves a built page with the headers that a good host would send.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, anyhow};
use tiny_http::{Header, Request, Response, StatusCode};

use crate::shell::say;

/// Sent with every answer. `frame-ancestors` works only as a header, so it is
/// not in the copy of the policy that `public/index.html` carries.
const HEADERS: &[(&str, &str)] = &[
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; \
         font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("Cache-Control", "no-cache"),
];

const TYPES: &[(&str, &str)] = &[
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("json", "application/json"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("woff2", "font/woff2"),
    ("webmanifest", "application/manifest+json"),
    ("csv", "text/csv; charset=utf-8"),
    ("txt", "text/plain; charset=utf-8"),
];

/// A folder that is being served by threads of its own.
pub struct Server {
    address: SocketAddr,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Server {
    /// Serves `folder` on this machine only.
    pub fn start(folder: &Path, port: u16) -> Result<Self> {
        let folder: Arc<Path> =
            folder.canonicalize().with_context(|| format!("{} is missing", folder.display()))?.into();
        let http = tiny_http::Server::http(("127.0.0.1", port))
            .map_err(|error| anyhow!("port {port} cannot be used ({error}); choose another with --port"))?;
        let address = http.server_addr().to_ip().context("the server has no address")?;
        let http = Arc::new(http);
        let threads = (0..4)
            .map(|_| {
                let (http, folder) = (Arc::clone(&http), Arc::clone(&folder));
                thread::spawn(move || http.incoming_requests().for_each(|request| answer(request, &folder)))
            })
            .collect();
        Ok(Self { address, threads })
    }

    /// Where the page is. `localhost` counts as a secure context in every browser.
    pub fn address(&self) -> String {
        format!("http://localhost:{}/", self.address.port())
    }

    /// Serves until the program is stopped.
    pub fn wait(self) -> Result<()> {
        for thread in self.threads {
            thread.join().map_err(|_| anyhow!("the server failed; its message is above"))?;
        }
        Ok(())
    }
}

fn answer(request: Request, folder: &Path) {
    let found = path_in(folder, request.url()).and_then(|path| Some((File::open(&path).ok()?, path)));
    let sent = match found {
        Some((file, path)) => request.respond(with_headers(Response::from_file(file), content_type(&path))),
        None => {
            let missing = Response::from_string("There is no such file.\n").with_status_code(StatusCode(404));
            request.respond(with_headers(missing, "text/plain; charset=utf-8"))
        }
    };
    if let Err(error) = sent
        && error.kind() != std::io::ErrorKind::BrokenPipe
        && error.kind() != std::io::ErrorKind::ConnectionReset
    {
        say(format!("an answer was not sent: {error}"));
    }
}

/// The file that an address names, unless it lies outside the folder.
fn path_in(folder: &Path, url: &str) -> Option<PathBuf> {
    let asked = url.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
    let relative = Path::new(asked);
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) || asked.contains(['\\', ':']) {
        return None;
    }
    let path = folder.join(relative);
    let path = if path.is_dir() { path.join("index.html") } else { path };
    path.is_file().then_some(path)
}

fn with_headers<R: std::io::Read>(mut response: Response<R>, content_type: &str) -> Response<R> {
    for (name, value) in HEADERS.iter().chain([&("Content-Type", content_type)]) {
        if let Ok(header) = Header::from_bytes(*name, *value) {
            response.add_header(header);
        }
    }
    response
}

fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().unwrap_or_default();
    TYPES
        .iter()
        .find(|(known, _)| extension == *known)
        .map_or("application/octet-stream", |(_, content_type)| content_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_never_leaves_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(path_in(folder, "/Cargo.toml?x=1"), Some(folder.join("Cargo.toml")));
        for outside in
            ["/../cli/Cargo.toml", "/src/../../cli/Cargo.toml", "//etc/passwd", "/C:\\x", "/src/./main.rs/.."]
        {
            assert_eq!(path_in(folder, outside), None, "{outside}");
        }
    }

    #[test]
    fn the_page_carries_the_policy_of_the_server() {
        let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../public/index.html"));
        let header = HEADERS[0].1.replace(" frame-ancestors 'none';", "");
        assert!(page.is_ok_and(|page| page.contains(&header)), "public/index.html has another policy than {header}");
    }
}
