//! A registry and a server to try things with.

// Each test program uses some of it.
#![allow(dead_code)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use engine::Engine;
use engine::testing::{TestHost, block_on};
use model::{ColumnView, Values};
use pipeline::{NodeId, OutPort};
use protocol::{RunId, RunTarget};
use serde_json::{Value as Json, json};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

pub const PIPELINE: &str = "../../tests/golden/pipelines/web_service.json";

/// A folder that goes when it is no longer needed.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("deploy-{name}"));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    pub fn millrace(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_millrace"))
            .args(arguments)
            .args(["--registry", &self.0.display().to_string()])
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("it is text")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that ends when it is no longer needed.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    /// Serves a registry.
    pub fn start(registry: &Path) -> Self {
        Self::start_with(&["--registry", &registry.display().to_string()])
    }

    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_trusting(None, arguments)
    }

    /// Trusts the authorities of a file instead of those that the computer trusts.
    pub fn start_trusting(authorities: Option<&Path>, arguments: &[&str]) -> Self {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_millrace"));
        serve.args(["serve", "--port", "0"]).args(arguments).stdout(Stdio::piped());
        serve.envs(authorities.map(|file| ("SSL_CERT_FILE", file)));
        let mut child = serve.spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("it says where it is");
        let address = line.trim_start_matches("serving http://").split('/').next().expect("an address");
        let address = address.replace("0.0.0.0", "127.0.0.1");
        Self { child, address }
    }

    /// The status and the body.
    pub fn ask(&self, method: &str, path: &str, key: Option<&str>, body: &str) -> (u16, String) {
        let key = key.map_or(String::new(), |key| format!("Authorization: Bearer {key}\r\n"));
        let (status, _, body) = self.ask_with(method, path, &key, body);
        (status, body)
    }

    /// The status, the head and the body; headers are whole lines.
    pub fn ask_with(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, String) {
        let mut stream = self.begin(method, path, headers, body.len());
        stream.write_all(body.as_bytes()).expect("it is read");
        end(stream)
    }

    /// Sends the head of a request whose body is to come.
    pub fn begin(&self, method: &str, path: &str, headers: &str, length: usize) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it is read");
        stream
    }
}

/// Waits for an answer: status, head and body.
pub fn end(mut stream: TcpStream) -> (u16, String, String) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (status, head.to_owned(), body.to_owned())
}

impl Server {
    /// The JSON at an address.
    pub fn json(&self, path: &str) -> Json {
        let (status, body) = self.ask("GET", path, None, "");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("it is JSON")
    }

    /// Asks it to end, and waits until it has kept what it knows.
    pub fn end(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().expect("it is there").success());
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for what a server does within a moment of a change of its folder.
pub fn soon(mut is_so: impl FnMut() -> bool) {
    for _ in 0..200 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("it did not come to pass within five seconds");
}

pub fn sample(folder: &Folder) -> String {
    let shown = folder.millrace(&["registry", "show", "models:/churn", "--json"]);
    let shown: Json = serde_json::from_str(&shown).expect("it is JSON");
    shown["sample_request"].to_string()
}

/// Every column of a table as a request brings it.
pub fn inputs(table: &table::Table) -> Vec<Json> {
    let frame = table.frame();
    let cell = |column: &ColumnView<'_>, row: usize| match &column.values {
        _ if !column.is_valid(row) => Json::Null,
        Values::Number(values) => json!(values[row]),
        Values::Integer(values) | Values::DateTime(values) => json!(values[row]),
        Values::Boolean(values) => json!(values[row]),
        Values::Category { codes, dictionary } => json!(dictionary[codes[row] as usize]),
        Values::Text(values) => json!(values[row]),
    };
    let input = |column: &ColumnView<'_>| {
        let data: Vec<Json> = (0..frame.n_rows).map(|row| cell(column, row)).collect();
        json!({ "name": column.name, "shape": [frame.n_rows], "datatype": "BYTES", "data": data })
    };
    frame.columns.iter().map(input).collect()
}

/// The raw rows of the pipeline.
pub fn raw_rows() -> table::Table {
    let text = fs::read_to_string(PIPELINE).expect("the pipeline is there");
    let pipeline = pipeline::from_json(&text).expect("it is one");
    let engine = Engine::new(components::catalogue(), u64::MAX);
    block_on(engine.run(&TestHost::default(), RunId(0), &pipeline, &RunTarget::All));
    engine.table(&OutPort::new(&NodeId::new("input").expect("an id"), "table")).expect("it ran")
}

/// Takes what is posted: an address, and the paths and bodies that come there.
pub fn listener() -> (String, Receiver<(String, Json)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("http://{}", listener.local_addr().expect("it has one"));
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.expect("a connection"));
            let (mut line, mut length) = (String::new(), 0);
            reader.read_line(&mut line).expect("it is sent");
            let path = line.split(' ').nth(1).expect("a path").to_owned();
            line.clear();
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("it is sent");
            // Before the answer, after which a server that ends may be gone.
            if sender.send((path, serde_json::from_slice(&body).expect("it is JSON"))).is_err() {
                return;
            }
            reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("it is read");
        }
    });
    (address, receiver)
}

/// Encrypts what goes to an address and what comes back: its own address, and a file with the certificate to trust. It goes
/// on until the test ends.
pub fn encrypted(folder: &Folder, address: &str) -> (String, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let file = folder.0.join("certificate.pem");
    fs::write(&file, made.cert.pem()).expect("it is written");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("they belong together");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has one").port();
    listener.set_nonblocking(true).expect("it can be");
    let (acceptor, address) = (TlsAcceptor::from(Arc::new(config)), address.trim_start_matches("http://").to_owned());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, address) = (acceptor.clone(), address.clone());
                tokio::spawn(async move {
                    // Whoever does not trust the certificate goes away.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut plain = tokio::net::TcpStream::connect(&address).await.expect("it listens");
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut plain).await;
                });
            }
        });
    });
    (format!("https://localhost:{port}"), file)
}
