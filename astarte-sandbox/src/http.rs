//! The HTTP listener: services under one port, each below a prefix of its own.

mod reply;
mod request;

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::broker::ACCEPT_PAUSE;
use crate::core::Core;
use crate::fault::Answer;
use crate::pairing;

pub(crate) use reply::Reply;
pub(crate) use request::Request;

/// Serves connections for ever.
pub(crate) async fn serve(core: Arc<Core>, listener: TcpListener) {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let core = Arc::clone(&core);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(Arc::clone(&core), request));
            // A connection that breaks concerns nobody but the client.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

async fn answer(
    core: Arc<Core>,
    request: hyper::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let (head, body) = request.into_parts();
    let reply = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => match Request::new(head, &body.to_bytes()) {
            Ok(request) => respond(&core, &request).await?,
            Err(reply) => reply,
        },
        Err(_) => Reply::detail(413, "Request entity too large"),
    };
    Ok(reply.into_response())
}

/// The connection is closed instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed on request")]
struct Closed;

/// Answers, rightly or wrongly.
async fn respond(core: &Arc<Core>, request: &Request) -> Result<Reply, Closed> {
    let fault = pairing::identify(request).and_then(|route| core.pairing_faults.next(route));
    let Some((delay, answer)) = fault else {
        return Ok(route(core, request));
    };
    tokio::time::sleep(delay).await;
    match answer {
        Answer::Close => Err(Closed),
        Answer::Status(status, body) => Ok(Reply::fault(status, body)),
        Answer::Truth => Ok(route(core, request)),
    }
}

/// Hands a request to the service whose prefix it has.
fn route(core: &Arc<Core>, request: &Request) -> Reply {
    if request.method() == Method::OPTIONS {
        return Reply::empty(204);
    }
    match request.segments().as_slice() {
        ["pairing", rest @ ..] => pairing::route(core, request, rest),
        _ => Reply::not_found(),
    }
}

/// The server's limit for a body, in bytes.
const BODY_LIMIT: usize = 8_000_000;
