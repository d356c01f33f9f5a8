use std::fmt;
use std::str::FromStr;

/// The name of an interface, such as `org.example.thermostat.Readings`.
///
/// Correct by construction: labels of ASCII letters, digits and (in the middle) hyphens, joined by
/// dots, at most 128 characters, and none of the reserved names.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct InterfaceName(String);

impl InterfaceName {
    /// The longest name in characters.
    pub const MAX_LEN: usize = 128;

    /// Reads a name.
    ///
    /// # Errors
    ///
    /// - The name is empty, too long or reserved.
    /// - A label is empty, begins with a wrong character or has a wrong character in it.
    ///
    /// # Examples
    ///
    /// ```
    /// use astarte_interface::InterfaceName;
    ///
    /// let name = InterfaceName::parse("org.example.Readings")?;
    /// assert_eq!(name.last_label(), "Readings");
    /// # Ok::<(), astarte_interface::InterfaceNameError>(())
    /// ```
    pub fn parse(name: &str) -> Result<InterfaceName, InterfaceNameError> {
        if name.is_empty() {
            return Err(InterfaceNameError::Empty);
        }
        let characters = name.chars().count();
        if characters > Self::MAX_LEN {
            return Err(InterfaceNameError::TooLong { characters });
        }
        check_grammar(name)?;
        if RESERVED.contains(&name) {
            return Err(InterfaceNameError::Reserved);
        }
        Ok(InterfaceName(name.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last label, such as `Readings`.
    pub fn last_label(&self) -> &str {
        self.0.rsplit('.').next().unwrap_or_default()
    }

    /// Whether the server refuses to install both names in one realm: they are different and
    /// equal but for case and hyphens.
    pub fn collides_with(&self, other: &InterfaceName) -> bool {
        self != other && self.folded() == other.folded()
    }

    /// Returns the name by which a realm tells interfaces apart: in lower case, without hyphens.
    pub fn folded(&self) -> String {
        self.0.replace('-', "").to_ascii_lowercase()
    }
}

pub(crate) fn check_grammar(name: &str) -> Result<(), InterfaceNameError> {
    let last = name.split('.').count() - 1;
    for (index, label) in name.split('.').enumerate() {
        let middle = 0 < index && index < last;
        let allowed = |c: char| c.is_ascii_alphanumeric() || (middle && c == '-');
        if let Some(character) = label.chars().find(|c| !allowed(*c)) {
            let label = label.to_owned();
            return Err(match character {
                '-' if !label.starts_with('-') => InterfaceNameError::Hyphen { label },
                _ => InterfaceNameError::Character { label, character },
            });
        }
        let first = |c: char| c.is_ascii_alphabetic() || (middle && c.is_ascii_digit());
        match label.chars().next() {
            None => return Err(InterfaceNameError::EmptyLabel),
            Some(character) if !first(character) => {
                let label = label.to_owned();
                return Err(InterfaceNameError::Start { label, character });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

impl FromStr for InterfaceName {
    type Err = InterfaceNameError;

    fn from_str(name: &str) -> Result<Self, InterfaceNameError> {
        InterfaceName::parse(name)
    }
}

impl AsRef<str> for InterfaceName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text is no [`InterfaceName`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InterfaceNameError {
    /// A character that is allowed nowhere in a label, or not in this one.
    Character {
        /// The label.
        label: String,
        /// The first such character.
        character: char,
    },
    /// There is no text.
    Empty,
    /// Two dots touch, or a dot begins or ends the name.
    EmptyLabel,
    /// The first or the last label has a hyphen.
    Hyphen {
        /// The label.
        label: String,
    },
    /// The server keeps the name for itself.
    Reserved,
    /// A label begins with a character that may stand in it, but not there.
    Start {
        /// The label.
        label: String,
        /// Its first character.
        character: char,
    },
    /// The name is longer than 128 characters.
    TooLong {
        /// Its length in characters.
        characters: usize,
    },
}

impl fmt::Display for InterfaceNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character { label, character } => {
                let (label, character) = (label.escape_debug(), character.escape_debug());
                write!(f, "the label `{label}` has a `{character}`")
            }
            Self::Empty => f.write_str("it is empty"),
            Self::EmptyLabel => f.write_str("there is nothing between two dots, or at an end"),
            Self::Hyphen { label } => {
                write!(
                    f,
                    "the label `{label}` is the first or the last one and has a hyphen"
                )
            }
            Self::Reserved => f.write_str("the server keeps the name for itself"),
            Self::Start { label, character } => {
                write!(f, "the label `{label}` begins with `{character}`")
            }
            Self::TooLong { characters } => write!(
                f,
                "it has {characters} characters, the limit is {}",
                InterfaceName::MAX_LEN
            ),
        }
    }
}

impl std::error::Error for InterfaceNameError {}

/// Names that are topics of their own or belong to the server.
const RESERVED: [&str; 3] = ["astarte", "control", "device"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts() {
        for name in [
            "a",
            "Values",
            "org.Foo",
            "org.astarte-platform.Values",
            "a.0-.b",
            "astarte.X",
        ] {
            assert!(InterfaceName::parse(name).is_ok(), "{name}");
        }
        assert!(InterfaceName::parse(&"a".repeat(128)).is_ok());
    }

    #[test]
    fn refuses() {
        let error = |name: &str| InterfaceName::parse(name).unwrap_err();
        assert_eq!(error(""), InterfaceNameError::Empty);
        assert_eq!(error("a..b"), InterfaceNameError::EmptyLabel);
        assert_eq!(error(".a"), InterfaceNameError::EmptyLabel);
        assert_eq!(error("a.b."), InterfaceNameError::EmptyLabel);
        assert_eq!(error("control"), InterfaceNameError::Reserved);
        assert!(matches!(error("a-b.C"), InterfaceNameError::Hyphen { .. }));
        assert!(matches!(error("a.b-c"), InterfaceNameError::Hyphen { .. }));
        assert!(matches!(error("a.-b.c"), InterfaceNameError::Start { .. }));
        assert!(matches!(error("a.1b"), InterfaceNameError::Start { .. }));
        assert!(matches!(error("1"), InterfaceNameError::Start { .. }));
        assert!(matches!(error("a.é"), InterfaceNameError::Character { .. }));
        assert!(matches!(
            error("a.b\n"),
            InterfaceNameError::Character { .. }
        ));
        assert_eq!(
            error(&"a".repeat(129)),
            InterfaceNameError::TooLong { characters: 129 }
        );
    }

    #[test]
    fn collisions() {
        let name = |name: &str| InterfaceName::parse(name).unwrap();
        assert!(name("com.a-b.X").collides_with(&name("com.ab.x")));
        assert!(!name("com.a-b.X").collides_with(&name("com.a-b.X")));
        assert!(!name("com.a-b.X").collides_with(&name("com.a-b.Y")));
    }
}
