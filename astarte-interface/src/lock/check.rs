use std::cmp::Ordering;
use std::collections::HashMap;

use super::Lock;
use crate::compat::{Difference, differences};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::interface::Interface;
use crate::shape::Shape;
use crate::source::Span;

pub(super) fn check<'a>(
    lock: &Lock,
    interfaces: impl IntoIterator<Item = &'a Interface>,
) -> Diagnostics {
    let key = |shape: &Shape| (shape.name.clone(), shape.version.major);
    let mut locked: HashMap<_, _> = lock
        .interfaces
        .iter()
        .map(|shape| (key(shape), shape))
        .collect();
    let mut found = Vec::new();
    let mut first: HashMap<_, Shape> = HashMap::new();
    for shape in interfaces.into_iter().map(Shape::of) {
        let key = key(&shape);
        if let Some(first) = first.get(&key) {
            found.push(duplicate(first, &shape));
            continue;
        }
        match locked.remove(&key) {
            Some(locked) => compare(locked, &shape, &mut found),
            None => found.push(unlocked(lock, &shape)),
        }
        first.insert(key, shape);
    }
    found.extend(locked.into_values().map(gone));
    found.into_iter().collect()
}

fn duplicate(first: &Shape, shape: &Shape) -> Diagnostic {
    let message = format!(
        "major version {} of `{}` is there twice",
        shape.version.major, shape.name
    );
    Diagnostic::error(Code::LockDuplicate, message)
        .label(&shape.source, shape.name_span, "")
        .label(&first.source, first.name_span, "the other one")
        .help("a realm has one minor version of each major: leave out one of the files")
}

fn compare(locked: &Shape, shape: &Shape, found: &mut Vec<Diagnostic>) {
    let all = differences(locked, shape);
    let order = shape.version.minor.cmp(&locked.version.minor);
    if order == Ordering::Less {
        found.push(downgrade(locked, shape));
    }
    for difference in &all {
        match (difference.is_minor(), order) {
            (false, _) => found.push(incompatible(locked, shape, difference)),
            (true, Ordering::Equal) => found.push(changed(locked, shape, difference)),
            (true, _) => {}
        }
    }
    if order == Ordering::Greater && all.iter().all(Difference::is_minor) {
        let message = format!(
            "the lock file has version {} of `{}`",
            locked.version, shape.name
        );
        let warning = Diagnostic::warning(Code::LockOutdated, message)
            .label(
                &shape.source,
                shape.minor_span,
                format!("version {}", shape.version),
            )
            .label(&locked.source, locked.minor_span, "")
            .help(WRITE);
        found.push(warning);
    }
}

fn downgrade(locked: &Shape, shape: &Shape) -> Diagnostic {
    let message = format!(
        "version {} of `{}` is older than the locked {}",
        shape.version, shape.name, locked.version
    );
    Diagnostic::error(Code::LockIncompatible, message)
        .label(&shape.source, shape.minor_span, "")
        .label(&locked.source, locked.minor_span, "")
        .help("restore the version; a realm refuses to go back")
}

fn incompatible(locked: &Shape, shape: &Shape, difference: &Difference<'_>) -> Diagnostic {
    let next = locked.version.major.saturating_add(1);
    let message = format!("{} without a new major version", say(difference));
    point(
        locked,
        shape,
        difference,
        Diagnostic::error(Code::LockIncompatible, message),
    )
    .help(format!("restore it, or write `\"version_major\": {next}`"))
}

fn changed(locked: &Shape, shape: &Shape, difference: &Difference<'_>) -> Diagnostic {
    let next = locked.version.minor.saturating_add(1);
    let message = format!("{} without a new minor version", say(difference));
    point(
        locked,
        shape,
        difference,
        Diagnostic::error(Code::LockChanged, message),
    )
    .help(format!("write `\"version_minor\": {next}`"))
}

fn say(difference: &Difference<'_>) -> String {
    match difference {
        Difference::Kind { key, old, new } => {
            format!("`{key}` changed from `{}` to `{}`", old.0, new.0)
        }
        Difference::Removed(mapping) => format!("the mapping `{}` is gone", mapping.endpoint),
        Difference::Added(mapping) => format!("the mapping `{}` is new", mapping.endpoint),
        Difference::Renamed { old, new } => {
            format!("the endpoint `{}` became `{}`", old.endpoint, new.endpoint)
        }
        Difference::Changed {
            attribute,
            old,
            new,
        } => format!(
            "`{}` of `{}` changed from `{}` to `{}`",
            attribute.key(),
            new.endpoint,
            old.value(*attribute),
            new.value(*attribute)
        ),
    }
}

/// Labels both files.
fn point(
    locked: &Shape,
    shape: &Shape,
    difference: &Difference<'_>,
    found: Diagnostic,
) -> Diagnostic {
    let (new, old): (Span, Span) = match difference {
        Difference::Kind { old, new, .. } => (new.1, old.1),
        Difference::Removed(mapping) => (shape.name_span, mapping.endpoint_span),
        Difference::Added(mapping) => (mapping.endpoint_span, locked.minor_span),
        Difference::Renamed { old, new } => (new.endpoint_span, old.endpoint_span),
        Difference::Changed {
            attribute,
            old,
            new,
        } => (new.span(*attribute), old.span(*attribute)),
    };
    found
        .label(&shape.source, new, "")
        .label(&locked.source, old, "locked")
}

fn unlocked(lock: &Lock, shape: &Shape) -> Diagnostic {
    let message = format!(
        "the lock file does not have `{}` {}",
        shape.name, shape.version
    );
    let other = lock
        .interfaces
        .iter()
        .rfind(|locked| locked.name == shape.name);
    let warning =
        Diagnostic::warning(Code::LockOutdated, message).label(&shape.source, shape.name_span, "");
    match other {
        Some(other) => warning.label(&other.source, other.major_span, "another major"),
        None => warning,
    }
    .help(WRITE)
}

fn gone(locked: &Shape) -> Diagnostic {
    let message = format!(
        "the locked interface `{}` {} is gone",
        locked.name, locked.version
    );
    Diagnostic::warning(Code::LockOutdated, message)
        .label(&locked.source, locked.name_span, "")
        .help(WRITE)
}

const WRITE: &str = "write the lock file again";
