//! A mosquitto of its own, with an authority of its own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use astarte_runtime::pairing::{
    CredentialStore as _, DirectoryCredentials, KeptCertificate, KeptCredentials,
};
use device_bench::{Result, Site};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// Ended with this.
pub(crate) struct Broker {
    pub(crate) site: Site,
    authority: CertifiedIssuer<'static, KeyPair>,
    child: Child,
    devices: u32,
}

impl Broker {
    pub(crate) fn start(folder: &Path) -> Result<Broker> {
        let mut params = CertificateParams::default();
        // OpenSSL takes a certificate of the same name for one that is signed by itself.
        params
            .distinguished_name
            .push(DnType::CommonName, "bench authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        // The port is free until mosquitto has it, unless somebody is quick.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = folder.to_owned();
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("ca.pem"), authority.pem())?;
        fs::write(folder.join("acl"), ACL)?;
        fs::write(folder.join("mosquitto.conf"), settings(&folder, port))?;
        certify(&authority, "localhost", "localhost", &folder)?;
        certify(&authority, CLOUD, CLOUD, &folder)?;
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(folder.join("mosquitto.conf"))
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("mosquitto does not start: {error}"))?;
        let broker = Broker {
            site: Site { folder, port },
            authority,
            child,
            devices: 0,
        };
        broker.wait()?;
        Ok(broker)
    }

    fn wait(&self) -> Result<()> {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.site.port)).is_err() {
            if started.elapsed() > Duration::from_secs(5) {
                return Err("mosquitto does not listen".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// A device that the broker has never seen, with a certificate.
    pub(crate) fn device(&mut self) -> Result<String> {
        self.devices += 1;
        let id = format!("{:0>21}g", self.devices);
        self.certify(&id)?;
        Ok(id)
    }

    /// Gives a certificate to a device.
    pub(crate) fn certify(&self, id: &str) -> Result<()> {
        certify(
            &self.authority,
            id,
            &format!("test/{id}"),
            &self.site.folder,
        )
    }

    /// Keeps the credentials of a device where the runtime finds them.
    pub(crate) fn keep(&self, id: &str) -> Result<()> {
        let (chain, key) = self.site.credentials(id)?;
        let mut kept = KeptCredentials::default();
        kept.certificate = Some(KeptCertificate {
            chain,
            private_key: key.into(),
        });
        kept.broker_url = Some(format!("mqtts://localhost:{}", self.site.port));
        let store = DirectoryCredentials::open(&self.site.folder, &"test".parse()?, &id.parse()?)?;
        Ok(store.save(&kept)?)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn certify(
    authority: &CertifiedIssuer<'static, KeyPair>,
    file: &str,
    name: &str,
    folder: &Path,
) -> Result<()> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(["localhost".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.signed_by(&key, authority)?;
    fs::write(folder.join(format!("{file}.crt")), certificate.pem())?;
    fs::write(folder.join(format!("{file}.key")), key.serialize_pem())?;
    Ok(())
}

/// Who publishes to devices, and sees what they publish.
pub(crate) const CLOUD: &str = "cloud";

const ACL: &str = "user cloud\ntopic readwrite #\n\npattern readwrite %u/#\n";

/// As Astarte's broker identifies its devices, and without a limit that would drop a message.
fn settings(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "per_listener_settings false\n\
         listener {port} 127.0.0.1\n\
         cafile {folder}/ca.pem\n\
         certfile {folder}/localhost.crt\n\
         keyfile {folder}/localhost.key\n\
         require_certificate true\n\
         use_identity_as_username true\n\
         allow_anonymous false\n\
         acl_file {folder}/acl\n\
         user root\n\
         persistence false\n\
         max_inflight_messages 0\n\
         max_queued_messages 0\n\
         set_tcp_nodelay true\n\
         log_dest none\n"
    )
}
