//! The rooms of a house, as the application knows them.

use std::{fmt, str::FromStr};

/// A room: a path parameter with a type of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Room {
    /// Where it is warm.
    Kitchen,
    /// Where it is cold.
    Hall,
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kitchen => "kitchen",
            Self::Hall => "hall",
        })
    }
}

impl FromStr for Room {
    type Err = UnknownRoom;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "kitchen" => Ok(Self::Kitchen),
            "hall" => Ok(Self::Hall),
            _ => Err(UnknownRoom),
        }
    }
}

/// The house has no such room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnknownRoom;
