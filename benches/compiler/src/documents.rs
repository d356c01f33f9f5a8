//! Interfaces that are written for the benchmark.

/// Interfaces of a crate, and mappings of an interface.
pub(crate) const INTERFACES: usize = 50;
pub(crate) const MAPPINGS: usize = MAPPING_TYPES.len();

const MAPPING_TYPES: [(&str, &str); 8] = [
    ("enabled", "boolean"),
    ("temperature", "double"),
    ("count", "integer"),
    ("uptime", "longinteger"),
    ("label", "string"),
    ("digest", "binaryblob"),
    ("samples", "doublearray"),
    ("tags", "stringarray"),
];

/// A device-owned datastream with a parameter; one mapping of each type.
pub(crate) fn document(aggregation: &str, index: usize) -> String {
    let mappings = MAPPING_TYPES.map(|(key, value_type)| {
        format!(r#"    {{ "endpoint": "/%{{sensor}}/{key}", "type": "{value_type}", "explicit_timestamp": true }}"#)
    });
    format!(
        "{{\n  \"interface_name\": \"org.example.bench.Interface{index}\",\n  \"version_major\": 1, \"version_minor\": 0,\n  \
         \"type\": \"datastream\", \"aggregation\": \"{aggregation}\", \"ownership\": \"device\",\n  \
         \"mappings\": [\n{}\n  ]\n}}\n",
        mappings.join(",\n")
    )
}
