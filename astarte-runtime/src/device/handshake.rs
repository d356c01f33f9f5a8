//! What device and server tell each other before data flows, and when that changes. No I/O.
//!
//! The steps of a [`Plan`], each after the acknowledgement of the one before: subscriptions, introspection, empty
//! cache, stored properties, the list of all of them, and the end of subscriptions.

use std::collections::VecDeque;

use bytes::BytesMut;
use rumqttc::mqttbytes::{
    QoS,
    v4::{Subscribe, SubscribeFilter, SubscribeReasonCode, Unsubscribe},
};

use super::{
    connection::Token,
    interfaces::Interfaces,
    keeper::LoadedProperties,
    link::LinkError,
    plan::{Plan, Resend},
};
use crate::{
    metrics::Counters,
    outbox::SentProperty,
    publish::Publish,
    purge,
    session::Session,
    store::{Property, State},
    trace,
};

/// The largest list of properties that fits in a packet beside its topic.
pub(crate) const LIST_LIMIT: usize = 65_535 - 128;

/// How many topics one packet subscribes to, or unsubscribes from: they fit in what the broker takes.
const FILTERS: usize = 100;

#[derive(Debug)]
pub(crate) struct Handshake {
    step: Step,
    plan: Plan,
    /// Which handshake of the session it is: messages of an earlier one may be acknowledged during this.
    generation: u32,
    /// What the last SUBSCRIBE was for.
    filters: Vec<String>,
    /// Messages of the step that wait for room.
    unsent: VecDeque<(Publish, Token)>,
    /// How many messages of the step are not acknowledged, or not sent yet.
    pending: usize,
    /// The list of the properties that are set; empty where it is not to be sent.
    list: Vec<u8>,
    withheld: bool,
}

/// The steps, in their order. The id is that of the last packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Settling,
    Subscribing(u16),
    Introspection,
    EmptyCache,
    Loading,
    Properties,
    List,
    Unsubscribing(u16),
    Done,
}

/// What the connection is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait for the broker, or nothing more.
    Wait,
    /// Load the stored properties, all or only the unsent ones, and call [`Handshake::loaded`].
    Load { unsent_only: bool },
}

/// What the steps need of the connection.
pub(crate) struct Context<'a> {
    pub(crate) base: &'a str,
    pub(crate) counters: &'a Counters,
    pub(crate) interfaces: &'a Interfaces,
    pub(crate) session: &'a mut Session<Token>,
    pub(crate) out: &'a mut BytesMut,
}

impl Handshake {
    pub(crate) fn begin(generation: u32, plan: Plan, cx: &mut Context<'_>) -> (Self, Next) {
        let mut handshake = Self {
            step: Step::Settling,
            plan,
            generation,
            filters: Vec::new(),
            unsent: VecDeque::new(),
            pending: 0,
            list: Vec::new(),
            withheld: false,
        };
        let next = handshake.go_on(cx);
        (handshake, next)
    }

    /// Whether all its steps are done.
    pub(crate) fn is_over(&self) -> bool {
        self.step == Step::Done
    }

    /// Whether the server was to be told which properties are set, and was not.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.withheld
    }

    /// Whether it has come so far as to ask for the properties of the server.
    pub(crate) fn emptied_cache(&self) -> bool {
        self.plan.empty_cache && self.step >= Step::EmptyCache
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
        Ok(self.go_on(cx))
    }

    /// The broker has answered the end of a subscription.
    pub(crate) fn unsubscribed(&mut self, id: u16, cx: &mut Context<'_>) -> Next {
        if self.step != Step::Unsubscribing(id) {
            return Next::Wait;
        }
        self.go_on(cx)
    }

    /// The broker has acknowledged a message: of the handshake of this generation, or of none.
    ///
    /// Any of them makes room for properties that wait, and may be the last that was to be settled.
    pub(crate) fn acknowledged(&mut self, generation: Option<u32>, cx: &mut Context<'_>) -> Next {
        if generation == Some(self.generation) {
            self.pending = self.pending.saturating_sub(1);
        }
        self.send_queued(cx);
        let waits = match self.step {
            Step::Settling => false,
            Step::Introspection | Step::EmptyCache | Step::Properties | Step::List => {
                self.pending > 0
            }
            Step::Subscribing(_) | Step::Loading | Step::Unsubscribing(_) | Step::Done => true,
        };
        if waits { Next::Wait } else { self.go_on(cx) }
    }

    /// The stored properties are there.
    ///
    /// # Errors
    ///
    /// - The list of them has so many bytes that the broker would not take it.
    pub(crate) fn loaded(
        &mut self,
        LoadedProperties {
            mut properties,
            complete,
        }: LoadedProperties,
        cx: &mut Context<'_>,
    ) -> Result<Next, usize> {
        // After the loss of a store the server would delete what the list does not name.
        self.withheld = self.plan.list && !complete;
        self.plan.list &= complete;
        // What was added meanwhile is not in the introspection yet: the next handshake has it.
        properties.retain(|(_, property)| {
            let present = cx.interfaces.get(&property.interface);
            present.is_some_and(|present| present.id().major == property.major)
        });
        if self.plan.list {
            let set = properties
                .iter()
                .filter(|(_, property)| property.state != State::Unset);
            let paths = set.map(|(_, property)| (&*property.interface, &*property.path));
            self.list = purge::encode(paths);
            if self.list.len() > LIST_LIMIT {
                return Err(self.list.len());
            }
        }
        if let Resend::Unsent(also) = &self.plan.properties {
            properties.retain(|(_, property)| {
                property.state != State::Sent || also.contains(&&*property.interface)
            });
        }
        trace::event!(debug, "sending stored properties", count = properties.len());
        self.step = Step::Properties;
        for (sent, property) in properties {
            self.publish_property(sent, property, cx);
        }
        Ok(if self.pending == 0 {
            self.go_on(cx)
        } else {
            Next::Wait
        })
    }

    /// Does what does not wait for the broker, until something does.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Next {
        loop {
            self.step = match self.step {
                Step::Settling => {
                    // Repeated after the introspection, a message of an interface that is not in it would be refused.
                    let interfaces = cx.interfaces;
                    if self.plan.introspection
                        && cx.session.is_sending(|token| token.is_removed(interfaces))
                    {
                        return Next::Wait;
                    }
                    Step::Subscribing(0)
                }
                Step::Subscribing(_) => match self.subscribe(cx) {
                    Some(id) => {
                        self.step = Step::Subscribing(id);
                        return Next::Wait;
                    }
                    None => Step::Introspection,
                },
                // Each of these publishes once, and comes here again when that is acknowledged.
                Step::Introspection if std::mem::take(&mut self.plan.introspection) => {
                    trace::event!(debug, "sending the introspection");
                    let introspection = cx.interfaces.introspection().as_bytes();
                    self.publish(cx.base, introspection, cx);
                    return Next::Wait;
                }
                Step::Introspection => {
                    self.step = Step::EmptyCache;
                    if self.plan.empty_cache {
                        trace::event!(debug, "asking for the properties of the server");
                        self.publish(&format!("{}/control/emptyCache", cx.base), b"1", cx);
                        return Next::Wait;
                    }
                    Step::EmptyCache
                }
                Step::EmptyCache if self.plan.properties == Resend::None => Step::List,
                Step::EmptyCache => {
                    self.step = Step::Loading;
                    return Next::Load {
                        unsent_only: !self.plan.list,
                    };
                }
                Step::Loading => return Next::Wait,
                Step::Properties => Step::List,
                Step::List if std::mem::take(&mut self.plan.list) => {
                    let list = std::mem::take(&mut self.list);
                    let topic = format!("{}/control/producer/properties", cx.base);
                    self.publish(&topic, &list, cx);
                    return Next::Wait;
                }
                Step::List => Step::Unsubscribing(0),
                Step::Unsubscribing(_) => match self.unsubscribe(cx) {
                    Some(id) => {
                        self.step = Step::Unsubscribing(id);
                        return Next::Wait;
                    }
                    None => Step::Done,
                },
                Step::Done => return Next::Wait,
            };
        }
    }

    /// Subscribes to the next topics, where there are any.
    fn subscribe(&mut self, cx: &mut Context<'_>) -> Option<u16> {
        self.filters = first(&mut self.plan.subscribe)?;
        trace::event!(debug, "subscribing", topics = self.filters.len());
        let filter = |path: &String| SubscribeFilter {
            path: path.clone(),
            qos: QoS::ExactlyOnce,
        };
        let filters = self.filters.iter().map(filter).collect();
        Some(cx.session.subscribe(Subscribe { pkid: 0, filters }, cx.out))
    }

    fn unsubscribe(&mut self, cx: &mut Context<'_>) -> Option<u16> {
        let topics = first(&mut self.plan.unsubscribe)?;
        trace::event!(debug, "unsubscribing", topics = topics.len());
        Some(
            cx.session
                .unsubscribe(Unsubscribe { pkid: 0, topics }, cx.out),
        )
    }

    /// Sends as many messages as the session has room for.
    fn send_queued(&mut self, cx: &mut Context<'_>) {
        while cx.session.has_room()
            && let Some((publish, token)) = self.unsent.pop_front()
        {
            cx.counters.sent(publish.qos(), 1);
            cx.session.publish(publish, token, cx.out);
        }
    }

    fn publish_property(
        &mut self,
        sent: SentProperty,
        property: Property<'_>,
        cx: &mut Context<'_>,
    ) {
        let topic = format!("{}/{}{}", cx.base, property.interface, property.path);
        let publish = Publish::new(&topic, QoS::ExactlyOnce, &property.payload);
        // What the server was known to have needs no note that it has it.
        let stored = (property.state != State::Sent).then_some(sent);
        self.queue(publish, stored, cx);
    }

    fn publish(&mut self, topic: &str, payload: &[u8], cx: &mut Context<'_>) {
        self.queue(Publish::new(topic, QoS::ExactlyOnce, payload), None, cx);
    }

    fn queue(&mut self, publish: Publish, stored: Option<SentProperty>, cx: &mut Context<'_>) {
        let token = Token::Handshake {
            generation: self.generation,
            stored,
        };
        self.unsent.push_back((publish, token));
        self.pending += 1;
        self.send_queued(cx);
    }
}

/// Takes what fits in one packet; `None` where there is nothing.
fn first(filters: &mut Vec<String>) -> Option<Vec<String>> {
    let rest = filters.split_off(filters.len().min(FILTERS));
    let taken = std::mem::replace(filters, rest);
    (!taken.is_empty()).then_some(taken)
}
