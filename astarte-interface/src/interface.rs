use crate::diagnostic::Diagnostics;
use crate::mapping::Mapping;
use crate::name::InterfaceName;
use crate::parse;
use crate::schema::Schema;
use crate::source::{Source, Span};
use crate::tree::Tree;
use crate::types::{Aggregation, InterfaceType, Ownership};
use crate::version::Version;

/// A checked interface: what a device and the cloud may tell each other under one name.
#[derive(Clone, Debug)]
pub struct Interface {
    pub(crate) source: Source,
    pub(crate) name: InterfaceName,
    pub(crate) version: Version,
    pub(crate) ownership: Ownership,
    pub(crate) description: Option<String>,
    pub(crate) doc: Option<String>,
    pub(crate) schema: Schema,
    pub(crate) spans: HeaderSpans,
    pub(crate) paths: Tree,
}

/// An interface, and what its author should know about it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The interface.
    pub interface: Interface,
    /// Warnings alone.
    pub warnings: Diagnostics,
}

/// Where the facts of an interface stand: values, with the quotes of strings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderSpans {
    pub(crate) name: Span,
    pub(crate) major: Span,
    pub(crate) minor: Span,
    pub(crate) interface_type: Span,
    pub(crate) ownership: Span,
    /// Absent where the default holds.
    pub(crate) aggregation: Option<Span>,
}

impl Interface {
    /// Reads and checks a document. Never panics, whatever the text is.
    ///
    /// # Errors
    ///
    /// The text breaks a rule of `docs/diagnostics.md`: at least one error, and the warnings found
    /// until then. All errors of a stage are reported at once; a later stage runs only when the
    /// earlier ones found none.
    ///
    /// # Examples
    ///
    /// ```
    /// use astarte_interface::{Code, Interface, Source};
    ///
    /// let source = Source::new("a.json", r#"{ "interface_name": "control" }"#);
    /// let found = Interface::parse(&source).unwrap_err();
    /// assert!(found.errors().any(|error| error.code() == Code::InterfaceReservedName));
    /// println!("{found}");
    /// ```
    pub fn parse(source: &Source) -> Result<Checked, Diagnostics> {
        parse::parse(source)
    }

    /// Returns the text that the interface was read from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Returns the name.
    pub fn name(&self) -> &InterfaceName {
        &self.name
    }

    /// Returns where the name stands: the string literal with its quotes.
    pub fn name_span(&self) -> Span {
        self.spans.name
    }

    /// Returns the version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns where the major version stands.
    pub fn version_major_span(&self) -> Span {
        self.spans.major
    }

    /// Returns where the minor version stands.
    pub fn version_minor_span(&self) -> Span {
        self.spans.minor
    }

    /// Returns who sends the data.
    pub fn ownership(&self) -> Ownership {
        self.ownership
    }

    /// Returns where the ownership stands: the string literal with its quotes.
    pub fn ownership_span(&self) -> Span {
        self.spans.ownership
    }

    /// Returns what the data are.
    pub fn interface_type(&self) -> InterfaceType {
        match self.schema {
            Schema::Datastream(_) | Schema::Object(_) => InterfaceType::Datastream,
            Schema::Properties(_) => InterfaceType::Properties,
        }
    }

    /// Returns where the type stands: the string literal with its quotes.
    pub fn type_span(&self) -> Span {
        self.spans.interface_type
    }

    /// Returns whether the mappings travel alone or together.
    pub fn aggregation(&self) -> Aggregation {
        match self.schema {
            Schema::Object(_) => Aggregation::Object,
            Schema::Datastream(_) | Schema::Properties(_) => Aggregation::Individual,
        }
    }

    /// Returns the short description.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns the documentation.
    pub fn doc(&self) -> Option<&str> {
        self.doc.as_deref()
    }

    /// Returns the mappings by the kind of the interface.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Returns the mappings in the order of the file, 1 to 1024.
    pub fn mappings(&self) -> impl ExactSizeIterator<Item = Mapping<'_>> {
        (0..self.schema.len()).map(|index| self.mapping_at(index))
    }

    /// The mapping at an index below [`Schema::len`].
    pub(crate) fn mapping_at(&self, index: usize) -> Mapping<'_> {
        let mapping = self.schema.mapping(index);
        mapping.expect("indices come from the tree and the range of the same schema")
    }
}
