//! Messages a second from one device: the sandbox, which also checks and keeps each of them, beside
//! mosquitto, which has nobody to give them to. The same client, TLS with client certificates, one
//! run; the sandbox's time is that until all are checked and kept. Then, how long a sandbox takes to
//! start and to stop, and what 1000 connected devices take of its memory.

mod client;
mod fleet;

use std::error::Error;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use astarte_sandbox::{Device, Sandbox};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use client::{Access, Client};
use fleet::Fleet;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const INTERFACE: &str = r#"{
    "interface_name": "bench.Readings", "version_major": 1, "version_minor": 0,
    "type": "datastream", "ownership": "device",
    "mappings": [{"endpoint": "/%{room}/temperature", "type": "double"}]
}"#;

/// `{"v": 21.5}`
const PAYLOAD: &[u8] = b"\x10\0\0\0\x01v\0\0\0\0\0\0\x80\x35\x40\0";

const MESSAGES: usize = 100_000;
const DEVICES: u64 = 1000;
const ROUNDS: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    if env::args().nth(1).as_deref() == Some(fleet::ARGUMENT) {
        return fleet::run().await;
    }
    rates().await?;
    life().await?;
    many_devices().await
}

async fn rates() -> Result<()> {
    let sandbox = Sandbox::builder().interface(INTERFACE).start().await?;
    let device = sandbox.register_device()?;
    let key = KeyPair::generate()?;
    let mut ours = fleet::introduce(&access(&sandbox, &device, &key)?).await?;
    let mosquitto = Mosquitto::start()?;
    let mut theirs = mosquitto.client().await?;

    let topic = format!("test/{}/bench.Readings/kitchen/temperature", device.id());
    println!("| QoS | sandbox | mosquitto | ratio |\n|--:|--:|--:|--:|");
    for qos in 0..=2 {
        let (mut sandbox, mut mosquitto) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            let started = Instant::now();
            ours.publish(&topic, qos, MESSAGES, PAYLOAD).await?;
            device.all_processed().await;
            sandbox = sandbox.min(started.elapsed());
            mosquitto = mosquitto.min(theirs.publish(&topic, qos, MESSAGES, PAYLOAD).await?);
        }
        let rate = |time: Duration| MESSAGES as f64 / time.as_secs_f64();
        let (sandbox, mosquitto) = (rate(sandbox), rate(mosquitto));
        let ratio = sandbox / mosquitto;
        println!("| {qos} | {sandbox:.0} | {mosquitto:.0} | {ratio:.2} |");
    }
    Ok(())
}

/// How long a test waits for its sandbox.
async fn life() -> Result<()> {
    let (mut start, mut stop) = (Duration::MAX, Duration::MAX);
    for _ in 0..20 {
        let started = Instant::now();
        let sandbox = Sandbox::builder().interface(INTERFACE).start().await?;
        start = start.min(started.elapsed());
        let stopped = Instant::now();
        drop(sandbox);
        stop = stop.min(stopped.elapsed());
    }
    println!("\na sandbox starts in {start:.1?} and stops in {stop:.1?}");
    Ok(())
}

async fn many_devices() -> Result<()> {
    let sandbox = Sandbox::builder().interface(INTERFACE).start().await?;
    let key = KeyPair::generate()?;
    let register = |_| access(&sandbox, &sandbox.register_device()?, &key);
    let devices: Vec<Access> = (0..DEVICES).map(register).collect::<Result<_>>()?;
    let (before, started) = (resident_kb(), Instant::now());
    let fleet = Fleet::connect(&devices)?;
    sandbox.all_processed().await;
    let elapsed = started.elapsed();
    let devices = sandbox.devices();
    let connected = devices.iter().filter(|device| device.is_connected());
    println!("\n{} devices connected in {elapsed:.1?}", connected.count());
    if let (Some(before), Some(after)) = (before, resident_kb()) {
        let each = after.saturating_sub(before) / DEVICES;
        println!("{each} kB each in the sandbox");
    }
    drop(fleet);
    Ok(())
}

/// What a device needs to connect, with a certificate of its name.
fn access(sandbox: &Sandbox, device: &Device, key: &KeyPair) -> Result<Access> {
    let csr = CertificateParams::default().serialize_request(key)?.pem()?;
    let name = format!("{}/{}", sandbox.realm(), device.id());
    let address = sandbox.broker_url().trim_start_matches("mqtts://");
    Ok(Access {
        address: address.trim_end_matches('/').to_owned(),
        ca: sandbox.ca_pem(),
        certificate: sandbox.sign_certificate(&csr, &name, Duration::from_secs(3600))?,
        key: key.serialize_pem(),
        client_id: name,
    })
}

/// A mosquitto of its own, ended with this.
struct Mosquitto {
    child: Child,
    access: Access,
}

impl Mosquitto {
    fn start() -> Result<Mosquitto> {
        let mut params = CertificateParams::default();
        // OpenSSL takes a certificate of the same name for one that is signed by itself.
        params.distinguished_name.push(DnType::CommonName, "bench");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let (server, client) = (KeyPair::generate()?, KeyPair::generate()?);
        let names = || CertificateParams::new(["localhost".to_owned()]);
        let certificate = names()?.signed_by(&server, &authority)?.pem();
        let folder = env::temp_dir().join(format!("sandbox-bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        // The port is free until mosquitto has it, unless somebody is quick.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let settings = format!(
            "listener {port} 127.0.0.1\ncafile {folder}/ca.pem\ncertfile {folder}/crt.pem\n\
             keyfile {folder}/key.pem\nrequire_certificate true\nallow_anonymous true\nuser root\n\
             set_tcp_nodelay true\n",
            folder = folder.display()
        );
        for (name, text) in [
            ("ca.pem", authority.pem()),
            ("crt.pem", certificate),
            ("key.pem", server.serialize_pem()),
            ("mosquitto.conf", settings),
        ] {
            fs::write(folder.join(name), text)?;
        }
        let mut command = Command::new("mosquitto");
        command
            .arg("-c")
            .arg(folder.join("mosquitto.conf"))
            .stderr(Stdio::null());
        let access = Access {
            address: format!("127.0.0.1:{port}"),
            ca: authority.pem(),
            certificate: names()?.signed_by(&client, &authority)?.pem(),
            key: client.serialize_pem(),
            client_id: "bench".to_owned(),
        };
        Ok(Mosquitto {
            child: command.spawn()?,
            access,
        })
    }

    /// Connects once mosquitto listens.
    async fn client(&self) -> Result<Client> {
        let started = Instant::now();
        loop {
            match Client::connect(&self.access).await {
                Ok(client) => return Ok(client),
                Err(error) if started.elapsed() > Duration::from_secs(5) => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The memory of this process, where Linux tells it.
fn resident_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
