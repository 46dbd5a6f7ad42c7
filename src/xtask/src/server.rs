//! Serves a built page with the headers that a good host would send.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::thread;

use anyhow::{Context, Result, anyhow};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use axum::{Router, middleware};
use tower_http::services::ServeDir;

/// Sent with every answer. `frame-ancestors` works only as a header, so it is
/// not in the copy of the policy that `public/index.html` carries.
const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; \
         font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cache-control", "no-cache"),
];

/// A folder that is being served by a thread of its own.
pub struct Server {
    address: SocketAddr,
    thread: thread::JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Serves `folder` on this machine only.
    pub fn start(folder: &Path, port: u16) -> Result<Self> {
        let folder = folder.canonicalize().with_context(|| format!("{} is missing", folder.display()))?;
        let listener = TcpListener::bind(("127.0.0.1", port))
            .with_context(|| format!("port {port} cannot be used; choose another with --port"))?;
        listener.set_nonblocking(true).context("the server cannot wait for several browsers at once")?;
        let address = listener.local_addr().context("the server has no address")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.context("the server cannot be started")?;
        let files = Router::new().fallback_service(ServeDir::new(folder)).layer(middleware::map_response(with_headers));
        let thread = thread::spawn(move || {
            runtime.block_on(async { axum::serve(tokio::net::TcpListener::from_std(listener)?, files).await })
        });
        Ok(Self { address, thread })
    }

    /// Where the page is. `localhost` counts as a secure context in every browser.
    pub fn address(&self) -> String {
        format!("http://localhost:{}/", self.address.port())
    }

    /// Serves until the program is stopped.
    pub fn wait(self) -> Result<()> {
        let served = self.thread.join().map_err(|_| anyhow!("the server failed; its message is above"))?;
        served.context("the server stopped")
    }
}

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    fn serve_own_folder() -> Server {
        Server::start(Path::new(env!("CARGO_MANIFEST_DIR")), 0).expect("a free port")
    }

    /// What is answered to `path`, as far as `n_bytes` go, and the connection, still open.
    fn ask(address: SocketAddr, path: &str, n_bytes: usize) -> io::Result<(String, TcpStream)> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let mut answer = vec![0; n_bytes];
        stream.read_exact(&mut answer)?;
        Ok((String::from_utf8_lossy(&answer).into_owned(), stream))
    }

    #[test]
    fn an_address_never_leaves_the_folder() {
        let server = serve_own_folder();
        let status = |path| ask(server.address, path, 12).map(|(answer, _)| answer).expect("an answer");
        assert_eq!(status("/Cargo.toml?x=1"), "HTTP/1.1 200");
        for outside in
            ["/../cli/Cargo.toml", "/src/../../cli/Cargo.toml", "/src/%2e%2e/%2e%2e/cli/Cargo.toml", "//etc/passwd"]
        {
            assert_ne!(status(outside), "HTTP/1.1 200", "{outside}");
        }
    }

    /// A browser opens several connections at once and keeps them open.
    #[test]
    fn every_connection_is_answered_while_all_stay_open() {
        let server = serve_own_folder();
        let address = server.address;
        let clients: Vec<_> = (0..64).map(|_| thread::spawn(move || ask(address, "/Cargo.toml", 12))).collect();
        let answers: Vec<_> = clients.into_iter().map(|client| client.join().expect("no panic")).collect();
        assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|(status, _)| status == "HTTP/1.1 200")));
    }

    #[test]
    fn the_page_carries_the_policy_of_the_server() {
        let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../public/index.html"));
        let header = HEADERS[0].1.replace(" frame-ancestors 'none';", "");
        assert!(page.is_ok_and(|page| page.contains(&header)), "public/index.html has another policy than {header}");
    }
}
