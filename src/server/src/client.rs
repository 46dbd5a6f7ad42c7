//! Requests of ours to others, over HTTP or HTTPS.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::body::{Body, Bytes};
use axum::http::{Request, Uri};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// With its port.
    pub host: String,
    /// With the query, if there is one.
    pub path: String,
    /// Whom the certificate must be of, if the connection is to be encrypted.
    certified: Option<ServerName<'static>>,
}

impl Target {
    /// Reads an address: `http://HOST:PORT/PATH` or `https://HOST:PORT/PATH`.
    ///
    /// # Errors
    /// It is none.
    pub fn read(address: &str) -> Result<Self> {
        let uri: Uri = address.parse().with_context(|| format!("{address:?} is no address"))?;
        let (Some(authority), Some(scheme @ ("http" | "https"))) = (uri.authority(), uri.scheme_str()) else {
            bail!("{address:?} cannot be asked: expected http://HOST:PORT/PATH or https://HOST:PORT/PATH");
        };
        let is_encrypted = scheme == "https";
        let host = match authority.port_u16() {
            Some(_) => authority.to_string(),
            None => format!("{authority}:{}", if is_encrypted { 443 } else { 80 }),
        };
        let name = || authority.host().trim_matches(['[', ']']).to_owned();
        let certified = is_encrypted.then(|| ServerName::try_from(name())).transpose();
        let certified = certified.with_context(|| format!("{address:?}: no certificate is of such a host"))?;
        Ok(Self { host, path: uri.path_and_query().map_or_else(|| "/".into(), ToString::to_string), certified })
    }

    /// An address below this one.
    pub fn below(&self, path: &str) -> Self {
        Self { path: format!("{}{path}", self.path.trim_end_matches('/')), ..self.clone() }
    }

    /// Opens a connection.
    pub async fn connect(&self) -> Result<SendRequest<Body>> {
        let host = &self.host;
        let stream = TcpStream::connect(host).await.with_context(|| format!("{host} cannot be reached"))?;
        stream.set_nodelay(true).context("the connection failed")?;
        let Some(name) = &self.certified else { return speak(TokioIo::new(stream)).await };
        let connector = TlsConnector::from(encryption()?);
        let stream = connector.connect(name.clone(), stream).await.with_context(|| {
            format!("there is no encrypted connection to {host} (SSL_CERT_FILE names other authorities to trust)")
        })?;
        speak(TokioIo::new(stream)).await
    }
}

async fn speak(stream: impl Read + Write + Unpin + Send + 'static) -> Result<SendRequest<Body>> {
    let (sender, connection) = handshake(stream).await.context("the connection failed")?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Trusts the authorities that this computer trusts. They are read when somebody first asks for encryption: a server that
/// speaks to nobody is ready without.
fn encryption() -> Result<Arc<ClientConfig>> {
    static READ: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(read) = READ.get() {
        return Ok(Arc::clone(read));
    }
    let found = rustls_native_certs::load_native_certs();
    let mut trusted = RootCertStore::empty();
    if let (0, _) = trusted.add_parsable_certificates(found.certs) {
        let why = found.errors.first().map_or_else(String::new, |error| format!(": {error}"));
        bail!(
            "this computer trusts no authority of certificates{why}\n  help: install ca-certificates, or name a file of them by SSL_CERT_FILE"
        );
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("nothing can be encrypted")?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(Arc::clone(READ.get_or_init(|| Arc::new(config))))
}

/// Sends a request, and gives the status and the body of its answer.
pub(crate) async fn send(connection: &mut SendRequest<Body>, request: Request<Body>) -> Result<(u16, Bytes)> {
    connection.ready().await?;
    let answer = connection.send_request(request).await?;
    let status = answer.status().as_u16();
    Ok((status, answer.into_body().collect().await?.to_bytes()))
}

/// Posts JSON.
///
/// # Errors
/// There is no good answer within five seconds.
pub(crate) async fn post(target: &Target, body: String) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let post = async {
        let request = Request::post(&target.path).header("host", &target.host);
        let request = request.header("content-type", "application/json").body(Body::from(body))?;
        send(&mut target.connect().await?, request).await
    };
    let (status, _) = tokio::time::timeout(PATIENCE, post).await.context("there is no answer")??;
    if !(200..300).contains(&status) {
        bail!("{}{} answers {status}", target.host, target.path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let read = |address: &str| Target::read(address).map(|it| (it.host, it.path, it.certified.is_some()));
        let told = |host: &str, path: &str, is_encrypted| (host.to_owned(), path.to_owned(), is_encrypted);
        assert_eq!(read("http://a.example").expect("one"), told("a.example:80", "/", false));
        assert_eq!(read("https://a.example/x?y=1").expect("one"), told("a.example:443", "/x?y=1", true));
        assert_eq!(read("https://[::1]:8443").expect("one"), told("[::1]:8443", "/", true));
        let error = |address| read(address).expect_err("none").to_string();
        assert_eq!(
            error("ftp://a.example"),
            r#""ftp://a.example" cannot be asked: expected http://HOST:PORT/PATH or https://HOST:PORT/PATH"#
        );
        assert_eq!(error("a b"), r#""a b" is no address"#);
    }

    #[test]
    fn what_lies_below_keeps_its_host() {
        let target = Target::read("https://a.example:4318/otlp/").expect("one").below("/v1/logs");
        assert_eq!((target.host.as_str(), target.path.as_str()), ("a.example:4318", "/otlp/v1/logs"));
    }
}
