//! Answers in the shapes of the server.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

/// An answer: a status, and perhaps a body.
#[derive(Debug)]
pub(crate) struct Reply {
    status: u16,
    body: Option<(&'static str, String)>,
}

impl Reply {
    pub(crate) fn empty(status: u16) -> Reply {
        Reply { status, body: None }
    }

    pub(crate) fn data(status: u16, data: Value) -> Reply {
        Reply::json(status, &json!({ "data": data }))
    }

    /// An error that concerns the request as a whole.
    pub(crate) fn detail(status: u16, detail: &str) -> Reply {
        Reply::json(status, &json!({"errors": {"detail": detail}}))
    }

    /// An error of fields, as a map from their names to lists of messages.
    pub(crate) fn fields(errors: Value) -> Reply {
        Reply::json(422, &json!({ "errors": errors }))
    }

    pub(crate) fn field(name: &str, message: &str) -> Reply {
        Reply::fields(json!({ name: [message] }))
    }

    pub(crate) fn text(text: String) -> Reply {
        Reply {
            status: 200,
            body: Some(("text/plain; version=0.0.4", text)),
        }
    }

    pub(crate) fn bad_request() -> Reply {
        Reply::detail(400, "Bad request")
    }

    pub(crate) fn forbidden() -> Reply {
        Reply::detail(403, "Forbidden")
    }

    /// No such route.
    pub(crate) fn not_found() -> Reply {
        Reply::detail(404, "Page not found")
    }

    /// What the server says to errors that it has no words for.
    pub(crate) fn internal() -> Reply {
        Reply::detail(500, "Internal server error")
    }

    /// An answer that was asked for.
    pub(crate) fn fault(status: u16, body: Option<String>) -> Reply {
        let detail = StatusCode::from_u16(status).ok();
        let detail = detail.and_then(|status| status.canonical_reason());
        let mut reply = Reply::detail(status, detail.unwrap_or("Internal server error"));
        if let (Some(body), Some((_, text))) = (body, &mut reply.body) {
            *text = body;
        }
        reply
    }

    fn json(status: u16, body: &Value) -> Reply {
        Reply {
            status,
            body: Some(("application/json; charset=utf-8", body.to_string())),
        }
    }

    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let (content_type, body) = self.body.unwrap_or_default();
        let mut response = Response::new(Full::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if !content_type.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (
                header::ACCESS_CONTROL_ALLOW_METHODS,
                "GET,POST,PUT,PATCH,DELETE,OPTIONS",
            ),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization,content-type,accept",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
