//! A mosquitto of one's own: a free port, a new authority, the identity from the certificate.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use astarte_runtime::{Config, Credentials, DeviceId, Tls};
use astarte_tests::{Proxy, soon};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};

use crate::observer::Observer;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A running broker, ended with this.
pub(crate) struct Mosquitto {
    program: String,
    folder: TempDir,
    port: u16,
    authority: CertifiedIssuer<'static, KeyPair>,
    process: Process,
}

/// A certificate and its key, in PEM.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// What a broker keeps when it ends.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Persistence {
    Disk,
    Nothing,
}

impl Mosquitto {
    /// Starts the program that `ASTARTE_MOSQUITTO` names; without the variable there is none, and nothing to test.
    pub(crate) async fn start(persistence: Persistence) -> Result<Option<Self>> {
        let Ok(program) = env::var("ASTARTE_MOSQUITTO") else {
            eprintln!("ASTARTE_MOSQUITTO does not name a mosquitto: nothing is tested");
            return Ok(None);
        };
        let mut params = CertificateParams::default();
        // OpenSSL takes a certificate of the same name for one that is signed by itself.
        params
            .distinguished_name
            .push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let folder = tempfile::tempdir()?;
        let key = KeyPair::generate()?;
        let certificate =
            CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &authority)?;
        for (name, text) in [
            ("ca.pem", authority.pem()),
            ("server.pem", certificate.pem()),
            ("server.key", key.serialize_pem()),
            ("acl", ACCESS.to_owned()),
        ] {
            fs::write(folder.path().join(name), text)?;
        }
        // Somebody may take the port before the broker has it.
        for attempt in 1.. {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let text = settings(folder.path(), port, persistence);
            fs::write(folder.path().join("mosquitto.conf"), text)?;
            match Process::start(&program, folder.path(), Log::default()).await {
                Ok(process) => {
                    return Ok(Some(Self {
                        program,
                        folder,
                        port,
                        authority,
                        process,
                    }));
                }
                Err(error) if attempt == 5 => return Err(error),
                Err(_) => {}
            }
        }
        unreachable!("the loop does not end")
    }

    /// Ends the broker at once, and starts it again on the same port.
    pub(crate) async fn crash(&mut self) -> Result<()> {
        self.process.child.kill()?;
        self.start_again().await
    }

    /// Asks the broker to end, and starts it again on the same port.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        let id = self.process.child.id().to_string();
        Command::new("kill").arg(id).status()?;
        self.start_again().await
    }

    async fn start_again(&mut self) -> Result<()> {
        self.process.child.wait()?;
        let log = Arc::clone(&self.process.log);
        self.process = Process::start(&self.program, self.folder.path(), log).await?;
        Ok(())
    }

    /// Waits until the broker has said something as often as this.
    pub(crate) async fn said(&self, text: &str, times: usize) -> Result<()> {
        let mut log = self.process.log.subscribe();
        let often =
            |log: &Vec<String>| log.iter().filter(|line| line.contains(text)).count() >= times;
        soon(log.wait_for(often)).await?;
        Ok(())
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// Signs a certificate for a common name.
    pub(crate) fn identity(&self, common_name: &str) -> Result<Identity> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        Ok(Identity {
            certificate: params.signed_by(&key, &self.authority)?.pem(),
            key: key.serialize_pem(),
        })
    }

    /// The settings by which a device connects through a proxy.
    pub(crate) fn config(&self, device: &DeviceId, proxy: &Proxy) -> Result<Config> {
        let identity = self.identity(&format!("{REALM}/{device}"))?;
        let credentials =
            Credentials::from_pem(identity.certificate.as_bytes(), identity.key.as_bytes())?;
        let tls = Tls::new().add_root_certificates_pem(self.ca_pem().as_bytes())?;
        Ok(Config::new(REALM.parse()?, *device)
            .broker(
                format!("mqtts://localhost:{}", proxy.address().port()),
                credentials,
            )
            .tls(tls)
            .backoff(Duration::from_millis(1), Duration::from_millis(10)))
    }

    /// A proxy in front of the broker, which cuts connections until it is told to calm down.
    pub(crate) async fn proxy(&self, seed: u64) -> std::io::Result<Proxy> {
        Proxy::start(format!("127.0.0.1:{}", self.port), seed).await
    }

    /// Connects somebody who may read and write everything, under a name that nobody else has.
    pub(crate) async fn observer(&self, name: &str) -> Result<Observer> {
        soon(Observer::connect(self, name)).await
    }
}

/// What all programs of one broker have said.
type Log = Arc<watch::Sender<Vec<String>>>;

/// The program, and what it has said.
struct Process {
    child: Child,
    log: Log,
}

impl Process {
    /// Starts the program, and waits until it says that it runs.
    async fn start(program: &str, folder: &Path, log: Log) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("-c").arg(folder.join("mosquitto.conf"));
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stderr.take().ok_or("it is piped")?).lines();
        let (running, runs) = oneshot::channel();
        let kept = Arc::clone(&log);
        thread::spawn(move || {
            let mut running = Some(running);
            for line in lines.map_while(std::result::Result::ok) {
                if line.ends_with(" running") {
                    running.take().map(|running| running.send(()));
                }
                kept.send_modify(|kept| kept.push(line));
            }
        });
        let process = Self { child, log };
        match soon(runs).await {
            Ok(()) => Ok(process),
            Err(_) => Err(format!("mosquitto did not start: {:?}", process.log()).into()),
        }
    }

    fn log(&self) -> Vec<String> {
        self.log.borrow().clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.log();
            let last = log.len().saturating_sub(120);
            eprintln!("the broker's last words:\n{}", log[last..].join("\n"));
        }
    }
}

/// A device may do what it likes below its own topic, as with Astarte.
fn settings(folder: &Path, port: u16, persistence: Persistence) -> String {
    let folder = folder.display();
    let persistence = persistence == Persistence::Disk;
    format!(
        "per_listener_settings false\n\
         listener {port} 127.0.0.1\n\
         cafile {folder}/ca.pem\n\
         certfile {folder}/server.pem\n\
         keyfile {folder}/server.key\n\
         require_certificate true\n\
         use_identity_as_username true\n\
         allow_anonymous false\n\
         acl_file {folder}/acl\n\
         persistence {persistence}\n\
         persistence_location {folder}/\n\
         max_inflight_messages 0\n\
         max_queued_messages 0\n\
         max_packet_size 262144\n\
         set_tcp_nodelay true\n\
         user root\n\
         log_dest stderr\n\
         log_type all\n"
    )
}

const ACCESS: &str = "user admin\ntopic readwrite #\n\npattern readwrite %u/#\n";

pub(crate) const REALM: &str = "test";
