//! What device and server tell each other before data flows. No I/O.
//!
//! Each step waits for the acknowledgement of the one before: subscriptions, introspection, empty cache, stored
//! properties, and the list of all of them. Where the broker still has the session and the introspection is the one it
//! knows, only the properties that changed offline are sent.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::{
    QoS,
    v4::{Publish, Subscribe, SubscribeFilter, SubscribeReasonCode},
};

use super::{connection::Token, interfaces::Interfaces, keeper::LoadedProperties, link::LinkError};
use crate::{
    Ownership,
    outbox::SentProperty,
    purge,
    session::Session,
    store::{Property, State},
};

/// The largest list of properties that fits in a packet beside its topic.
pub(crate) const LIST_LIMIT: usize = 65_535 - 128;

#[derive(Debug)]
pub(crate) struct Handshake {
    step: Step,
    /// Which handshake of the session it is: messages of an earlier one may be acknowledged during this.
    generation: u32,
    /// Whether the broker knows nothing of the device.
    full: bool,
    filters: Vec<String>,
    /// Messages of the step that wait for room.
    unsent: VecDeque<(Publish, Token)>,
    /// How many messages of the step are not acknowledged, or not sent yet.
    pending: usize,
    /// The list of the properties that are set; empty where it is not to be sent.
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
    pub(crate) fn begin(generation: u32, full: bool, cx: &mut Context<'_>) -> (Self, Next) {
        let mut handshake = Self {
            step: Step::Loading,
            generation,
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

    /// The broker has acknowledged a message: of the handshake of this generation, or of none.
    ///
    /// Any of them makes room for properties that wait.
    pub(crate) fn acknowledged(&mut self, generation: Option<u32>, cx: &mut Context<'_>) -> Next {
        let own = generation == Some(self.generation);
        if own {
            self.pending = self.pending.saturating_sub(1);
        }
        self.go_on(cx);
        if !own || self.pending > 0 {
            return Next::Wait;
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
        LoadedProperties {
            properties,
            complete,
        }: LoadedProperties,
        cx: &mut Context<'_>,
    ) -> Result<Next, usize> {
        if self.full && complete {
            let set = properties
                .iter()
                .filter(|(_, property)| property.state != State::Unset);
            let paths =
                set.map(|(_, property)| (property.interface.as_str(), property.path.as_str()));
            self.list = purge::encode(paths);
            if self.list.len() > LIST_LIMIT {
                return Err(self.list.len());
            }
        }
        self.step = Step::Properties;
        for (sent, property) in properties {
            self.publish_property(sent, property, cx);
        }
        Ok(if self.pending == 0 {
            self.properties_sent(cx)
        } else {
            Next::Wait
        })
    }

    /// Sends as many messages as the session has room for.
    fn go_on(&mut self, cx: &mut Context<'_>) {
        while cx.session.has_room()
            && let Some((publish, token)) = self.unsent.pop_front()
        {
            cx.session.publish(publish, token, cx.out);
        }
    }

    fn properties_sent(&mut self, cx: &mut Context<'_>) -> Next {
        // After the loss of a store the server would delete what the list does not name.
        if self.list.is_empty() {
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

    fn publish_property(&mut self, sent: SentProperty, property: Property, cx: &mut Context<'_>) {
        let topic = format!("{}/{}{}", cx.base, property.interface, property.path);
        let publish = Publish::new(topic, QoS::ExactlyOnce, property.payload);
        // What the server was known to have needs no note that it has it.
        let stored = (property.state != State::Sent).then(|| (sent, publish.payload.clone()));
        self.queue(publish, stored, cx);
    }

    fn publish(&mut self, topic: String, payload: Vec<u8>, cx: &mut Context<'_>) {
        self.queue(Publish::new(topic, QoS::ExactlyOnce, payload), None, cx);
    }

    fn queue(
        &mut self,
        publish: Publish,
        stored: Option<(SentProperty, Bytes)>,
        cx: &mut Context<'_>,
    ) {
        let token = Token::Handshake {
            generation: self.generation,
            stored,
        };
        self.unsent.push_back((publish, token));
        self.pending += 1;
        self.go_on(cx);
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
