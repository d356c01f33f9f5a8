//! Spans and events of `tracing`, where the feature is on; nothing where it is not.
//!
//! Neither secrets nor payloads are among them: what is told are states, topics and errors.

/// Tells an event, `trace::event!(debug, "text", field = value)`: fields are displayed, and read in any case.
#[cfg(feature = "tracing")]
macro_rules! event {
    ($level:ident, $text:literal $(, $field:ident = $value:expr)* $(,)?) => {
        ::tracing::$level!($($field = %$value,)* $text)
    };
}

#[cfg(not(feature = "tracing"))]
macro_rules! event {
    ($level:ident, $text:literal $(, $field:ident = $value:expr)* $(,)?) => {{
        $(let _ = &$value;)*
    }};
}

pub(crate) use event;

/// Tells a status event.
#[cfg(feature = "tracing")]
pub(crate) fn status(status: &crate::Status) {
    use crate::Status::{
        Connecting, Disconnected, Dropped, Reconnecting, Rejected, RenewalFailed, RetentionFull,
        SetAside, Stopped, Unread,
    };
    match status {
        Connecting | Reconnecting { .. } => tracing::debug!("{status}"),
        Disconnected(_)
        | Dropped { .. }
        | Rejected(_)
        | RenewalFailed { .. }
        | RetentionFull { .. }
        | SetAside { .. }
        | Unread { .. } => {
            tracing::warn!("{status}");
        }
        Stopped(Some(_)) => tracing::error!("{status}"),
        _ => tracing::info!("{status}"),
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn status(_: &crate::Status) {}

/// Runs a task of a device in a span of its own.
#[cfg(feature = "tracing")]
pub(crate) fn of_device<T: Future>(id: &str, task: T) -> impl Future<Output = T::Output> + use<T> {
    tracing::Instrument::instrument(task, tracing::info_span!("astarte_device", id))
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn of_device<T: Future>(_: &str, task: T) -> impl Future<Output = T::Output> + use<T> {
    task
}

/// Runs an attempt to connect, and the connection that comes of it, in a span of its own.
#[cfg(feature = "tracing")]
pub(crate) fn of_connection<T: Future>(task: T) -> impl Future<Output = T::Output> {
    tracing::Instrument::instrument(task, tracing::debug_span!("connection"))
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn of_connection<T: Future>(task: T) -> impl Future<Output = T::Output> {
    task
}
