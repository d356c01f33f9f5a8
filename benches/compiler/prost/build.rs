//! Messages of as many fields, and of the same types, as the objects; described in code, so that no protoc is needed.

#[allow(dead_code)]
#[path = "../src/processor.rs"]
mod processor;

use std::{env, error::Error, fs, path::Path};

use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};

const MESSAGES: usize = 50;

const FIELDS: [(&str, Type, Label); 8] = [
    ("enabled", Type::Bool, Label::Optional),
    ("temperature", Type::Double, Label::Optional),
    ("count", Type::Int32, Label::Optional),
    ("uptime", Type::Int64, Label::Optional),
    ("label", Type::String, Label::Optional),
    ("digest", Type::Bytes, Label::Optional),
    ("samples", Type::Double, Label::Repeated),
    ("tags", Type::String, Label::Repeated),
];

fn main() -> Result<(), Box<dyn Error>> {
    let target = Path::new("../target/bench");
    println!(
        "cargo::rerun-if-changed={}",
        target.join("sample").display()
    );

    let start = processor::own()?;
    prost_build::Config::new().compile_fds(descriptors())?;
    let took = (processor::own()? - start).as_micros();

    let file = Path::new(&env::var("OUT_DIR")?).join("bench.rs");
    let lines = fs::read_to_string(file)?.lines().count();
    fs::write(
        target.join("prost-messages.report"),
        format!("{took} {lines}"),
    )?;
    Ok(())
}

fn descriptors() -> FileDescriptorSet {
    let file = FileDescriptorProto {
        name: Some("bench.proto".to_owned()),
        package: Some("bench".to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: (0..MESSAGES).map(message).collect(),
        ..FileDescriptorProto::default()
    };
    FileDescriptorSet { file: vec![file] }
}

fn message(index: usize) -> DescriptorProto {
    let fields = (1..).zip(FIELDS);
    let field = |(number, (name, ty, label)): (i32, (&str, Type, Label))| FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(label.into()),
        r#type: Some(ty.into()),
        ..FieldDescriptorProto::default()
    };
    DescriptorProto {
        name: Some(format!("Message{index}")),
        field: fields.map(field).collect(),
        ..DescriptorProto::default()
    }
}
