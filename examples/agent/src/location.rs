//! Where the machine is, as gpsd knows it.

use std::{io, time::Duration};

use astarte_runtime::{SendError, Timestamp};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpStream, ToSocketAddrs},
    time::timeout,
};

use crate::interfaces::{Geolocation, Handles, geolocation};

/// Where gpsd listens.
pub const GPSD: (&str, u16) = ("127.0.0.1", 2947);

/// How long a receiver may take to tell a position that it has.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks gpsd where the machine is; `None` where there is no gpsd, or it does not know within three seconds.
///
/// # Errors
///
/// - The connection breaks.
pub async fn locate(gpsd: impl ToSocketAddrs) -> io::Result<Option<Geolocation>> {
    let Ok(connection) = TcpStream::connect(gpsd).await else {
        return Ok(None);
    };
    timeout(PATIENCE, first_fix(connection))
        .await
        .unwrap_or(Ok(None))
}

/// Sends a position.
///
/// # Errors
///
/// - The device has ended.
pub async fn report(handles: &Handles, position: &Geolocation) -> Result<(), SendError> {
    let path = geolocation::Path { source: "gpsd" };
    handles
        .geolocation
        .send_at(path, position, Timestamp::now())
        .await?;
    Ok(())
}

async fn first_fix(connection: TcpStream) -> io::Result<Option<Geolocation>> {
    let mut connection = BufReader::new(connection);
    connection
        .write_all(b"?WATCH={\"enable\":true,\"json\":true};\n")
        .await?;
    let mut lines = connection.lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(position) = parse(&line) {
            return Ok(Some(position));
        }
    }
    Ok(None)
}

/// Reads a report of class TPV, time, position and velocity, that has a position.
fn parse(line: &str) -> Option<Geolocation> {
    let report: Value = serde_json::from_str(line).ok()?;
    let number = |key| report.get(key).and_then(Value::as_f64);
    if report.get("class").and_then(Value::as_str) != Some("TPV") {
        return None;
    }
    Some(Geolocation {
        latitude: number("lat")?,
        longitude: number("lon")?,
        accuracy: number("eph"),
    })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_first_position_is_taken() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let gpsd = async {
            let (mut connection, _) = listener.accept().await?;
            let reports = "{\"class\":\"VERSION\"}\n{\"class\":\"TPV\",\"mode\":1}\n\
                           {\"class\":\"TPV\",\"mode\":3,\"lat\":45.46,\"lon\":9.19,\"eph\":4.5}\n";
            connection.write_all(reports.as_bytes()).await?;
            Ok(connection)
        };
        let (position, _connection) = tokio::try_join!(locate(address), gpsd)?;
        let expected = Geolocation {
            latitude: 45.46,
            longitude: 9.19,
            accuracy: Some(4.5),
        };
        assert_eq!(position, Some(expected));
        Ok(())
    }

    #[tokio::test]
    async fn without_gpsd_there_is_no_position() -> io::Result<()> {
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        assert_eq!(locate(address).await?, None);
        Ok(())
    }
}
