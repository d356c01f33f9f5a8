use std::fmt;

use crate::shape::{Attribute, MappingShape, Shape};
use crate::types::InterfaceType;

pub(super) fn write(f: &mut fmt::Formatter<'_>, interfaces: &[Shape]) -> fmt::Result {
    f.write_str(HEADER)?;
    for shape in interfaces {
        let (interface_type, ownership, aggregation) = (
            shape.interface_type.0,
            shape.ownership.0,
            shape.aggregation.0,
        );
        let (name, version) = (&shape.name, shape.version);
        writeln!(
            f,
            "\n{name} {version} {interface_type} {ownership} {aggregation}"
        )?;
        let mut mappings: Vec<_> = shape.mappings.iter().collect();
        mappings.sort_by_key(|mapping| mapping.endpoint.as_str());
        for mapping in mappings {
            write_mapping(f, mapping, interface_type)?;
        }
    }
    Ok(())
}

fn write_mapping(
    f: &mut fmt::Formatter<'_>,
    mapping: &MappingShape,
    interface_type: InterfaceType,
) -> fmt::Result {
    write!(
        f,
        "    {} {}",
        mapping.endpoint,
        mapping.value(Attribute::Type)
    )?;
    for attribute in Attribute::ALL {
        let value = mapping.value(attribute);
        if attribute != Attribute::Type && value != attribute.default(interface_type) {
            write!(f, " {}={value}", attribute.key())?;
        }
    }
    f.write_str("\n")
}

/// The comment, and the line by which a later format is told apart.
const HEADER: &str = "\
# The interfaces this project was last built for. Keep this file under version control:
# a change that needs a new version of its interface then fails the build.
format 1
";
