use std::{fmt::Write as _, path::PathBuf};

use astarte_interface::{Diagnostics, Interface, Mapping, ResolveError, Resolved};
use serde_json::{Value, json};

use super::{
    Verdict, files,
    output::Output,
    report::{Format, Report, object},
};

/// `resolve INTERFACE PATH...`
#[derive(Debug)]
pub(crate) struct Resolve {
    pub(crate) interface: PathBuf,
    pub(crate) paths: Vec<String>,
    pub(crate) format: Format,
}

impl Resolve {
    pub(crate) fn run(&self, output: &mut Output) -> Verdict {
        let parsed = files::read(&self.interface).map_err(Diagnostics::from);
        let interface = match parsed.and_then(|source| Interface::parse(&source)) {
            Ok(checked) => checked.interface,
            Err(found) => {
                let mut report = Report::default();
                report.add(self.interface.display().to_string(), found);
                report.errors_only();
                report.write(self.format, &mut output.stderr);
                return Verdict::Bad;
            }
        };
        let mut all = true;
        for path in &self.paths {
            let resolved = interface.resolve(path);
            all &= resolved.is_ok();
            let help = match &resolved {
                Err(error) => help(&interface, path, error),
                Ok(_) => None,
            };
            match self.format {
                Format::Json => output.stdout.line(&json_line(path, &resolved, help)),
                Format::Text => output.stdout.text(&text(path, &resolved, help)),
            }
        }
        Verdict::of(all)
    }
}

/// What to write instead. An incomplete path has an error that says how it goes on.
fn help(interface: &Interface, path: &str, error: &ResolveError) -> Option<String> {
    match error {
        ResolveError::Incomplete { .. } => None,
        _ => {
            let similar = interface.similar(path)?;
            Some(format!("a path of `{similar}` may be meant"))
        }
    }
}

fn text(
    path: &str,
    resolved: &Result<Resolved<'_, '_>, ResolveError>,
    help: Option<String>,
) -> String {
    let path = path.escape_debug();
    let resolved = match (resolved, help) {
        (Ok(resolved), _) => resolved,
        (Err(error), None) => return format!("{path}\n    error: {error}\n"),
        (Err(error), Some(help)) => {
            return format!("{path}\n    error: {error}\n    help: {help}\n");
        }
    };
    let mut text = format!("{path}\n    endpoint {}", endpoint(resolved));
    match resolved.mapping() {
        Some(mapping) => text += &format!(" ({})\n", mapping.value_type()),
        None => text += " (object)\n",
    }
    for (name, value) in &resolved.parameters {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "    {name} = {}", value.escape_debug());
    }
    if resolved.object().is_some() {
        for mapping in resolved.mappings() {
            let key = mapping.key().unwrap_or_default();
            let _ = writeln!(text, "    key {key} ({})", mapping.value_type());
        }
    }
    text
}

fn json_line(
    path: &str,
    resolved: &Result<Resolved<'_, '_>, ResolveError>,
    help: Option<String>,
) -> String {
    let (found, error) = (resolved.as_ref().ok(), resolved.as_ref().err());
    object([
        ("path", json!(path)),
        ("endpoint", json!(found.map(endpoint))),
        ("parameters", json!(found.map(parameters))),
        ("mappings", json!(found.map(mappings))),
        ("error", json!(error.map(ResolveError::error_name))),
        ("message", json!(error.map(ToString::to_string))),
        ("help", json!(help)),
    ])
}

/// The endpoint, or for an object the levels that its endpoints share.
fn endpoint(resolved: &Resolved<'_, '_>) -> String {
    match resolved.levels() {
        [] => "/".to_owned(),
        levels => levels.iter().map(|level| format!("/{level}")).collect(),
    }
}

/// A list, because an endpoint may have a name twice.
fn parameters(resolved: &Resolved<'_, '_>) -> Vec<Value> {
    let parameters = resolved.parameters.iter();
    parameters
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect()
}

fn mappings(resolved: &Resolved<'_, '_>) -> Vec<Value> {
    let entry = |mapping: Mapping<'_>| {
        json!({
            "endpoint": mapping.endpoint().as_str(),
            "type": mapping.value_type().to_string(),
        })
    };
    resolved.mappings().map(entry).collect()
}
