mod difference;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::interface::Interface;
use crate::shape::{Attribute, MappingShape, Shape};

pub(crate) use difference::{Difference, differences};

/// Whether a document may replace another one in a realm, and why not.
#[derive(Clone, Debug)]
pub struct Compatibility {
    diagnostics: Diagnostics,
}

impl Compatibility {
    /// Compares two documents by the rules of the server for updates.
    ///
    /// A document may replace another of the same name and major version with a lower minor one:
    /// mappings may be added, texts may change, and of a mapping `explicit_timestamp`, `retention`
    /// and `expiry`. What the server accepts and devices or readers suffer from is a warning.
    ///
    /// # Examples
    ///
    /// ```
    /// use astarte_interface::{Compatibility, Interface, Source};
    ///
    /// let text = r#"{
    ///     "interface_name": "org.example.Readings", "version_major": 1, "version_minor": 0,
    ///     "type": "datastream", "ownership": "device",
    ///     "mappings": [{ "endpoint": "/%{room}/temperature", "type": "double" }]
    /// }"#;
    /// let parse = |text: String| Interface::parse(&Source::new("a.json", text));
    /// let old = parse(text.to_owned())?.interface;
    /// let new = parse(text.replace("double", "integer"))?.interface;
    ///
    /// let compatibility = Compatibility::check(&old, &new);
    /// assert!(!compatibility.is_compatible());
    /// assert_eq!(compatibility.diagnostics().len(), 2); // the type, and the version
    /// # Ok::<(), astarte_interface::Diagnostics>(())
    /// ```
    pub fn check(old: &Interface, new: &Interface) -> Compatibility {
        let (old, new) = (Shape::of(old), Shape::of(new));
        let mut found = Vec::new();
        check_header(&old, &new, &mut found);
        if found
            .iter()
            .all(|found: &Diagnostic| found.code() != Code::CompatName)
        {
            let report = |difference| report(&old, &new, &difference);
            found.extend(differences(&old, &new).into_iter().filter_map(report));
        }
        Compatibility {
            diagnostics: found.into_iter().collect(),
        }
    }

    /// Whether the server accepts the new document in place of the old one.
    pub fn is_compatible(&self) -> bool {
        !self.diagnostics.has_errors()
    }

    /// Returns what was found: errors unless compatible, and warnings.
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    /// Returns what was found.
    pub fn into_diagnostics(self) -> Diagnostics {
        self.diagnostics
    }
}

fn check_header(old: &Shape, new: &Shape, found: &mut Vec<Diagnostic>) {
    if old.name != new.name {
        let message = format!("`{}` cannot replace `{}`", new.name, old.name);
        let error = Diagnostic::error(Code::CompatName, message)
            .label(&new.source, new.name_span, "")
            .label(&old.source, old.name_span, "")
            .help("an interface keeps its name, with its case, in all versions");
        found.push(error);
    } else if old.version.major != new.version.major {
        let message = format!(
            "version {} is another major than {}, and does not replace it",
            new.version, old.version
        );
        let error = Diagnostic::error(Code::CompatMajor, message)
            .label(&new.source, new.major_span, "")
            .label(&old.source, old.major_span, "")
            .help("majors are installed beside each other: install it as a new interface");
        found.push(error);
    } else {
        check_minor(old, new, found);
    }
}

fn check_minor(old: &Shape, new: &Shape, found: &mut Vec<Diagnostic>) {
    let next = old.version.minor.saturating_add(1);
    let (code, message) = match new.version.minor.cmp(&old.version.minor) {
        std::cmp::Ordering::Greater => return,
        std::cmp::Ordering::Equal => {
            let message = format!("the version is still {}", old.version);
            (Code::CompatMinorNotIncreased, message)
        }
        std::cmp::Ordering::Less => {
            let message = format!("version {} is older than {}", new.version, old.version);
            (Code::CompatDowngrade, message)
        }
    };
    let error = Diagnostic::error(code, message)
        .label(&new.source, new.minor_span, "")
        .label(&old.source, old.minor_span, "")
        .help(format!(
            "an update needs a higher minor version: `\"version_minor\": {next}`"
        ));
    found.push(error);
}

/// Majors may differ in everything, so only the one error says so.
fn report(old: &Shape, new: &Shape, difference: &Difference<'_>) -> Option<Diagnostic> {
    if old.version.major != new.version.major {
        return None;
    }
    match *difference {
        Difference::Kind {
            key,
            old: (was, was_span),
            new: (is, span),
        } => {
            let message = format!(
                "`{key}` changed from `{was}` to `{is}` within major {}",
                old.version.major
            );
            let error = Diagnostic::error(Code::CompatKind, message)
                .label(&new.source, span, "")
                .label(&old.source, was_span, "was")
                .help(restore(old));
            Some(error)
        }
        Difference::Removed(mapping) => {
            let message = format!(
                "the endpoint `{}` is gone within major {}",
                mapping.endpoint, old.version.major
            );
            let error = Diagnostic::error(Code::CompatMissingEndpoint, message)
                .label(&old.source, mapping.endpoint_span, "was here")
                .label(&new.source, new.major_span, "still this major")
                .help(restore(old));
            Some(error)
        }
        Difference::Added(mapping) => added(new, mapping),
        Difference::Renamed { old: was, new: is } => {
            let message = format!(
                "the endpoint `{}` became `{}` within major {}",
                was.endpoint, is.endpoint, old.version.major
            );
            let error = Diagnostic::error(Code::CompatChangedMapping, message)
                .label(&new.source, is.endpoint_span, "")
                .label(&old.source, was.endpoint_span, "was")
                .help("parameters keep their names")
                .help(restore(old));
            Some(error)
        }
        Difference::Changed {
            attribute,
            old: was,
            new: is,
        } => changed(old, new, attribute, (was, is)),
    }
}

fn added(new: &Shape, mapping: &MappingShape) -> Option<Diagnostic> {
    if mapping.value(Attribute::Required) != "true" {
        return None;
    }
    let message = format!("the new mapping `{}` is `required`", mapping.endpoint);
    let warning = Diagnostic::warning(Code::CompatRequiredAdded, message)
        .label(&new.source, mapping.span(Attribute::Required), "")
        .help(
            "objects of devices with the older version are refused once this one is installed: \
               leave `required` out, or raise `version_major`",
        );
    Some(warning)
}

fn changed(
    old: &Shape,
    new: &Shape,
    attribute: Attribute,
    (was, is): (&MappingShape, &MappingShape),
) -> Option<Diagnostic> {
    let key = attribute.key();
    let (before, after) = (was.value(attribute), is.value(attribute));
    let message = format!(
        "`{key}` of `{}` changed from `{before}` to `{after}`",
        is.endpoint
    );
    let label = |found: Diagnostic| {
        found
            .label(&new.source, is.span(attribute), format!("`{after}`"))
            .label(&old.source, was.span(attribute), format!("was `{before}`"))
    };
    if !attribute.may_change() {
        let message = format!("{message} within major {}", old.version.major);
        let error = Diagnostic::error(Code::CompatChangedMapping, message);
        return Some(label(error).help(restore(old)));
    }
    if attribute != Attribute::ExplicitTimestamp {
        return None;
    }
    let warning = Diagnostic::warning(Code::CompatTimestampChanged, message).help(
        "the server accepts this, but times of old and new values then mean different things, and \
         stored objects can become unreadable: raise `version_major`",
    );
    Some(label(warning))
}

fn restore(old: &Shape) -> String {
    let next = old.version.major.saturating_add(1);
    format!("restore it, or write a new major: `\"version_major\": {next}`")
}
