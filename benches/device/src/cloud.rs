//! The other end of a device: publishes to it, or counts what it publishes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::BytesMut;
use device_bench::{Case, Result, Site};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Connect, Packet, Publish, Subscribe};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::broker::CLOUD;

pub(crate) struct Cloud {
    stream: StreamOwned<ClientConnection, TcpStream>,
    input: BytesMut,
}

impl Cloud {
    fn connect(site: &Site, name: &str) -> Result<Cloud> {
        let server = ServerName::try_from("localhost")?;
        let connection = ClientConnection::new(site.tls(CLOUD)?, server)?;
        let socket = TcpStream::connect(("localhost", site.port))?;
        socket.set_nodelay(true)?;
        // Reached only where messages were lost.
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        let stream = StreamOwned::new(connection, socket);
        let mut cloud = Cloud {
            stream,
            input: BytesMut::new(),
        };
        let mut connect = Connect::new(name);
        connect.keep_alive = 600;
        cloud.write(&[Packet::Connect(connect)])?;
        match cloud.read()? {
            Packet::ConnAck(_) => Ok(cloud),
            other => Err(format!("{other:?} for a CONNACK").into()),
        }
    }

    /// Counts the messages of a device until it has sent so many; waiting for it says whether they came.
    pub(crate) fn expect(
        site: &Site,
        id: &str,
        case: Case,
        count: usize,
    ) -> Result<JoinHandle<()>> {
        let mut cloud = Cloud::connect(site, &format!("count {id}"))?;
        let mut subscribe = Subscribe::new(format!("test/{id}/{}", case.path()), QoS::AtMostOnce);
        subscribe.pkid = 1;
        cloud.write(&[Packet::Subscribe(subscribe)])?;
        cloud.read()?;
        Ok(std::thread::spawn(move || {
            for number in 0..count {
                match cloud.read() {
                    Ok(Packet::Publish(publish)) => {
                        assert_eq!(publish.payload, case.payload(number as f64))
                    }
                    other => panic!("{other:?} for message {number} of {count}"),
                }
            }
        }))
    }

    /// Publishes to a device as fast as the broker takes it.
    pub(crate) fn feed(site: &Site, id: &str, case: Case, count: usize) -> Result<()> {
        let mut cloud = Cloud::connect(site, &format!("feed {id}"))?;
        let topic = format!("test/{id}/{}", case.path());
        let packet = |number| {
            let payload = case.payload(number as f64);
            Packet::Publish(Publish::new(&*topic, QoS::AtMostOnce, payload))
        };
        for start in (0..count).step_by(BATCH) {
            let packets: Vec<_> = (start..count.min(start + BATCH)).map(packet).collect();
            cloud.write(&packets)?;
        }
        // Its answer says that the broker has read all that was before it.
        cloud.write(&[Packet::PingReq])?;
        cloud.read()?;
        Ok(())
    }

    fn write(&mut self, packets: &[Packet]) -> Result<()> {
        let mut out = BytesMut::new();
        for packet in packets {
            packet
                .write(&mut out, usize::MAX)
                .map_err(|error| error.to_string())?;
        }
        self.stream.write_all(&out)?;
        Ok(self.stream.flush()?)
    }

    fn read(&mut self) -> Result<Packet> {
        let mut buffer = [0; 4096];
        loop {
            if let Ok(packet) = Packet::read(&mut self.input, usize::MAX) {
                return Ok(packet);
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err("the broker closed the connection".into()),
                read => self.input.extend_from_slice(&buffer[..read]),
            }
        }
    }
}

/// Messages in one write.
const BATCH: usize = 100;
