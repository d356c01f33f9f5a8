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
    /// It ends before the endpoint does.
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
    let mut error = PathError::NotFound;
    for mapping in interface.mappings() {
        let endpoint = mapping.endpoint().levels();
        if begins(endpoint, levels) {
            if endpoint.len() == levels.len() {
                return Ok(mapping);
            }
            error = PathError::Ambiguous;
        }
    }
    Err(error)
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
                Level::Literal(literal) => literal == level,
                Level::Parameter(_) => true,
            })
}

#[cfg(test)]
mod tests {
    use astarte_interface::Source;

    use super::*;

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
    }

    #[test]
    fn object_paths() {
        let interface = interface(r#""aggregation":"object","#, &["/%{id}/a", "/%{id}/b"]);
        assert_eq!(error(&interface, "/1"), None);
        assert_eq!(error(&interface, "/1/"), None);
        assert_eq!(error(&interface, "/"), Some(PathError::NotFound));
        assert_eq!(error(&interface, "/1/a"), Some(PathError::NotFound));
    }
}
