//! What stands under a line of the log: why something is wrong, or will be.

use std::collections::BTreeMap;
use std::sync::Arc;

use astarte_sandbox::{Declaration, Event, EventKind, Interface, Sandbox, Version};

/// Returns indented lines, each behind a line break; nothing where there is nothing to say.
pub(crate) fn hints(sandbox: &Sandbox, event: &Event) -> String {
    let text = match &event.kind {
        EventKind::Error(error) => error.declaration.as_ref().map(Declaration::frame),
        EventKind::Introspection(introspection) => {
            let hints = of_introspection(introspection, &sandbox.interfaces());
            (!hints.is_empty()).then(|| hints.join("\n"))
        }
        _ => None,
    };
    text.map_or_else(String::new, |text| {
        format!("\n    {}", text.replace('\n', "\n    "))
    })
}

/// The server takes any introspection, and closes the connection later.
fn of_introspection(
    introspection: &BTreeMap<String, Version>,
    installed: &[Arc<Interface>],
) -> Vec<String> {
    let hint = |(name, version): (&String, &Version)| {
        let versions = installed
            .iter()
            .filter(|interface| interface.name().as_str() == name)
            .map(|interface| interface.version());
        let versions: Vec<Version> = versions.collect();
        let same = versions.iter().find(|other| other.major == version.major);
        match same {
            Some(same) if same.minor >= version.minor => None,
            Some(same) => Some(format!(
                "hint: {name} is installed in version {same}: what {version} adds will be refused"
            )),
            None if versions.is_empty() => Some(format!(
                "hint: {name} is not installed: emptyCache, and data on it, will end the connection"
            )),
            None => {
                let versions: Vec<String> = versions.iter().map(Version::to_string).collect();
                Some(format!(
                    "hint: {name} is installed in version {}, not in {version}: emptyCache, and data \
                     on it, will end the connection",
                    versions.join(" and ")
                ))
            }
        }
    };
    introspection.iter().filter_map(hint).collect()
}

#[cfg(test)]
mod tests {
    use astarte_sandbox::Source;

    use super::*;

    fn installed(version: (u32, u32)) -> Arc<Interface> {
        let (major, minor) = version;
        let text = format!(
            r#"{{"interface_name":"a.B","version_major":{major},"version_minor":{minor},
                "type":"datastream","ownership":"device",
                "mappings":[{{"endpoint":"/a","type":"double"}}]}}"#
        );
        let checked = Interface::parse(&Source::new("a.json", text));
        Arc::new(checked.unwrap().interface)
    }

    #[test]
    fn an_introspection_that_will_not_do() {
        let installed = [installed((1, 1)), installed((2, 0))];
        let hints = |name: &str, major, minor| {
            let introspection = [(name.to_owned(), Version { major, minor })];
            of_introspection(&introspection.into(), &installed).join("\n")
        };
        assert_eq!(hints("a.B", 1, 1), "");
        assert_eq!(hints("a.B", 1, 0), "");
        assert_eq!(
            hints("a.B", 1, 2),
            "hint: a.B is installed in version 1.1: what 1.2 adds will be refused"
        );
        assert_eq!(
            hints("a.C", 1, 0),
            "hint: a.C is not installed: emptyCache, and data on it, will end the connection"
        );
        assert_eq!(
            hints("a.B", 3, 0),
            "hint: a.B is installed in version 1.1 and 2.0, not in 3.0: emptyCache, and data on it, will end the connection"
        );
    }
}
