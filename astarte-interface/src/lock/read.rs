use super::Lock;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::endpoint::Endpoint;
use crate::name::InterfaceName;
use crate::shape::{Attribute, MappingShape, Shape};
use crate::source::{Source, Span};
use crate::types::{InterfaceType, MappingType, Reliability, Retention};
use crate::version::Version;

pub(super) fn read(source: &Source) -> Result<Lock, Diagnostics> {
    let mut reader = Reader {
        source,
        interfaces: Vec::new(),
        found: Vec::new(),
        format: false,
        skipping: false,
    };
    for line in lines(source.text()) {
        reader.line(&line);
        if reader.found.len() >= MAX_FOUND {
            break;
        }
    }
    if !reader.format && reader.found.is_empty() {
        let end = Span::new(0, 0);
        reader.refuse(
            end,
            "the file has no line `format 1`: it is not a lock file",
        );
    }
    match reader.found.is_empty() {
        true => Ok(Lock {
            interfaces: reader.interfaces,
        }),
        false => Err(reader.found.into_iter().collect()),
    }
}

/// A line with something on it, as words with their places.
struct Line<'s> {
    indented: bool,
    words: Vec<(&'s str, Span)>,
}

impl Line<'_> {
    fn span(&self) -> Span {
        let (first, last) = (self.words.first(), self.words.last());
        Span::new(
            first.map_or(0, |(_, span)| span.start),
            last.map_or(0, |(_, span)| span.end),
        )
    }
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let offset = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    text.lines().filter_map(move |line| {
        let words: Vec<_> = line
            .split_ascii_whitespace()
            .map(|word| (word, Span::new(offset(word), offset(word) + word.len())))
            .collect();
        let first = words.first()?;
        (!first.0.starts_with('#')).then(|| Line {
            indented: line.starts_with([' ', '\t']),
            words: words.clone(),
        })
    })
}

struct Reader<'s> {
    source: &'s Source,
    interfaces: Vec<Shape>,
    found: Vec<Diagnostic>,
    /// Whether the line with the format has been seen.
    format: bool,
    /// Whether the mappings belong to an interface that could not be read.
    skipping: bool,
}

impl Reader<'_> {
    fn line(&mut self, line: &Line<'_>) {
        if !self.format {
            self.format(line);
        } else if line.indented {
            self.mapping(line);
        } else {
            self.header(line);
        }
    }

    fn header(&mut self, line: &Line<'_>) {
        let header = header(self.source, line);
        self.skipping = header.is_none();
        let Some(shape) = header else {
            let expected = "expected a name, a version, and type, ownership and aggregation";
            return self.refuse(line.span(), expected);
        };
        let twice =
            |other: &Shape| other.name == shape.name && other.version.major == shape.version.major;
        if self.interfaces.iter().any(twice) {
            self.refuse(
                line.span(),
                "this major version of the interface stands twice",
            );
        }
        self.interfaces.push(shape);
    }

    fn mapping(&mut self, line: &Line<'_>) {
        if self.skipping {
            return;
        }
        let Some(shape) = self.interfaces.last_mut() else {
            return self.refuse(line.span(), "a mapping stands before the first interface");
        };
        let mapping = match mapping(line, shape.interface_type.0) {
            Ok(mapping) => mapping,
            Err(span) => {
                let expected = "expected an endpoint, a type, and attributes `key=value`";
                return self.refuse(span, expected);
            }
        };
        if shape
            .mappings
            .iter()
            .any(|other| other.endpoint == mapping.endpoint)
        {
            return self.refuse(mapping.endpoint_span, "this endpoint stands twice");
        }
        shape.mappings.push(mapping);
    }

    fn format(&mut self, line: &Line<'_>) {
        let span = line.span();
        let words: Vec<_> = line.words.iter().map(|(word, _)| *word).collect();
        match words.as_slice() {
            ["format", "1"] => {}
            ["format", _] => self.refuse(span, "the lock file has a format that is not known here"),
            _ => self.refuse(
                span,
                "the file does not begin with `format 1`: it is not a lock file",
            ),
        }
        self.format = true;
    }

    fn refuse(&mut self, span: Span, message: &str) {
        let error = Diagnostic::error(Code::LockSyntax, message)
            .label(self.source, span, "")
            .help("lock files are written by a tool: restore the file, or write it again");
        self.found.push(error);
    }
}

fn header(source: &Source, line: &Line<'_>) -> Option<Shape> {
    let [name, version, interface_type, ownership, aggregation] = line.words[..] else {
        return None;
    };
    let (major, minor) = version.0.split_once('.')?;
    let dot = version.1.start + major.len();
    Some(Shape {
        source: source.clone(),
        name: InterfaceName::parse(name.0).ok()?,
        name_span: name.1,
        version: Version {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        },
        major_span: Span::new(version.1.start, dot),
        minor_span: Span::new(dot + 1, version.1.end),
        interface_type: (interface_type.0.parse().ok()?, interface_type.1),
        ownership: (ownership.0.parse().ok()?, ownership.1),
        aggregation: (aggregation.0.parse().ok()?, aggregation.1),
        mappings: Vec::new(),
    })
}

/// The mapping of a line, or the place that cannot be read.
fn mapping(line: &Line<'_>, interface_type: InterfaceType) -> Result<MappingShape, Span> {
    let [
        (endpoint, endpoint_span),
        (value_type, type_span),
        rest @ ..,
    ] = &line.words[..]
    else {
        return Err(line.span());
    };
    let endpoint = Endpoint::parse(endpoint).map_err(|_| *endpoint_span)?;
    value_type.parse::<MappingType>().map_err(|_| *type_span)?;
    let mut attributes = Vec::with_capacity(rest.len());
    for (word, span) in rest {
        let (attribute, value) = attribute(word).ok_or(*span)?;
        if attributes.iter().any(|(other, _, _)| *other == attribute) {
            return Err(*span);
        }
        attributes.push((attribute, value, *span));
    }
    Ok(MappingShape::new(endpoint, *endpoint_span, |attribute| {
        if attribute == Attribute::Type {
            return ((*value_type).to_owned(), Some(*type_span));
        }
        match attributes.iter().find(|(found, _, _)| *found == attribute) {
            Some((_, value, span)) => ((*value).to_owned(), Some(*span)),
            None => (attribute.default(interface_type).to_owned(), None),
        }
    }))
}

fn attribute(word: &str) -> Option<(Attribute, &str)> {
    let (key, value) = word.split_once('=')?;
    let attribute = Attribute::ALL
        .into_iter()
        .find(|attribute| attribute.key() == key)?;
    let valid = match attribute {
        Attribute::Type => false,
        Attribute::Reliability => value.parse::<Reliability>().is_ok(),
        Attribute::Retention => value.parse::<Retention>().is_ok(),
        Attribute::Expiry | Attribute::DatabaseRetentionTtl => value.parse::<u32>().is_ok(),
        _ => value == "true",
    };
    valid.then_some((attribute, value))
}

/// Lines beyond which the file is something else.
const MAX_FOUND: usize = 100;
