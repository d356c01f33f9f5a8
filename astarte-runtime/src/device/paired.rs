//! The route of a device that pairs.

use std::sync::Arc;

use super::{
    ConnectError,
    access::{Route, address},
    connection::End,
    describe,
    link::LinkError,
    renewal::Renewal,
    shared::Shared,
};
use crate::{
    Config, Tls,
    clock::Clock,
    pairing::{self, Client, Pairing, PairingError, Proof},
    status::Status,
};

/// What the pairing API told, and when it is asked again.
#[derive(Debug)]
pub(crate) struct Paired {
    pairing: Arc<Pairing>,
    tls: Tls,
    clock: Clock,
    shared: Arc<Shared>,
    /// The last route: the TLS configuration keeps sessions to resume.
    last: Option<Route>,
    refusal: Refusal,
    renewal: Renewal,
}

/// Whether the broker has refused the certificate since it last took one.
#[derive(Debug)]
enum Refusal {
    /// It has, and then a new one was obtained: another would be refused as well.
    Answered,
    Never,
    Unanswered,
}

impl Paired {
    pub(super) fn new(
        url: &str,
        proof: Proof,
        config: &Config,
        clock: Clock,
        shared: Arc<Shared>,
    ) -> Result<Self, PairingError> {
        let client = Client::builder(url, &config.realm)
            .tls(&config.tls)
            .clock(clock.clone())
            .build()?;
        let device = config.device_id;
        let pairing = match &config.credential_store {
            Some(store) => Pairing::with_store(client, device, proof, Arc::clone(store)),
            None => Pairing::with_client(client, device, proof, config.directory.as_deref())?,
        };
        Ok(Self {
            pairing: Arc::new(pairing),
            tls: config.tls.clone(),
            renewal: Renewal::new(config, clock.clone()),
            clock,
            shared,
            last: None,
            refusal: Refusal::Never,
        })
    }

    pub(super) async fn route(&mut self, refresh: bool) -> Result<Route, End> {
        if matches!(self.refusal, Refusal::Unanswered) {
            match self.pairing.renew().await {
                Ok(connection) => {
                    self.refusal = Refusal::Answered;
                    let route = self.adopt(&connection).map_err(End::Fatal)?;
                    self.tell_renewed(&connection);
                    return Ok(route);
                }
                Err(error) if error.is_permanent() => return Err(End::Fatal(error.into())),
                // The broker may think better of it.
                Err(error) => self.tell_failed(&error),
            }
        }
        if let Some(route) = &self.last
            && !refresh
        {
            return Ok(route.clone());
        }
        let connection = self.pairing.connection(refresh).await.map_err(failed)?;
        self.adopt(&connection).map_err(End::Fatal)
    }

    pub(super) async fn check_refusal(&self) -> Result<(), PairingError> {
        self.pairing.check_refusal().await
    }

    /// Notes that the broker refuses the certificate.
    pub(super) fn certificate_refused(&mut self) {
        if matches!(self.refusal, Refusal::Never) {
            self.refusal = Refusal::Unanswered;
        }
    }

    /// Notes that the broker takes the certificate, and renews it where it is time.
    pub(super) fn in_use(&mut self) {
        self.refusal = Refusal::Never;
        self.renewal.look(&self.pairing);
    }

    pub(super) fn next_look(&self) -> Option<tokio::time::Instant> {
        self.renewal.next_look()
    }

    /// Waits until there is another certificate to connect with. Cancel safe.
    pub(super) async fn renewed(&mut self) {
        loop {
            let adopted = match self.renewal.finished().await {
                Ok(connection) => self.adopt(&connection).map(|_| connection),
                Err(error) => Err(error.into()),
            };
            match adopted {
                Ok(connection) => return self.tell_renewed(&connection),
                Err(error) => {
                    self.renewal.failed();
                    self.tell_failed(&error);
                }
            }
        }
    }

    fn adopt(&mut self, connection: &pairing::Connection) -> Result<Route, ConnectError> {
        let pairing::Connection {
            broker_url,
            credentials,
        } = connection;
        let Some((host, port)) = address(broker_url) else {
            let url = broker_url.clone();
            return Err(ConnectError::BrokerUrl { url });
        };
        let tls = self.tls.client_config(Some(credentials), &self.clock)?;
        self.renewal.watch(credentials);
        Ok(self.last.insert(Route { host, port, tls }).clone())
    }

    fn tell_renewed(&self, connection: &pairing::Connection) {
        let not_after = connection.credentials.not_after();
        self.shared
            .status
            .tell(Status::CertificateRenewed { not_after });
    }

    fn tell_failed(&self, error: &(dyn std::error::Error + 'static)) {
        let reason = describe(error);
        self.shared.status.tell(Status::RenewalFailed { reason });
    }
}

/// Pairing is tried again where that can help.
fn failed(error: PairingError) -> End {
    if error.is_permanent() {
        return End::Fatal(error.into());
    }
    End::Broken(LinkError::Pairing(describe(&error)))
}
