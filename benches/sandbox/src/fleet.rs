//! Many devices at once, in a process of their own, so that the memory of this one is that of the sandbox.

use std::env;
use std::io::{BufRead, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Packet, Publish};

use crate::Result;
use crate::client::{Access, Client};

/// The argument that makes this program one of devices.
pub(crate) const ARGUMENT: &str = "devices";

/// Connected devices, which leave when this is dropped.
pub(crate) struct Fleet {
    child: Child,
    _stay: ChildStdin,
}

impl Fleet {
    /// Connects all of them, and waits for it.
    pub(crate) fn connect(devices: &[Access]) -> Result<Fleet> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(ARGUMENT);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = child.stdin.take().ok_or("it is piped")?;
        for device in devices {
            let fields = [
                &device.address,
                &device.ca,
                &device.certificate,
                &device.key,
                &device.client_id,
            ];
            input.write_all(fields.map(String::as_str).join(FIELD).as_bytes())?;
            input.write_all(&[RECORD])?;
        }
        input.write_all(&[RECORD])?;
        input.flush()?;
        await_word(child.stdout.take().ok_or("it is piped")?)?;
        Ok(Fleet {
            child,
            _stay: input,
        })
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn await_word(output: ChildStdout) -> Result<()> {
    let mut word = String::new();
    std::io::BufReader::new(output).read_line(&mut word)?;
    match word.as_str() {
        "connected\n" => Ok(()),
        _ => Err("the devices did not connect".into()),
    }
}

/// The life of the other process: connects the devices that it is told, until it is ended.
pub(crate) async fn run() -> Result<()> {
    let mut clients = Vec::new();
    let mut input = std::io::stdin().lock();
    loop {
        let mut record = Vec::new();
        input.read_until(RECORD, &mut record)?;
        record.pop();
        if record.is_empty() {
            break;
        }
        let record = String::from_utf8(record)?;
        let fields: Vec<&str> = record.split(FIELD).collect();
        let [address, ca, certificate, key, client_id] = fields[..] else {
            return Err("a record of five fields".into());
        };
        let access = Access {
            address: address.to_owned(),
            ca: ca.to_owned(),
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            client_id: client_id.to_owned(),
        };
        clients.push(introduce(&access).await?);
    }
    println!("connected");
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut input, &mut rest)?;
    Ok(())
}

/// Connects a device and sends its introspection.
pub(crate) async fn introduce(access: &Access) -> Result<Client> {
    let mut client = Client::connect(access).await?;
    let name = access.client_id.as_str();
    let introspection = Publish::new(name, QoS::AtMostOnce, "bench.Readings:1:0");
    client.send(&Packet::Publish(introspection)).await?;
    Ok(client)
}

/// What stands in no PEM, address or name.
const FIELD: &str = "\u{1f}";
const RECORD: u8 = 0x1e;
