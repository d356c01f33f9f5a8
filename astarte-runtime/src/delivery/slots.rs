//! Where senders and the session meet over what became of a message.
//!
//! A channel for each message would be an allocation for each, and most are never looked at. The messages of a device have
//! slots in one list instead; a slot is used again once both of its ends have let go of it.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::{Delivery, DeliveryError, Outcome, State};

/// The slots of a device.
#[derive(Clone, Default)]
pub(crate) struct Deliveries(Arc<Mutex<Slots>>);

/// The session's end of a slot. The sender learns what it tells when it is dropped; without a word, that the device is gone.
#[derive(Debug)]
pub(crate) struct Settle {
    end: End,
    outcome: Outcome,
}

/// The sender's end of a slot.
#[derive(Debug)]
pub(super) struct Waiting(End);

#[derive(Debug)]
struct End {
    deliveries: Deliveries,
    index: usize,
}

#[derive(Default)]
struct Slots {
    slots: Vec<Slot>,
    /// The first one that is free.
    free: Option<usize>,
    /// How many are not free.
    taken: usize,
}

enum Slot {
    Free {
        next: Option<usize>,
    },
    Pending(Option<Waker>),
    Settled(Outcome),
    /// The sender does not want to know.
    Forgotten,
}

/// How many slots are kept while none is taken. There are never more than were once taken at a time.
const KEPT: usize = 1024;

impl Deliveries {
    /// Takes a slot, and returns both of its ends.
    pub(crate) fn waiting(&self) -> (Settle, Delivery) {
        let index = self.lock().take();
        let end = || End {
            deliveries: self.clone(),
            index,
        };
        let settle = Settle {
            end: end(),
            outcome: Err(DeliveryError::Closed),
        };
        (settle, Delivery(State::Waiting(Waiting(end()))))
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        // Every change is whole by the time anything can panic. Wakers are woken and dropped without the lock: they may be
        // the end of a task that has a `Delivery`.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without the slots: they are those of other messages, and locked while they are written.
impl fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliveries").finish_non_exhaustive()
    }
}

impl Settle {
    /// Tells the sender.
    pub(crate) fn tell(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// Whether the sender does not want to know.
    pub(crate) fn is_forgotten(&self) -> bool {
        matches!(*self.end.slots().at(self.end.index), Slot::Forgotten)
    }
}

impl Drop for Settle {
    fn drop(&mut self) {
        let outcome = mem::replace(&mut self.outcome, Err(DeliveryError::Closed));
        let mut slots = self.end.slots();
        let left = match slots.at(self.end.index) {
            Slot::Forgotten => return slots.free(self.end.index),
            slot => mem::replace(slot, Slot::Settled(outcome)),
        };
        drop(slots);
        if let Slot::Pending(Some(waker)) = left {
            waker.wake();
        }
    }
}

impl Waiting {
    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<Outcome> {
        let mut slots = self.0.slots();
        let replaced = match slots.at(self.0.index) {
            Slot::Settled(outcome) => return Poll::Ready(outcome.clone()),
            Slot::Pending(Some(waker)) if waker.will_wake(cx.waker()) => None,
            Slot::Pending(waker) => waker.replace(cx.waker().clone()),
            // Slots of which an end is there are neither.
            Slot::Free { .. } | Slot::Forgotten => None,
        };
        drop(slots);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut slots = self.0.slots();
        let left = match slots.at(self.0.index) {
            Slot::Settled(_) => return slots.free(self.0.index),
            slot => mem::replace(slot, Slot::Forgotten),
        };
        drop(slots);
        drop(left);
    }
}

impl End {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.deliveries.lock()
    }
}

impl Slots {
    /// The slot of an end, which is there for as long as the end is.
    fn at(&mut self, index: usize) -> &mut Slot {
        &mut self.slots[index]
    }

    fn take(&mut self) -> usize {
        self.taken += 1;
        let pending = Slot::Pending(None);
        let Some(index) = self.free else {
            self.slots.push(pending);
            return self.slots.len() - 1;
        };
        if let Slot::Free { next } = mem::replace(self.at(index), pending) {
            self.free = next;
        }
        index
    }

    fn free(&mut self, index: usize) {
        self.taken -= 1;
        if self.taken == 0 && self.slots.len() > KEPT {
            *self = Self::default();
            return;
        }
        let next = self.free.replace(index);
        *self.at(index) = Slot::Free { next };
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        sync::atomic::{AtomicUsize, Ordering},
        task::Wake,
    };

    use super::*;
    use crate::Receipt;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    const ACKNOWLEDGED: Outcome = Ok(Receipt::Acknowledged);

    fn polled(delivery: &mut Delivery, waker: &Waker) -> Poll<Outcome> {
        pin!(delivery).poll(&mut Context::from_waker(waker))
    }

    #[test]
    fn whoever_waits_last_is_woken_once() {
        let deliveries = Deliveries::default();
        let (settle, mut delivery) = deliveries.waiting();
        let (first, last) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
        for woken in [&first, &last, &last] {
            let waker = Waker::from(Arc::clone(woken));
            assert_eq!(polled(&mut delivery, &waker), Poll::Pending);
        }
        settle.tell(ACKNOWLEDGED);
        assert_eq!(first.0.load(Ordering::Relaxed), 0);
        assert_eq!(last.0.load(Ordering::Relaxed), 1);
        for _ in 0..2 {
            let outcome = polled(&mut delivery, Waker::noop());
            assert_eq!(outcome, Poll::Ready(ACKNOWLEDGED));
        }
    }

    #[test]
    fn a_device_that_is_gone_is_closed() {
        let deliveries = Deliveries::default();
        let (settle, mut delivery) = deliveries.waiting();
        drop((settle, deliveries));
        let outcome = polled(&mut delivery, Waker::noop());
        assert_eq!(outcome, Poll::Ready(Err(DeliveryError::Closed)));
    }

    #[test]
    fn slots_are_used_again_once_both_ends_are_gone() {
        let deliveries = Deliveries::default();
        let mut known = deliveries.waiting().0;
        for _ in 0..3 {
            let (settle, delivery) = deliveries.waiting();
            assert!(!settle.is_forgotten());
            drop(delivery);
            assert!(settle.is_forgotten());
            settle.tell(ACKNOWLEDGED);
            let (settle, mut delivery) = deliveries.waiting();
            known.tell(ACKNOWLEDGED);
            known = settle;
            assert_eq!(polled(&mut delivery, Waker::noop()), Poll::Pending);
        }
        let slots = deliveries.lock();
        assert_eq!((slots.taken, slots.slots.len()), (1, 2));
    }

    #[test]
    fn a_delivery_is_shown_without_those_of_others() {
        let deliveries = Deliveries::default();
        let (_settle, delivery) = deliveries.waiting();
        let alone = format!("{delivery:?}");
        let _others: Vec<_> = (0..100).map(|_| deliveries.waiting()).collect();
        let _locked = deliveries.lock();
        assert_eq!(format!("{delivery:?}"), alone);
    }

    #[test]
    fn a_burst_leaves_nothing_behind() {
        let deliveries = Deliveries::default();
        let ends: Vec<_> = (0..=KEPT).map(|_| deliveries.waiting()).collect();
        assert_eq!(deliveries.lock().taken, KEPT + 1);
        drop(ends);
        let slots = deliveries.lock();
        assert_eq!((slots.taken, slots.slots.capacity()), (0, 0));
    }

    #[test]
    fn a_task_may_end_with_the_waker_that_its_delivery_has() {
        struct Task {
            _held: Delivery,
        }

        impl Wake for Task {
            fn wake(self: Arc<Self>) {}
        }

        let deliveries = Deliveries::default();
        let (settle, mut delivery) = deliveries.waiting();
        let (_other, held) = deliveries.waiting();
        let waker = Waker::from(Arc::new(Task { _held: held }));
        assert_eq!(polled(&mut delivery, &waker), Poll::Pending);
        drop(waker);
        drop(delivery);
        assert!(settle.is_forgotten());
        assert_eq!(deliveries.lock().taken, 2);
    }
}
