//! What device and server tell each other before data flows. No I/O.
//!
//! Each step waits for the acknowledgement of the one before: subscriptions, introspection, empty cache, stored
//! properties, and the list of all of them. Where the broker still has the session and the introspection is the one it
//! knows, only the properties that changed offline are sent.

use std::collections::VecDeque;

use bytes::BytesMut;
use rumqttc::mqttbytes::{
    QoS,
    v4::{Publish, Subscribe, SubscribeFilter, SubscribeReasonCode},
};

use super::{connection::Token, interfaces::Interfaces, link::LinkError};
use crate::{
    Ownership,
    outbox::PropertyId,
    purge,
    session::Session,
    store::{Property, State},
};

/// The largest list of properties that fits in a packet beside its topic.
pub(crate) const LIST_LIMIT: usize = 65_535 - 128;

#[derive(Debug)]
pub(crate) struct Handshake {
    step: Step,
    /// Whether the broker knows nothing of the device.
    full: bool,
    filters: Vec<String>,
    unsent: VecDeque<Property>,
    /// How many messages of the step are not acknowledged.
    pending: usize,
    list: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Subscribing(u16),
    Introspection,
    EmptyCache,
    Loading,
    Properties,
    List,
    Done,
}

/// What the connection is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait for the broker.
    Wait,
    /// Load the stored properties, all or only the unsent ones, and call [`Handshake::loaded`].
    Load { unsent_only: bool },
    /// The handshake is over.
    Finish,
}

/// What the steps need of the connection.
pub(crate) struct Context<'a> {
    pub(crate) base: &'a str,
    pub(crate) interfaces: &'a Interfaces,
    pub(crate) session: &'a mut Session<Token>,
    pub(crate) out: &'a mut BytesMut,
}

impl Handshake {
    /// Begins, in full or with the broker knowing the device.
    pub(crate) fn begin(full: bool, cx: &mut Context<'_>) -> (Self, Next) {
        let mut handshake = Self {
            step: Step::Loading,
            full,
            filters: Vec::new(),
            unsent: VecDeque::new(),
            pending: 0,
            list: Vec::new(),
        };
        if !full {
            return (handshake, Next::Load { unsent_only: true });
        }
        handshake.filters = filters(cx);
        let filter = |path: &String| SubscribeFilter {
            path: path.clone(),
            qos: QoS::ExactlyOnce,
        };
        let filters = handshake.filters.iter().map(filter).collect();
        handshake.step =
            Step::Subscribing(cx.session.subscribe(Subscribe { pkid: 0, filters }, cx.out));
        (handshake, Next::Wait)
    }

    /// Whether all its steps are done.
    pub(crate) fn is_over(&self) -> bool {
        self.step == Step::Done
    }

    /// The broker has answered a subscription.
    pub(crate) fn subscribed(
        &mut self,
        id: u16,
        codes: &[SubscribeReasonCode],
        cx: &mut Context<'_>,
    ) -> Result<Next, LinkError> {
        if self.step != Step::Subscribing(id) {
            return Ok(Next::Wait);
        }
        // A broker may answer for fewer filters than it was asked for, which leaves the rest refused.
        let refused = codes
            .iter()
            .position(|code| *code == SubscribeReasonCode::Failure);
        let refused = refused.or_else(|| (codes.len() < self.filters.len()).then_some(codes.len()));
        if let Some(refused) = refused {
            return Err(LinkError::Subscription(
                self.filters.get(refused).cloned().unwrap_or_default(),
            ));
        }
        self.step = Step::Introspection;
        self.publish(
            cx.base.to_owned(),
            cx.interfaces.introspection().as_bytes().to_vec(),
            cx,
        );
        Ok(Next::Wait)
    }

    /// The broker has acknowledged a message of the handshake.
    pub(crate) fn acknowledged(&mut self, cx: &mut Context<'_>) -> Next {
        self.pending = self.pending.saturating_sub(1);
        if self.pending > 0 || !self.unsent.is_empty() {
            return self.go_on(cx);
        }
        match self.step {
            Step::Introspection => {
                self.step = Step::EmptyCache;
                self.publish(format!("{}/control/emptyCache", cx.base), b"1".to_vec(), cx);
                Next::Wait
            }
            Step::EmptyCache => {
                self.step = Step::Loading;
                Next::Load { unsent_only: false }
            }
            Step::Properties => self.properties_sent(cx),
            Step::List => self.finish(),
            Step::Subscribing(_) | Step::Loading | Step::Done => Next::Wait,
        }
    }

    /// The stored properties are there.
    ///
    /// # Errors
    ///
    /// - The list of them has so many bytes that the broker would not take it.
    pub(crate) fn loaded(
        &mut self,
        mut properties: Vec<Property>,
        cx: &mut Context<'_>,
    ) -> Result<Next, usize> {
        properties.retain(|property| cx.interfaces.get(&property.interface).is_some());
        if self.full {
            let set = properties
                .iter()
                .filter(|property| property.state != State::Unset);
            self.list = purge::encode(
                set.map(|property| (property.interface.as_str(), property.path.as_str())),
            );
            if self.list.len() > LIST_LIMIT {
                return Err(self.list.len());
            }
        }
        self.step = Step::Properties;
        self.unsent = properties.into();
        if self.unsent.is_empty() {
            Ok(self.properties_sent(cx))
        } else {
            Ok(self.go_on(cx))
        }
    }

    /// Sends as many properties as the session has room for.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Next {
        while cx.session.has_room()
            && let Some(property) = self.unsent.pop_front()
        {
            self.publish_property(property, cx);
        }
        Next::Wait
    }

    fn properties_sent(&mut self, cx: &mut Context<'_>) -> Next {
        if !self.full {
            return self.finish();
        }
        self.step = Step::List;
        let list = std::mem::take(&mut self.list);
        self.publish(format!("{}/control/producer/properties", cx.base), list, cx);
        Next::Wait
    }

    fn finish(&mut self) -> Next {
        self.step = Step::Done;
        Next::Finish
    }

    fn publish_property(&mut self, property: Property, cx: &mut Context<'_>) {
        let Some(registered) = cx.interfaces.get(&property.interface) else {
            return;
        };
        let id = PropertyId {
            interface: registered.descriptor.name,
            major: property.major,
            path: property.path,
        };
        let publish = Publish::new(
            format!("{}/{}{}", cx.base, id.interface, id.path),
            QoS::ExactlyOnce,
            property.payload,
        );
        let payload = publish.payload.clone();
        cx.session
            .publish(publish, Token::Handshake(Some((id, payload))), cx.out);
        self.pending += 1;
    }

    fn publish(&mut self, topic: String, payload: Vec<u8>, cx: &mut Context<'_>) {
        cx.session.publish(
            Publish::new(topic, QoS::ExactlyOnce, payload),
            Token::Handshake(None),
            cx.out,
        );
        self.pending += 1;
    }
}

/// What a device subscribes to: the server's list of properties, and all of each server-owned interface.
fn filters(cx: &Context<'_>) -> Vec<String> {
    let mut filters = vec![format!("{}/control/consumer/properties", cx.base)];
    let server_owned = cx
        .interfaces
        .iter()
        .filter(|interface| interface.descriptor.ownership == Ownership::Server);
    filters.extend(
        server_owned.map(|interface| format!("{}/{}/#", cx.base, interface.descriptor.name)),
    );
    filters
}
