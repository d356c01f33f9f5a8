//! Finding what a path means in an interface.

use astarte_interface::{Aggregation, Interface, Level, Mapping};

/// What a path is the path of.
pub(crate) enum Target<'i> {
    Individual(Mapping<'i>),
    /// The object of the interface.
    Object,
}

/// The path has no target.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PathError {
    /// It ends before the endpoint does, or fits several.
    Ambiguous,
    NotFound,
}

/// Resolves a path. Empty levels do not count, so that a slash at the end changes nothing.
pub(crate) fn resolve<'i>(interface: &'i Interface, path: &str) -> Result<Target<'i>, PathError> {
    let levels: Vec<&str> = path.split('/').filter(|level| !level.is_empty()).collect();
    match interface.aggregation() {
        Aggregation::Individual => individual(interface, &levels).map(Target::Individual),
        Aggregation::Object => object(interface, &levels).map(|()| Target::Object),
    }
}

fn individual<'i>(interface: &'i Interface, levels: &[&str]) -> Result<Mapping<'i>, PathError> {
    let mut candidates = interface
        .mappings()
        .filter(|mapping| begins(mapping.endpoint().levels(), levels));
    match (candidates.next(), candidates.next()) {
        (None, _) => Err(PathError::NotFound),
        (Some(mapping), None) if mapping.endpoint().levels().len() == levels.len() => Ok(mapping),
        _ => Err(PathError::Ambiguous),
    }
}

/// The path of an object is one level shorter than its endpoints, which begin alike.
fn object(interface: &Interface, levels: &[&str]) -> Result<(), PathError> {
    let mut mappings = interface.mappings();
    let fits = mappings.next().is_some_and(|mapping| {
        let endpoint = mapping.endpoint().levels();
        endpoint.len() == levels.len() + 1 && begins(endpoint, levels)
    });
    if fits {
        Ok(())
    } else {
        Err(PathError::NotFound)
    }
}

fn begins(endpoint: &[Level], levels: &[&str]) -> bool {
    levels.len() <= endpoint.len()
        && endpoint
            .iter()
            .zip(levels)
            .all(|(pattern, level)| match pattern {
                Level::Literal(literal) => literal == level || is_placeholder(level),
                Level::Parameter(_) => true,
            })
}

/// The server takes a parameter in a path for any level, because it resolves the paths of triggers
/// with the same code.
fn is_placeholder(level: &str) -> bool {
    level.starts_with("%{") && level.ends_with('}')
}

#[cfg(test)]
mod tests {
    use astarte_interface::Source;

    use super::*;
    use crate::conformance;

    fn interface(extra: &str, endpoints: &[&str]) -> Interface {
        let mappings = endpoints
            .iter()
            .map(|e| format!(r#"{{"endpoint":"{e}","type":"double"}}"#));
        let text = format!(
            r#"{{"interface_name":"org.example.A","version_major":1,"version_minor":0,
                "type":"datastream","ownership":"device",{extra}"mappings":[{}]}}"#,
            mappings.collect::<Vec<_>>().join(",")
        );
        Interface::parse(&Source::new("a.json", text))
            .unwrap()
            .interface
    }

    fn error(interface: &Interface, path: &str) -> Option<PathError> {
        resolve(interface, path).err()
    }

    #[test]
    fn individual_paths() {
        let interface = interface("", &["/%{id}/value", "/%{id}/deep/er"]);
        assert_eq!(error(&interface, "/1/value"), None);
        assert_eq!(error(&interface, "/1/value/"), None);
        assert_eq!(error(&interface, "/1"), Some(PathError::Ambiguous));
        assert_eq!(error(&interface, "/"), Some(PathError::Ambiguous));
        assert_eq!(error(&interface, "/1/deep"), Some(PathError::Ambiguous));
        assert_eq!(error(&interface, "/1/Value"), Some(PathError::NotFound));
        assert_eq!(error(&interface, "/1/value/x"), Some(PathError::NotFound));
        assert_eq!(error(&interface, "/1/%{any}"), Some(PathError::Ambiguous));
        assert_eq!(error(&interface, "/1/%{any}/er"), None);
    }

    #[test]
    fn object_paths() {
        let interface = interface(r#""aggregation":"object","#, &["/%{id}/a", "/%{id}/b"]);
        assert_eq!(error(&interface, "/1"), None);
        assert_eq!(error(&interface, "/1/"), None);
        assert_eq!(error(&interface, "/"), Some(PathError::NotFound));
        assert_eq!(error(&interface, "/1/a"), Some(PathError::NotFound));
    }

    #[test]
    fn paths_as_the_server_resolves_them() {
        let documents = conformance::rows("cases.jsonl");
        let document = |id: &str| documents.iter().find(|row| row["id"] == id);
        for row in conformance::rows("paths.jsonl") {
            let path = row["path"].as_str().unwrap();
            let json = &document(row["interface_id"].as_str().unwrap()).unwrap()["json"];
            let source = Source::new("a.json", json.to_string());
            let interface = Interface::parse(&source).unwrap().interface;
            let result = match resolve(&interface, path) {
                _ if path.contains("//") => "invalid_path",
                Ok(_) => "ok",
                Err(PathError::Ambiguous) => "ambiguous_path",
                Err(PathError::NotFound) => "mapping_not_found",
            };
            assert_eq!(result, row["expect"]["result"], "{} {path}", row["id"]);
        }
    }
}
