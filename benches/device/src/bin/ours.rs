//! A device on the runtime: `ours CASE COUNT CLIENT FOLDER PORT`, or `start`, or `idle`, in place of a case.

use std::io::Read as _;
use std::time::Duration;

use astarte_runtime::{Builder, Config, Credentials, Device, Timestamp, Tls, astarte_interface};
use device_bench::{Case, Counting, MILLIS, Meter, Reading, Result, Site};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What the device measures.
#[astarte_interface("interfaces/org.example.bench.Readings.json")]
struct Readings;

/// Where the device is.
#[astarte_interface("interfaces/org.example.bench.Position.json")]
struct Position;

/// What the device is set to.
#[astarte_interface("interfaces/org.example.bench.Settings.json")]
struct Settings;

/// What the device is told.
#[astarte_interface("interfaces/org.example.bench.Commands.json")]
struct Commands;

/// Where the device is to go.
#[astarte_interface("interfaces/org.example.bench.Course.json")]
struct Course;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().ok_or("no case")?;
    let count: usize = arguments.next().ok_or("no count")?.parse()?;
    let id = arguments.next().ok_or("no client")?;
    let site = Site::from_arguments(arguments)?;
    match task.as_str() {
        "start" => start(count, &id, &site).await,
        "idle" => idle(count, &id, &site).await,
        case => {
            let reading = measure(case.parse()?, count, given(&id, &site)?).await?;
            println!("{reading}");
            Ok(())
        }
    }
}

async fn measure(case: Case, count: usize, config: Config) -> Result<Reading> {
    let mut builder = Device::builder(config);
    let numbers = (0..count).map(|number| number as f64);
    let (device, meter);
    match case {
        Case::DoubleQos0 => {
            let readings = builder.interface::<Readings>();
            (device, meter) = connect(builder).await?;
            for number in numbers {
                readings
                    .send(readings::Temperature { room: "kitchen" }, number)
                    .await?;
            }
        }
        Case::DoubleQos1 => {
            let readings = builder.interface::<Readings>();
            (device, meter) = connect(builder).await?;
            for number in numbers {
                readings
                    .send(readings::Humidity { room: "kitchen" }, number)
                    .await?;
            }
        }
        Case::ObjectQos0 => {
            let positions = builder.interface::<Position>();
            (device, meter) = connect(builder).await?;
            let timestamp = Timestamp::from_millis(MILLIS)?;
            for number in numbers {
                let position = Position {
                    latitude: number,
                    longitude: number,
                    altitude: number,
                    speed: number,
                    heading: number,
                    satellites: 9,
                };
                let path = position::Path {
                    vehicle: "truck-17",
                };
                positions.send_at(path, &position, timestamp).await?;
            }
        }
        Case::PropertyQos2 => {
            let settings = builder.interface::<Settings>();
            (device, meter) = connect(builder).await?;
            for number in numbers {
                settings
                    .set(settings::Target { room: "kitchen" }, number)
                    .await?;
            }
        }
        Case::DoubleReceived => {
            let mut commands = builder.interface::<Commands>();
            (device, meter) = connect(builder).await?;
            println!("ready");
            for number in numbers {
                let commands::Event::Setpoint { value, .. } = commands.recv().await?;
                same(value, number)?;
            }
        }
        Case::ObjectReceived => {
            let mut courses = builder.interface::<Course>();
            (device, meter) = connect(builder).await?;
            println!("ready");
            for number in numbers {
                let course = courses.recv().await?.object;
                same(course.heading.ok_or("no heading")?, number)?;
            }
        }
    }
    // What is queued is sent by then, and acknowledged.
    device.disconnect().await;
    meter.stop()
}

async fn connect(builder: Builder) -> Result<(Device, Meter)> {
    let device = builder.connect().await?;
    Ok((device, Meter::start()?))
}

fn same(received: f64, sent: f64) -> Result<()> {
    if received == sent {
        return Ok(());
    }
    Err(format!("received {received}, which should be {sent}").into())
}

/// From stored credentials to the first acknowledgement. The first start leaves a session for the next.
async fn start(last: usize, id: &str, site: &Site) -> Result<()> {
    let mut builder = Device::builder(kept(id, site)?);
    let readings = builder.interface::<Readings>();
    let device = builder.connect().await?;
    readings
        .send(readings::Humidity { room: "kitchen" }, 0.5)
        .await?
        .await?;
    if last == 0 {
        device.disconnect().await;
    }
    std::process::exit(0);
}

/// One device as it is by default, and `more` beside it that keep nothing on disk.
async fn idle(more: usize, id: &str, site: &Site) -> Result<()> {
    let mut devices = Vec::with_capacity(1 + more);
    devices.push(quiet(kept(id, site)?).await?);
    let tls = tls(site)?;
    for number in 0..more {
        let config = given_with(&format!("{number:0>21}A"), site, tls.clone())?;
        devices.push(quiet(config).await?);
    }
    println!("ready");
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

async fn quiet(config: Config) -> Result<impl Sized> {
    let mut builder = Device::builder(config);
    let handles = (
        builder.interface::<Readings>(),
        builder.interface::<Settings>(),
        builder.interface::<Commands>(),
    );
    Ok((builder.connect().await?, handles))
}

/// Everything is kept in a directory, and the pairing API need not be asked.
fn kept(id: &str, site: &Site) -> Result<Config> {
    Ok(Config::new("test".parse()?, id.parse()?)
        .pairing("http://localhost:1/pairing", "the credentials secret")
        .directory(&site.folder)
        .tls(tls(site)?))
}

fn given(id: &str, site: &Site) -> Result<Config> {
    given_with(id, site, tls(site)?)
}

fn given_with(id: &str, site: &Site, tls: Tls) -> Result<Config> {
    let (certificate, key) = site.credentials(id)?;
    let credentials = Credentials::from_pem(certificate.as_bytes(), key.as_bytes())?;
    Ok(Config::new("test".parse()?, id.parse()?)
        .broker(format!("mqtts://localhost:{}", site.port), credentials)
        .disconnect_timeout(Duration::from_secs(60))
        .tls(tls))
}

fn tls(site: &Site) -> Result<Tls> {
    Ok(Tls::new().only_root_certificates_pem(site.authority()?.as_bytes())?)
}
