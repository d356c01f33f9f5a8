use std::collections::HashMap;
use std::fmt;

use super::{Value, ValueError};
use crate::schema::{Object, ObjectMapping};
use crate::suggest::suggest;

impl Object {
    /// Holds the values of an object against its mappings, by the rules of the server: any subset
    /// of the keys that has the `required` ones.
    ///
    /// # Errors
    ///
    /// - A key is no mapping's.
    /// - A value is not one of its mapping.
    /// - A `required` key is missing.
    ///
    /// # Examples
    ///
    /// ```
    /// use astarte_interface::{Interface, Schema, Source, Value};
    ///
    /// let text = r#"{
    ///     "interface_name": "org.example.Climate", "version_major": 1, "version_minor": 0,
    ///     "type": "datastream", "ownership": "device", "aggregation": "object",
    ///     "mappings": [
    ///         { "endpoint": "/%{room}/temperature", "type": "double", "required": true },
    ///         { "endpoint": "/%{room}/humidity", "type": "double" }
    ///     ]
    /// }"#;
    /// let interface = Interface::parse(&Source::new("a.json", text))?.interface;
    /// let Schema::Object(object) = interface.schema() else { unreachable!() };
    ///
    /// assert!(object.check([("temperature", &Value::Double(21.5))]).is_ok());
    /// let error = object.check([("humidity", &Value::Double(40.0))]).unwrap_err();
    /// assert_eq!(error.to_string(), "the object lacks the required key `temperature`");
    /// # Ok::<(), astarte_interface::Diagnostics>(())
    /// ```
    pub fn check<'v>(
        &self,
        values: impl IntoIterator<Item = (&'v str, &'v Value)>,
    ) -> Result<(), ObjectError> {
        let mut missing: HashMap<&str, &ObjectMapping> = self
            .mappings
            .iter()
            .map(|mapping| (mapping.key(), mapping))
            .collect();
        let known = missing.clone();
        for (key, value) in values {
            let Some(mapping) = known.get(key) else {
                return Err(self.unknown_key(key));
            };
            value
                .check(mapping.value_type())
                .map_err(|error| ObjectError::Value {
                    key: key.to_owned(),
                    error,
                })?;
            missing.remove(key);
        }
        let mut required = self.mappings.iter().filter(|mapping| mapping.required);
        match required.find(|mapping| missing.contains_key(mapping.key())) {
            Some(mapping) => Err(ObjectError::MissingKey {
                key: mapping.key().to_owned(),
            }),
            None => Ok(()),
        }
    }

    fn unknown_key(&self, key: &str) -> ObjectError {
        let keys = self.mappings.iter().map(ObjectMapping::key);
        ObjectError::UnknownKey {
            key: key.to_owned(),
            similar: suggest(key, keys).map(str::to_owned),
        }
    }
}

/// Why values are not those of an object.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ObjectError {
    /// A `required` key is missing.
    MissingKey {
        /// The first such key in the order of the file.
        key: String,
    },
    /// A key is no mapping's.
    UnknownKey {
        /// The key.
        key: String,
        /// The key that was probably meant.
        similar: Option<String>,
    },
    /// A value is not one of its mapping.
    Value {
        /// The key of the mapping.
        key: String,
        /// What is wrong with the value.
        error: ValueError,
    },
}

impl fmt::Display for ObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingKey { key } => write!(f, "the object lacks the required key `{key}`"),
            Self::UnknownKey { key, similar: None } => write!(f, "the object has no key `{key}`"),
            Self::UnknownKey {
                key,
                similar: Some(similar),
            } => {
                write!(f, "the object has no key `{key}`; is `{similar}` meant?")
            }
            Self::Value { key, .. } => write!(f, "the value of `{key}` is wrong"),
        }
    }
}

impl std::error::Error for ObjectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Value { error, .. } => Some(error),
            Self::MissingKey { .. } | Self::UnknownKey { .. } => None,
        }
    }
}
