use std::fmt;
use std::str::FromStr;

/// The pattern of the paths of a mapping, such as `/%{room}/temperature`.
///
/// Correct by construction: 2 to 256 characters and 1 to 64 levels.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Endpoint {
    text: String,
    levels: Vec<Level>,
}

/// What stands between two slashes of an [`Endpoint`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Level {
    /// A level that is the same in every path.
    Literal(String),
    /// A level that the sender chooses, by the name of the parameter.
    Parameter(String),
}

impl Endpoint {
    /// The longest endpoint in characters.
    pub const MAX_LEN: usize = 256;
    /// The greatest number of levels.
    pub const MAX_LEVELS: usize = 64;

    /// Reads an endpoint.
    ///
    /// # Errors
    ///
    /// - The text does not begin with a slash, ends with one, or has two that touch.
    /// - A level is neither a word (`[a-zA-Z_][a-zA-Z0-9_]*`) nor `%{word}`.
    /// - The text or its number of levels is too large.
    ///
    /// # Examples
    ///
    /// ```
    /// use astarte_interface::Endpoint;
    ///
    /// let endpoint = Endpoint::parse("/%{room}/temperature")?;
    /// assert!(endpoint.parameters().eq(["room"]));
    /// # Ok::<(), astarte_interface::EndpointError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Endpoint, EndpointError> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(EndpointError::NoLeadingSlash);
        };
        let characters = text.chars().count();
        if characters > Self::MAX_LEN {
            return Err(EndpointError::TooLong { characters });
        }
        let levels: Result<Vec<_>, _> = rest.split('/').map(Level::parse).collect();
        let levels = levels?;
        if levels.len() > Self::MAX_LEVELS {
            return Err(EndpointError::TooManyLevels {
                levels: levels.len(),
            });
        }
        Ok(Endpoint {
            text: text.to_owned(),
            levels,
        })
    }

    /// Returns the text, as in the JSON.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the levels, at least one.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Returns the names of the parameters in order; a name may come twice.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().filter_map(|level| match level {
            Level::Parameter(name) => Some(name.as_str()),
            Level::Literal(_) => None,
        })
    }

    /// Returns the text without the names of the parameters: what the server compares to find the
    /// same endpoint in another version of an interface.
    pub fn blanked(&self) -> String {
        let mut text = String::with_capacity(self.text.len());
        for level in &self.levels {
            text.push('/');
            text.push_str(match level {
                Level::Literal(word) => word,
                Level::Parameter(_) => "%{}",
            });
        }
        text
    }

    /// The last level as it is written: the key of the mapping in an object.
    pub(crate) fn last_level_text(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }
}

impl Level {
    fn parse(text: &str) -> Result<Level, EndpointError> {
        let invalid = |reason| EndpointError::Level {
            level: text.to_owned(),
            reason,
        };
        let parameter = text
            .strip_prefix("%{")
            .and_then(|rest| rest.strip_suffix('}'));
        if let Some(name) = parameter {
            check_word(name).map_err(|_| invalid(LevelError::ParameterName))?;
            return Ok(Level::Parameter(name.to_owned()));
        }
        if text.contains(['%', '{', '}']) {
            return Err(invalid(LevelError::HalfParameter));
        }
        match check_word(text) {
            Ok(()) => Ok(Level::Literal(text.to_owned())),
            Err(reason) => Err(invalid(reason)),
        }
    }
}

fn check_word(word: &str) -> Result<(), LevelError> {
    let Some(first) = word.chars().next() else {
        return Err(LevelError::Empty);
    };
    let wrong = word
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && *c != '_');
    match wrong {
        Some(character) => Err(LevelError::Character(character)),
        None if first.is_ascii_digit() => Err(LevelError::LeadingDigit),
        None => Ok(()),
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        Endpoint::parse(text)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Level::Literal(word) => f.write_str(word),
            Level::Parameter(name) => write!(f, "%{{{name}}}"),
        }
    }
}

/// Why a text is no [`Endpoint`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EndpointError {
    /// A level is neither a word nor a parameter.
    Level {
        /// The level as it is written.
        level: String,
        /// What is wrong with it.
        reason: LevelError,
    },
    /// The text does not begin with a slash.
    NoLeadingSlash,
    /// The text is longer than 256 characters.
    TooLong {
        /// Its length in characters.
        characters: usize,
    },
    /// There are more than 64 levels.
    TooManyLevels {
        /// The number of levels.
        levels: usize,
    },
}

/// What is wrong with a level of an endpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LevelError {
    /// A character that is neither an ASCII letter, nor a digit, nor `_`.
    Character(char),
    /// There is nothing between two slashes, or behind the last one.
    Empty,
    /// A `%`, `{` or `}` that is no part of `%{name}`, or a level that mixes both forms.
    HalfParameter,
    /// The level begins with a digit.
    LeadingDigit,
    /// What stands in `%{}` is no word.
    ParameterName,
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level { level, reason } => {
                let level = level.escape_debug();
                match reason {
                    LevelError::Character(character) => {
                        write!(
                            f,
                            "the level `{level}` has a `{}`",
                            character.escape_debug()
                        )
                    }
                    LevelError::Empty => {
                        f.write_str("it has an empty level: two slashes touch, or one ends it")
                    }
                    LevelError::HalfParameter => write!(
                        f,
                        "the level `{level}` is not a word, and not a parameter of the form `%{{name}}`"
                    ),
                    LevelError::LeadingDigit => {
                        write!(f, "the level `{level}` begins with a digit")
                    }
                    LevelError::ParameterName => {
                        write!(
                            f,
                            "the parameter `{level}` does not have a word as its name"
                        )
                    }
                }
            }
            Self::NoLeadingSlash => f.write_str("it does not begin with a slash"),
            Self::TooLong { characters } => write!(
                f,
                "it has {characters} characters, the limit is {}",
                Endpoint::MAX_LEN
            ),
            Self::TooManyLevels { levels } => {
                write!(
                    f,
                    "it has {levels} levels, the limit is {}",
                    Endpoint::MAX_LEVELS
                )
            }
        }
    }
}

impl std::error::Error for EndpointError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts() {
        let endpoint = Endpoint::parse("/%{room}/_x/%{_1}").unwrap();
        assert_eq!(endpoint.parameters().collect::<Vec<_>>(), ["room", "_1"]);
        assert_eq!(endpoint.levels()[1], Level::Literal("_x".into()));
        assert_eq!(endpoint.to_string(), "/%{room}/_x/%{_1}");
        assert_eq!(endpoint.blanked(), "/%{}/_x/%{}");
        assert!(Endpoint::parse(&"/a".repeat(64)).is_ok());
        assert!(Endpoint::parse(&format!("/{}", "a".repeat(255))).is_ok());
    }

    #[test]
    fn refuses() {
        let reason = |text: &str| match Endpoint::parse(text) {
            Err(EndpointError::Level { reason, .. }) => reason,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(reason("/"), LevelError::Empty);
        assert_eq!(reason("/a/"), LevelError::Empty);
        assert_eq!(reason("//a"), LevelError::Empty);
        assert_eq!(reason("/1a"), LevelError::LeadingDigit);
        assert_eq!(reason("/a-b"), LevelError::Character('-'));
        assert_eq!(reason("/a\n"), LevelError::Character('\n'));
        assert_eq!(reason("/%{}"), LevelError::ParameterName);
        assert_eq!(reason("/%{1}"), LevelError::ParameterName);
        assert_eq!(reason("/%{{a}}"), LevelError::ParameterName);
        assert_eq!(reason("/x%{a}"), LevelError::HalfParameter);
        assert_eq!(reason("/%a"), LevelError::HalfParameter);
        assert_eq!(Endpoint::parse("a"), Err(EndpointError::NoLeadingSlash));
        assert_eq!(Endpoint::parse(""), Err(EndpointError::NoLeadingSlash));
        assert_eq!(
            Endpoint::parse(&"/a".repeat(65)),
            Err(EndpointError::TooManyLevels { levels: 65 })
        );
        assert_eq!(
            Endpoint::parse(&format!("/{}", "a".repeat(256))),
            Err(EndpointError::TooLong { characters: 257 })
        );
    }
}
