use std::fmt;

use crate::endpoint::Level;
use crate::interface::Interface;
use crate::mapping::Mapping;
use crate::name::InterfaceName;
use crate::schema::{Object, Schema};
use crate::suggest::suggest;
use crate::tree::Found;

/// What a path belongs to.
#[derive(Clone, Debug)]
pub struct Resolved<'a, 'p> {
    target: Target<'a>,
    /// The parameters in order, each with its name in the endpoint and its value in the path.
    pub parameters: Vec<(&'a str, &'p str)>,
}

#[derive(Clone, Copy, Debug)]
enum Target<'a> {
    Mapping(Mapping<'a>),
    Object(&'a Object),
}

impl<'a> Resolved<'a, '_> {
    /// Returns the mapping of an individual interface; `None` for an object.
    pub fn mapping(&self) -> Option<Mapping<'a>> {
        match self.target {
            Target::Mapping(mapping) => Some(mapping),
            Target::Object(_) => None,
        }
    }

    /// Returns the object whose path it is; `None` for an individual interface.
    pub fn object(&self) -> Option<&'a Object> {
        match self.target {
            Target::Mapping(_) => None,
            Target::Object(object) => Some(object),
        }
    }

    /// Returns the mapping, or all mappings of the object.
    pub fn mappings(&self) -> impl Iterator<Item = Mapping<'a>> {
        let object = self.object().into_iter().flat_map(Object::views);
        self.mapping().into_iter().chain(object)
    }

    /// Returns the levels of the endpoint, or those before the key of an object.
    pub fn levels(&self) -> &'a [Level] {
        match self.target {
            Target::Mapping(mapping) => mapping.endpoint().levels(),
            Target::Object(object) => object.prefix(),
        }
    }
}

impl Interface {
    /// Finds what a path belongs to: a mapping, or the object of the interface.
    ///
    /// The cost is that of the path's levels, not of the number of mappings, unless endpoints with
    /// a parameter and with a literal at the same level part only later.
    ///
    /// # Errors
    ///
    /// - The path does not begin with a slash, has an empty level or a forbidden character.
    /// - The path is the beginning of paths of the interface.
    /// - The path belongs to no mapping.
    ///
    /// # Examples
    ///
    /// ```
    /// use astarte_interface::{Interface, Source};
    ///
    /// let text = r#"{
    ///     "interface_name": "org.example.Readings", "version_major": 1, "version_minor": 0,
    ///     "type": "datastream", "ownership": "device",
    ///     "mappings": [{ "endpoint": "/%{room}/temperature", "type": "double" }]
    /// }"#;
    /// let interface = Interface::parse(&Source::new("a.json", text))?.interface;
    ///
    /// let resolved = interface.resolve("/kitchen/temperature")?;
    /// assert_eq!(resolved.parameters, [("room", "kitchen")]);
    /// assert_eq!(interface.resolve("/kitchen").unwrap_err().error_name(), "ambiguous_path");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resolve<'a, 'p>(&'a self, path: &'p str) -> Result<Resolved<'a, 'p>, ResolveError> {
        let invalid = |reason| ResolveError::InvalidPath {
            path: path.to_owned(),
            reason,
        };
        let levels = split(path).map_err(invalid)?;
        let index = match self.paths.find(&levels) {
            Found::Endpoint(index) => index,
            Found::Beginning(index) => return Err(self.incomplete(path, index)),
            Found::Nothing => {
                return Err(ResolveError::NotFound {
                    interface: self.name.clone(),
                    path: path.to_owned(),
                });
            }
        };
        let target = match &self.schema {
            Schema::Object(object) => Target::Object(object),
            Schema::Datastream(_) | Schema::Properties(_) => {
                Target::Mapping(self.mapping_at(index))
            }
        };
        let mut resolved = Resolved {
            target,
            parameters: Vec::new(),
        };
        let pairs = resolved.levels().iter().zip(levels);
        resolved.parameters = pairs
            .filter_map(|(level, value)| match level {
                Level::Parameter(name) => Some((name.as_str(), value)),
                Level::Literal(_) => None,
            })
            .collect();
        Ok(resolved)
    }

    /// Returns what a path looks like that was probably meant by one that resolves to nothing.
    ///
    /// This compares the path with all mappings, which is why errors do not have it.
    ///
    /// # Examples
    ///
    /// ```
    /// use astarte_interface::{Interface, Source};
    ///
    /// let text = r#"{
    ///     "interface_name": "org.example.Readings", "version_major": 1, "version_minor": 0,
    ///     "type": "datastream", "ownership": "device",
    ///     "mappings": [{ "endpoint": "/%{room}/temperature", "type": "double" }]
    /// }"#;
    /// let interface = Interface::parse(&Source::new("a.json", text))?.interface;
    ///
    /// assert!(interface.resolve("/kitchen/temprature").is_err());
    /// let similar = interface.similar("/kitchen/temprature");
    /// assert_eq!(similar.as_deref(), Some("/%{room}/temperature"));
    /// # Ok::<(), astarte_interface::Diagnostics>(())
    /// ```
    pub fn similar(&self, path: &str) -> Option<String> {
        let levels: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        if let Schema::Object(_) = &self.schema {
            return Some(self.pattern(0));
        }
        let patterns = self.mappings().map(Mapping::endpoint);
        // A pattern is as near as its literals are; its parameters take what the path has.
        let filled: Vec<String> = patterns
            .map(|pattern| fill(pattern.as_str(), &levels))
            .collect();
        let near = suggest(path, filled.iter().map(String::as_str))?;
        let index = filled.iter().position(|filled| filled == near)?;
        Some(self.pattern(index))
    }

    fn incomplete(&self, path: &str, index: usize) -> ResolveError {
        ResolveError::Incomplete {
            interface: self.name.clone(),
            path: path.to_owned(),
            expected: self.pattern(index),
            object: matches!(self.schema, Schema::Object(_)),
        }
    }

    /// What a path of the mapping looks like.
    fn pattern(&self, index: usize) -> String {
        match &self.schema {
            Schema::Object(object) if object.prefix.is_empty() => "/".to_owned(),
            Schema::Object(object) => object
                .prefix
                .iter()
                .map(|level| format!("/{level}"))
                .collect(),
            Schema::Datastream(_) | Schema::Properties(_) => {
                self.mapping_at(index).endpoint().to_string()
            }
        }
    }
}

/// The levels of a path. `/` has none: it is the path of an object with endpoints of one level.
fn split(path: &str) -> Result<Vec<&str>, PathError> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err(PathError::NoLeadingSlash);
    };
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(character) = path.chars().find(|c| FORBIDDEN.contains(c)) {
        return Err(PathError::Character(character));
    }
    let levels: Vec<_> = rest.split('/').collect();
    match levels.iter().any(|level| level.is_empty()) {
        true => Err(PathError::EmptyLevel),
        false => Ok(levels),
    }
}

fn fill(pattern: &str, levels: &[&str]) -> String {
    let mut values = levels.iter();
    let filled = pattern.split('/').skip(1).map(|level| {
        let value = values.next();
        let value = value.filter(|_| level.starts_with('%'));
        format!("/{}", value.unwrap_or(&level))
    });
    filled.collect()
}

/// Why a path belongs to nothing in an interface.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ResolveError {
    /// The path is the beginning of paths of the interface.
    Incomplete {
        /// The interface.
        interface: InterfaceName,
        /// The path.
        path: String,
        /// What a longer path looks like.
        expected: String,
        /// Whether the interface is an object.
        object: bool,
    },
    /// The text is not a path.
    InvalidPath {
        /// The text.
        path: String,
        /// What is wrong with it.
        reason: PathError,
    },
    /// No mapping has the path.
    NotFound {
        /// The interface.
        interface: InterfaceName,
        /// The path.
        path: String,
    },
}

impl ResolveError {
    /// Returns the name that the server's `device_error` event gives to a message on the path.
    ///
    /// The server takes a path with one trailing slash for the path without it; here that is
    /// invalid, because the server stores the value under both as if they were different.
    pub fn error_name(&self) -> &'static str {
        match self {
            Self::InvalidPath { .. } => "invalid_path",
            Self::Incomplete { object: false, .. } => "ambiguous_path",
            Self::Incomplete { object: true, .. } | Self::NotFound { .. } => "mapping_not_found",
        }
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete {
                interface,
                path,
                expected,
                ..
            } => write!(
                f,
                "path `{}` is incomplete: `{interface}` goes on with `{expected}`",
                path.escape_debug()
            ),
            Self::InvalidPath { path, reason } => {
                write!(f, "`{}` is not a path: {reason}", path.escape_debug())
            }
            Self::NotFound { interface, path } => write!(
                f,
                "interface `{interface}` has no mapping for the path `{}`",
                path.escape_debug()
            ),
        }
    }
}

impl std::error::Error for ResolveError {}

/// Why a text is not a path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PathError {
    /// MQTT keeps `+` and `#` for filters, and NUL out of topics.
    Character(char),
    /// Two slashes touch, or one ends the path.
    EmptyLevel,
    /// The path does not begin with a slash.
    NoLeadingSlash,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character(character) => {
                write!(f, "a level cannot contain `{}`", character.escape_debug())
            }
            Self::EmptyLevel => f.write_str("a level is empty"),
            Self::NoLeadingSlash => f.write_str("it does not begin with a slash"),
        }
    }
}

impl std::error::Error for PathError {}

const FORBIDDEN: [char; 3] = ['+', '#', '\0'];
