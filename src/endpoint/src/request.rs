//! What comes in.

/// A request, as the host read it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST`…
    pub method: &'a str,
    /// From the first slash after the address of the service: `/v2/models/churn/infer`. Without a query.
    pub path: &'a str,
    /// Names in lower case.
    pub headers: &'a [(String, String)],
    /// As it came.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The name that it brings; a longer one than anybody needs is none, because hosts remember it.
    pub fn id(&self) -> Option<&'a str> {
        const LONGEST: usize = 128;
        let given = ["x-request-id", "x-ms-client-request-id"].into_iter().find_map(|header| self.header(header));
        given.filter(|id| !id.is_empty() && id.len() <= LONGEST)
    }

    /// The content type without its parameters, in lower case; empty if there is none.
    pub fn content_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}
