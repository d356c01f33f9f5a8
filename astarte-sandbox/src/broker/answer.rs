//! What the broker does with the packets of a device.

use bytes::{Buf, BytesMut};
use rumqttc::mqttbytes::v4::{self, SubscribeReasonCode};

use super::packet::{Packet, Publish};
use super::{session, topic};
use crate::core::Core;
use crate::event::Disconnection;
use crate::profile::Profile;
use crate::slot::{Slot, State};
use crate::updater::Message;

/// Handles a packet that arrived at this time, in milliseconds since the epoch; an error ends the
/// connection.
pub(super) fn handle(
    core: &Core,
    slot: &Slot,
    state: &mut State,
    packet: Packet,
    arrival: i64,
    out: &mut BytesMut,
) -> Result<(), Disconnection> {
    let packet = match packet {
        Packet::Connect(_) => return Err(protocol("a second CONNECT")),
        Packet::Publish(publish) => return on_publish(slot, state, publish, arrival, out),
        Packet::Other(packet) => packet,
    };
    match packet {
        v4::Packet::PubAck(ack) => state.session.acknowledge(ack.pkid),
        v4::Packet::PubRec(rec) => state
            .session
            .received_by_peer(rec.pkid, out)
            .map_err(|error| protocol(error.to_string()))?,
        v4::Packet::PubComp(comp) => {
            state
                .session
                .complete(comp.pkid)
                .map_err(|error| protocol(error.to_string()))?;
        }
        v4::Packet::PubRel(rel) => {
            state.session.release(rel.pkid);
            acknowledge(state, &v4::Packet::PubComp(v4::PubComp::new(rel.pkid)), out);
        }
        v4::Packet::Subscribe(subscribe) => on_subscribe(core, slot, state, subscribe, out)?,
        v4::Packet::Unsubscribe(unsubscribe) => {
            for filter in &unsubscribe.topics {
                state.session.unsubscribe(filter);
            }
            let answer = v4::Packet::UnsubAck(v4::UnsubAck::new(unsubscribe.pkid));
            acknowledge(state, &answer, out);
        }
        v4::Packet::PingReq => session::write(&v4::Packet::PingResp, out),
        v4::Packet::Disconnect => return Err(Disconnection::Client),
        other => {
            return Err(protocol(format!(
                "a packet that only a server sends: {other:?}"
            )));
        }
    }
    Ok(())
}

/// Acknowledges a publication and queues it: what is wrong with it shows later.
fn on_publish(
    slot: &Slot,
    state: &mut State,
    mut publish: Publish,
    reception: i64,
    out: &mut BytesMut,
) -> Result<(), Disconnection> {
    if !topic::is_name(&publish.topic) {
        return Err(protocol("PUBLISH with a topic that is not a name"));
    }
    let relative = topic::below(&slot.base, &publish.topic);
    // Upstream, the broker itself takes topics that begin with `$`, and does nothing with them.
    if relative.is_none() && !publish.topic.starts_with(b"$") {
        let topic = String::from_utf8_lossy(&publish.topic).into_owned();
        return Err(Disconnection::ForeignTopic(topic));
    }
    let new = match publish.qos {
        0 => true,
        1 => {
            acknowledge(state, &v4::Packet::PubAck(v4::PubAck::new(publish.id)), out);
            true
        }
        _ => {
            acknowledge(state, &v4::Packet::PubRec(v4::PubRec::new(publish.id)), out);
            state.session.receive(publish.id)
        }
    };
    if relative.is_none() || !new {
        return Ok(());
    }
    if state.session.is_subscribed()
        && let Ok(topic) = str::from_utf8(&publish.topic)
    {
        state
            .session
            .publish(topic, publish.qos, publish.payload.clone());
    }
    publish.topic.advance(slot.base.len());
    state.enqueue(Message::Publish { publish, reception });
    Ok(())
}

fn on_subscribe(
    core: &Core,
    slot: &Slot,
    state: &mut State,
    subscribe: v4::Subscribe,
    out: &mut BytesMut,
) -> Result<(), Disconnection> {
    if subscribe.pkid == 0
        || !subscribe
            .filters
            .iter()
            .all(|filter| topic::is_filter(&filter.path))
    {
        return Err(protocol("malformed SUBSCRIBE"));
    }
    let (mut codes, mut filters, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for filter in subscribe.filters {
        match topic::below(&slot.base, filter.path.as_bytes()) {
            Some(below) => {
                let below = below.strip_prefix(b"/").unwrap_or(below);
                filters.push(String::from_utf8_lossy(below).into_owned());
                codes.push(SubscribeReasonCode::Success(filter.qos));
                state.session.subscribe(filter.path, filter.qos as u8);
            }
            None => {
                codes.push(SubscribeReasonCode::Failure);
                refused.push(filter.path);
            }
        }
    }
    if core.settings.profile == Profile::AsShipped && !filters.is_empty() {
        codes.retain(|code| *code != SubscribeReasonCode::Failure);
    }
    let answer = v4::Packet::SubAck(v4::SubAck::new(subscribe.pkid, codes));
    acknowledge(state, &answer, out);
    state.enqueue(Message::Subscribed { filters, refused });
    Ok(())
}

pub(super) fn protocol(reason: impl Into<String>) -> Disconnection {
    Disconnection::Protocol(reason.into())
}

/// Writes the answer to what a device has sent, unless it is to be lost.
fn acknowledge(state: &State, answer: &v4::Packet, out: &mut BytesMut) {
    if !state.faults.loses_acknowledgements {
        session::write(answer, out);
    }
}
