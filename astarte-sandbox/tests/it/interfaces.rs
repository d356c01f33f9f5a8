//! The interfaces of the tests.

pub(crate) const ALL: [&str; 9] = [
    IND,
    IND_RECEPTION,
    TYPES,
    OBJ,
    OBJ_REQUIRED,
    PROP,
    SRV_P,
    SRV_D,
    SRV_O,
];

/// All of them.
pub(crate) const INTROSPECTION: &str = "test.Ind:1:0;test.IndReception:1:0;test.Types:1:0;test.Obj:1:0;\
     test.ObjRequired:1:0;test.Prop:1:0;test.SrvP:1:0;test.SrvD:1:0;test.SrvO:1:0";

pub(crate) const IND: &str = r#"{
    "interface_name": "test.Ind", "version_major": 1, "version_minor": 0,
    "type": "datastream", "ownership": "device",
    "mappings": [
        {"endpoint": "/%{id}/value", "type": "double", "reliability": "unique", "explicit_timestamp": true}
    ]
}"#;

pub(crate) const IND_RECEPTION: &str = r#"{
    "interface_name": "test.IndReception", "version_major": 1, "version_minor": 0,
    "type": "datastream", "ownership": "device",
    "mappings": [{"endpoint": "/%{id}/value", "type": "double"}]
}"#;

pub(crate) const TYPES: &str = r#"{
    "interface_name": "test.Types", "version_major": 1, "version_minor": 0,
    "type": "datastream", "ownership": "device",
    "mappings": [
        {"endpoint": "/double", "type": "double"},
        {"endpoint": "/integer", "type": "integer"},
        {"endpoint": "/longinteger", "type": "longinteger"},
        {"endpoint": "/string", "type": "string"},
        {"endpoint": "/binaryblob", "type": "binaryblob"},
        {"endpoint": "/datetime", "type": "datetime"},
        {"endpoint": "/integerarray", "type": "integerarray"},
        {"endpoint": "/stamped/binaryblob", "type": "binaryblob", "explicit_timestamp": true}
    ]
}"#;

pub(crate) const OBJ: &str = r#"{
    "interface_name": "test.Obj", "version_major": 1, "version_minor": 0,
    "type": "datastream", "ownership": "device", "aggregation": "object",
    "mappings": [
        {"endpoint": "/%{id}/temp", "type": "double"},
        {"endpoint": "/%{id}/hum", "type": "integer"}
    ]
}"#;

pub(crate) const OBJ_REQUIRED: &str = r#"{
    "interface_name": "test.ObjRequired", "version_major": 1, "version_minor": 0,
    "type": "datastream", "ownership": "device", "aggregation": "object",
    "mappings": [
        {"endpoint": "/%{id}/temp", "type": "double", "required": true},
        {"endpoint": "/%{id}/hum", "type": "integer"}
    ]
}"#;

pub(crate) const PROP: &str = r#"{
    "interface_name": "test.Prop", "version_major": 1, "version_minor": 0,
    "type": "properties", "ownership": "device",
    "mappings": [
        {"endpoint": "/a", "type": "string", "allow_unset": true},
        {"endpoint": "/b", "type": "integer"}
    ]
}"#;

pub(crate) const SRV_P: &str = r#"{
    "interface_name": "test.SrvP", "version_major": 1, "version_minor": 0,
    "type": "properties", "ownership": "server",
    "mappings": [
        {"endpoint": "/s", "type": "string", "allow_unset": true},
        {"endpoint": "/kept", "type": "string"},
        {"endpoint": "/long", "type": "longinteger"},
        {"endpoint": "/double", "type": "double"}
    ]
}"#;

pub(crate) const SRV_D: &str = r#"{
    "interface_name": "test.SrvD", "version_major": 1, "version_minor": 0,
    "type": "datastream", "ownership": "server",
    "mappings": [
        {"endpoint": "/unreliable", "type": "integer"},
        {"endpoint": "/guaranteed", "type": "integer", "reliability": "guaranteed"},
        {"endpoint": "/unique", "type": "integer", "reliability": "unique"}
    ]
}"#;

pub(crate) const SRV_O: &str = r#"{
    "interface_name": "test.SrvO", "version_major": 1, "version_minor": 0,
    "type": "datastream", "ownership": "server", "aggregation": "object",
    "mappings": [
        {"endpoint": "/%{id}/on", "type": "boolean", "explicit_timestamp": true},
        {"endpoint": "/%{id}/level", "type": "integer", "explicit_timestamp": true}
    ]
}"#;
