//! Requests of ours to others, over plain HTTP.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::body::{Body, Bytes};
use axum::http::{Request, Uri};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// With its port.
    pub host: String,
    /// With the query, if there is one.
    pub path: String,
}

impl Target {
    /// Reads an address: `http://HOST:PORT/PATH`.
    ///
    /// # Errors
    /// It is none, or asks for encryption.
    pub fn read(address: &str) -> Result<Self> {
        let uri: Uri = address.parse().with_context(|| format!("{address:?} is no address"))?;
        let (Some(authority), Some("http")) = (uri.authority(), uri.scheme_str()) else {
            bail!("{address:?} cannot be asked: expected http://HOST:PORT/PATH, without encryption");
        };
        let host = match authority.port_u16() {
            Some(_) => authority.to_string(),
            None => format!("{authority}:80"),
        };
        Ok(Self { host, path: uri.path_and_query().map_or_else(|| "/".into(), ToString::to_string) })
    }
}

/// Opens a connection.
pub(crate) async fn connect(host: &str) -> Result<SendRequest<Body>> {
    let stream = TcpStream::connect(host).await.with_context(|| format!("{host} cannot be reached"))?;
    stream.set_nodelay(true).context("the connection failed")?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.context("the connection failed")?;
    tokio::spawn(connection);
    Ok(sender)
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
        send(&mut connect(&target.host).await?, request).await
    };
    let (status, _) = tokio::time::timeout(PATIENCE, post).await.context("there is no answer")??;
    if !(200..300).contains(&status) {
        bail!("http://{}{} answers {status}", target.host, target.path);
    }
    Ok(())
}
