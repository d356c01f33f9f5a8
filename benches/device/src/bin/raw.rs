//! A device on rumqttc alone, by its own event loop: `raw CASE COUNT CLIENT FOLDER PORT`.

use device_bench::{Case, Counting, Direction, Meter, Result, Site};
use rumqttc::{
    AsyncClient, Event, EventLoop, MqttOptions, NetworkOptions, Outgoing, Packet, QoS,
    TlsConfiguration, Transport,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// As many as wait in the runtime's queue.
const QUEUE: usize = 1000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let case: Case = arguments.next().ok_or("no case")?.parse()?;
    let count: usize = arguments.next().ok_or("no count")?.parse()?;
    let id = arguments.next().ok_or("no client")?;
    let site = Site::from_arguments(arguments)?;

    let name = format!("test/{id}");
    let mut options = MqttOptions::new(&name, "localhost", site.port);
    let tls = TlsConfiguration::Rustls(site.tls(&id)?);
    options.set_transport(Transport::Tls(tls));
    options.set_max_packet_size(256 * 1024, 256 * 1024);
    let (client, mut events) = AsyncClient::new(options, QUEUE);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    events.set_network_options(network);
    until(&mut events, 1, |event| {
        matches!(event, Event::Incoming(Packet::ConnAck(_)))
    })
    .await?;

    let topic = format!("{name}/{}", case.path());
    let reading = match case.direction() {
        Direction::Sent => send(case, count, topic, client, events).await?,
        Direction::Received => receive(count, topic, client, events).await?,
    };
    println!("{reading}");
    Ok(())
}

async fn send(
    case: Case,
    count: usize,
    topic: String,
    client: AsyncClient,
    mut events: EventLoop,
) -> Result<device_bench::Reading> {
    let meter = Meter::start()?;
    let done = move |event: &Event| match case.qos() {
        0 => matches!(event, Event::Outgoing(Outgoing::Publish(_))),
        1 => matches!(event, Event::Incoming(Packet::PubAck(_))),
        _ => matches!(event, Event::Incoming(Packet::PubComp(_))),
    };
    let running = tokio::spawn(async move {
        let ended = until(&mut events, count, done)
            .await
            .map_err(|error| error.to_string());
        ended.map(|()| events)
    });
    let qos = match case.qos() {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    };
    for number in 0..count {
        let payload = case.payload(number as f64);
        client.publish(&*topic, qos, false, payload).await?;
    }
    let mut events = running.await??;
    let reading = meter.stop()?;
    client.disconnect().await?;
    until(&mut events, 1, |event| {
        matches!(event, Event::Outgoing(Outgoing::Disconnect))
    })
    .await?;
    Ok(reading)
}

async fn receive(
    count: usize,
    topic: String,
    client: AsyncClient,
    mut events: EventLoop,
) -> Result<device_bench::Reading> {
    client.subscribe(topic, QoS::ExactlyOnce).await?;
    until(&mut events, 1, |event| {
        matches!(event, Event::Incoming(Packet::SubAck(_)))
    })
    .await?;
    println!("ready");
    let meter = Meter::start()?;
    until(&mut events, count, |event| {
        matches!(event, Event::Incoming(Packet::Publish(_)))
    })
    .await?;
    meter.stop()
}

/// Runs the client until `count` such events have come.
async fn until(
    events: &mut EventLoop,
    count: usize,
    wanted: impl Fn(&Event) -> bool,
) -> Result<()> {
    let mut seen = 0;
    while seen < count {
        seen += usize::from(wanted(&events.poll().await?));
    }
    Ok(())
}
