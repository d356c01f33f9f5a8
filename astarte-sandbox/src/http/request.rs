//! A request whose body was read.

use hyper::Method;
use hyper::header::{self, HeaderName};
use hyper::http::request::Parts;
use serde_json::{Map, Value};

use super::Reply;

/// A request with its JSON body, if it has one.
pub(crate) struct Request {
    head: Parts,
    body: Option<Value>,
}

impl Request {
    /// Parses the body; a body of another type than JSON is not looked at.
    pub(crate) fn new(head: Parts, body: &[u8]) -> Result<Request, Reply> {
        let mut request = Request { head, body: None };
        let is_json = request
            .header(header::CONTENT_TYPE)
            .is_some_and(|content_type| {
                let essence = content_type.split(';').next().unwrap_or_default().trim();
                essence == "application/json" || essence.ends_with("+json")
            });
        if is_json && !body.is_empty() {
            let parsed = serde_json::from_slice(body).map_err(|_| Reply::bad_request())?;
            request.body = Some(parsed);
        }
        Ok(request)
    }

    pub(crate) fn method(&self) -> &Method {
        &self.head.method
    }

    pub(crate) fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// Returns the levels of the path; empty ones do not count.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path()
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect()
    }

    /// Returns the object in `data`.
    pub(crate) fn data(&self) -> Result<&Map<String, Value>, Reply> {
        let data = self.body.as_ref().and_then(|body| body.get("data"));
        data.and_then(Value::as_object)
            .ok_or_else(Reply::bad_request)
    }

    /// Whether the client takes JSON.
    pub(crate) fn accepts_json(&self) -> bool {
        self.header(header::ACCEPT).is_none_or(|accept| {
            accept.split(',').any(|range| {
                let range = range.split(';').next().unwrap_or_default().trim();
                matches!(range, "*/*" | "application/*" | "application/json")
            })
        })
    }

    /// Returns what follows `Bearer`, however it is capitalised and whether or not a colon follows
    /// it.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let value = self.header(header::AUTHORIZATION)?;
        let (scheme, rest) = value.split_at_checked("bearer".len())?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        rest.starts_with(char::is_whitespace)
            .then(|| rest.trim_start())
    }

    fn header(&self, name: HeaderName) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &str) -> Request {
        let request = hyper::Request::builder()
            .header(name, value)
            .body(())
            .unwrap();
        Request::new(request.into_parts().0, b"{}").unwrap_or_else(|_| panic!("{value}"))
    }

    #[test]
    fn the_scheme_is_lenient() {
        for value in ["Bearer x", "bearer: x", "BEARER   x"] {
            assert_eq!(
                with(header::AUTHORIZATION, value).bearer(),
                Some("x"),
                "{value}"
            );
        }
        for value in ["x", "Basic x", "Bearerx", "é Bearer x"] {
            assert_eq!(with(header::AUTHORIZATION, value).bearer(), None, "{value}");
        }
    }

    #[test]
    fn only_json_is_served() {
        for value in ["*/*", "text/html, application/json;q=0.9", "application/*"] {
            assert!(with(header::ACCEPT, value).accepts_json(), "{value}");
        }
        assert!(!with(header::ACCEPT, "text/html").accepts_json());
    }

    #[test]
    fn a_body_needs_its_type() {
        let part = |content_type, body| {
            let head = hyper::Request::builder().header(header::CONTENT_TYPE, content_type);
            Request::new(head.body(()).unwrap().into_parts().0, body)
        };
        assert!(
            part("application/json; charset=utf-8", br#"{"data":{}}"#)
                .unwrap()
                .data()
                .is_ok()
        );
        assert!(
            part("text/plain", br#"{"data":{}}"#)
                .unwrap()
                .data()
                .is_err()
        );
        assert!(part("application/json", b"{").is_err());
    }
}
