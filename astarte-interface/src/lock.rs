mod check;
mod read;
mod write;

use std::fmt;

use crate::diagnostic::Diagnostics;
use crate::interface::Interface;
use crate::shape::Shape;
use crate::source::Source;

/// The shape of interfaces in a file that is kept under version control.
///
/// It has a line per mapping, sorted, and does not change when a document is reformatted, reordered
/// or described in other words. `Display` writes the file.
///
/// ```text
/// org.example.thermostat.Readings 1.0 datastream device individual
///     /%{room}/humidity double
///     /%{room}/temperature double reliability=guaranteed retention=stored expiry=3600
/// ```
#[derive(Clone, Debug)]
pub struct Lock {
    interfaces: Vec<Shape>,
}

impl Lock {
    /// Takes the shapes of interfaces.
    pub fn new<'a>(interfaces: impl IntoIterator<Item = &'a Interface>) -> Lock {
        let mut shapes: Vec<_> = interfaces.into_iter().map(Shape::of).collect();
        shapes.sort_by(|a, b| (&a.name, a.version).cmp(&(&b.name, b.version)));
        Lock { interfaces: shapes }
    }

    /// Reads a file that `Display` wrote.
    ///
    /// # Errors
    ///
    /// A line cannot be read, or the file has a format of a later version: all such lines.
    pub fn parse(source: &Source) -> Result<Lock, Diagnostics> {
        read::read(source)
    }

    /// Compares interfaces with the lock.
    ///
    /// Errors are changes that need a new minor or major version which the document does not have,
    /// and a major version that is there twice; warnings say that the lock file is to be written
    /// again.
    ///
    /// # Examples
    ///
    /// ```
    /// use astarte_interface::{Interface, Lock, Source};
    ///
    /// let text = r#"{
    ///     "interface_name": "org.example.Readings", "version_major": 1, "version_minor": 0,
    ///     "type": "datastream", "ownership": "device",
    ///     "mappings": [{ "endpoint": "/%{room}/temperature", "type": "double" }]
    /// }"#;
    /// let parse = |text: String| Interface::parse(&Source::new("a.json", text));
    /// let shipped = parse(text.to_owned())?.interface;
    /// let file = Lock::new([&shipped]).to_string();
    ///
    /// let lock = Lock::parse(&Source::new("astarte-interfaces.lock", file))?;
    /// assert!(lock.check([&shipped]).is_empty());
    /// let changed = parse(text.replace("double", "integer"))?.interface;
    /// assert!(lock.check([&changed]).has_errors());
    /// # Ok::<(), astarte_interface::Diagnostics>(())
    /// ```
    pub fn check<'a>(&self, interfaces: impl IntoIterator<Item = &'a Interface>) -> Diagnostics {
        check::check(self, interfaces)
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write::write(f, &self.interfaces)
    }
}
