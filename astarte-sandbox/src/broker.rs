//! An MQTT 3.1.1 endpoint with mutual TLS, as strict and as lenient as the broker of Astarte.
//!
//! The identity of a client is the common name of its certificate, whatever client id it sends.
//! Devices cannot reach each other, so that a session is all there is: no retained messages, and no
//! routing beyond the device itself.

mod answer;
mod greeting;
mod link;
mod outlet;
mod packet;
pub(crate) mod session;
mod topic;
mod verifier;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::authority::Authority;
use crate::core::Core;
use crate::event::EventKind;

pub(crate) use packet::Publish;
use verifier::Verifier;

/// Makes the TLS side of the broker: only certificates of `authority` are let in.
pub(crate) fn acceptor(
    authority: &Arc<Authority>,
    tls12_only: bool,
) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der())?;
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build()?;
    let (certificate, key) = authority.server()?;
    let versions: &[_] = if tls12_only {
        &[&TLS12]
    } else {
        &[&TLS13, &TLS12]
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(Arc::new(Verifier::new(verifier, authority)))
        .with_single_cert(vec![certificate], key)?;
    // A resumed connection would not show its certificate again, valid or not.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The broker's TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// Serves connections for ever.
pub(crate) async fn serve(core: Arc<Core>, listener: TcpListener, acceptor: TlsAcceptor) {
    loop {
        match listener.accept().await {
            Ok((socket, address)) => {
                tokio::spawn(connection(
                    Arc::clone(&core),
                    acceptor.clone(),
                    socket,
                    address,
                ));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn connection(
    core: Arc<Core>,
    acceptor: TlsAcceptor,
    socket: TcpStream,
    address: SocketAddr,
) {
    let arrival = greeting::listen(&core, &acceptor, socket);
    let arrival = match tokio::time::timeout(CONNECT_TIMEOUT, arrival).await {
        Ok(arrival) => arrival,
        Err(_) => Err(greeting::Refusal {
            device: None,
            reason: format!("no CONNECT within {} s", CONNECT_TIMEOUT.as_secs()),
        }),
    };
    let admitted = match arrival {
        Ok(guest) => guest.admit(&core, address).await,
        Err(refusal) => Err(refusal),
    };
    let refusal = match admitted {
        Ok(link) => return link.run().await,
        Err(refusal) => refusal,
    };
    let kind = EventKind::ConnectionRefused {
        address,
        reason: refusal.reason,
    };
    core.log.push(refusal.device, kind);
}

/// The server's limit for the time from the TCP connection to CONNECT.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Without file descriptors `accept` fails at once, again and again.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
