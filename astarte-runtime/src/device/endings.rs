//! Why the server may have closed a link: it never says so itself.

use std::time::Duration;

use super::link::LinkError;
use crate::status::Hint;

/// How soon a link is closed on which something is wrong from the start.
const SOON: Duration = Duration::from_secs(10);

/// How often in a row the server closes the link after the empty cache, before that is taken for the reason.
const CACHES: u32 = 3;

/// How often in a row a link with a session that was kept is closed, before that is taken for another device's doing.
const TAKEN: u32 = 3;

/// What links were like that have ended, as far as it tells causes apart.
#[derive(Debug, Default)]
pub(super) struct Endings {
    /// Links in a row that were closed soon after an empty cache, and before any data.
    after_empty_cache: u32,
    /// Links in a row that began with the broker's session and were closed soon.
    resumed: u32,
}

/// A link that has ended.
#[derive(Debug)]
pub(super) struct Ended<'a> {
    pub(super) error: &'a LinkError,
    pub(super) lasted: Duration,
    /// Whether the broker had kept the session of the link before.
    pub(super) resumed: bool,
    /// Whether the device asked for its properties on it.
    pub(super) emptied_cache: bool,
    /// Whether data were sent on it.
    pub(super) published: bool,
    pub(super) introspection: &'a str,
}

impl Endings {
    /// Notes the end of a link, and returns what is likely behind it.
    pub(super) fn judge(&mut self, ended: &Ended<'_>) -> Option<Hint> {
        if !matches!(ended.error, LinkError::Closed) {
            *self = Self::default();
            return None;
        }
        let soon = ended.lasted < SOON;
        count(
            &mut self.after_empty_cache,
            soon && ended.emptied_cache && !ended.published,
        );
        // After an error the server discards the session: that it is kept says that there was none.
        count(&mut self.resumed, soon && ended.resumed);
        if self.after_empty_cache >= CACHES {
            Some(Hint::EmptyCacheRefused {
                times: self.after_empty_cache,
                introspection: ended.introspection.to_owned(),
            })
        } else if self.resumed >= TAKEN {
            Some(Hint::SharedIdentity {
                times: self.resumed,
            })
        } else {
            ended.published.then_some(Hint::DataRefused)
        }
    }
}

fn count(counter: &mut u32, again: bool) {
    *counter = if again { counter.saturating_add(1) } else { 0 };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(error: &LinkError) -> Ended<'_> {
        Ended {
            error,
            lasted: Duration::from_secs(1),
            resumed: false,
            emptied_cache: false,
            published: false,
            introspection: "org.example.A:1:0",
        }
    }

    #[test]
    fn data_are_suspected_at_once_and_the_rest_in_time() {
        let mut endings = Endings::default();
        let closed = ended(&LinkError::Closed);
        assert_eq!(endings.judge(&closed), None);
        let published = Ended {
            published: true,
            ..ended(&LinkError::Closed)
        };
        assert_eq!(endings.judge(&published), Some(Hint::DataRefused));

        let emptied = Ended {
            emptied_cache: true,
            ..ended(&LinkError::Closed)
        };
        assert_eq!(endings.judge(&emptied), None);
        assert_eq!(endings.judge(&emptied), None);
        let refused = |times| {
            Some(Hint::EmptyCacheRefused {
                times,
                introspection: "org.example.A:1:0".to_owned(),
            })
        };
        assert_eq!(endings.judge(&emptied), refused(3));
        assert_eq!(endings.judge(&emptied), refused(4));
        assert_eq!(endings.judge(&closed), None);
        assert_eq!(endings.judge(&emptied), None, "it begins anew");
    }

    #[test]
    fn a_session_that_is_kept_again_and_again_has_two_users() {
        let mut endings = Endings::default();
        let resumed = Ended {
            resumed: true,
            ..ended(&LinkError::Closed)
        };
        assert_eq!(endings.judge(&resumed), None);
        assert_eq!(endings.judge(&resumed), None);
        assert_eq!(
            endings.judge(&resumed),
            Some(Hint::SharedIdentity { times: 3 })
        );
        let timeout = LinkError::Timeout(SOON);
        let lost = Ended {
            resumed: true,
            ..ended(&timeout)
        };
        assert_eq!(endings.judge(&lost), None);
        let long = Ended {
            resumed: true,
            lasted: SOON,
            ..ended(&LinkError::Closed)
        };
        assert_eq!(endings.judge(&long), None);
    }
}
