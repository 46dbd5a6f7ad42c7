//! A registry and a server to try things with.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

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
        let mut child = Command::new(env!("CARGO_BIN_EXE_millrace"))
            .args(["serve", "--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("it says where it is");
        let address = line.trim_start_matches("serving http://").split('/').next().expect("an address");
        let address = address.replace("0.0.0.0", "127.0.0.1");
        Self { child, address }
    }

    /// The status and the body.
    pub fn ask(&self, method: &str, path: &str, key: Option<&str>, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let key = key.map_or(String::new(), |key| format!("Authorization: Bearer {key}\r\n"));
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{key}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("it is read");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
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
