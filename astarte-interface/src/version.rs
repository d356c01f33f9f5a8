use std::fmt;

/// The version of an interface.
///
/// Documents of one major replace each other by the rules of [`Compatibility`](crate::Compatibility);
/// majors stand beside each other.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Version {
    /// The major version, 0 to 2 147 483 647.
    pub major: u32,
    /// The minor version, 0 to 2 147 483 647; at least 1 if the major is 0.
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
