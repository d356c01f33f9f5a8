//! What a person reads when the program starts: where everything is, and commands to try.

use std::fmt::Write as _;
use std::path::Path;

use astarte_interface::{Aggregation, InterfaceType, Level, Mapping, MappingType, Ownership};
use astarte_sandbox::{Device, Interface, Sandbox};

use crate::cli::Options;
use crate::credentials::{AUTHORITY, CERTIFICATE, KEY};

/// Returns the text, which ends where the log begins.
pub(crate) fn welcome(sandbox: &Sandbox, device: &Device, options: &Options) -> String {
    let mut text = String::new();
    facts(&mut text, sandbox, device, options);
    register(&mut text, sandbox);
    ask(&mut text, sandbox, device);
    publish(&mut text, sandbox, device, options);
    let forgets = match options.keeps_data() {
        true => "",
        false => " and forgets everything; --data DIR keeps it",
    };
    text + &format!("What devices do follows; Ctrl-C ends the sandbox{forgets}.\n")
}

fn facts(text: &mut String, sandbox: &Sandbox, device: &Device, options: &Options) {
    let interfaces = sandbox.interfaces();
    let ca = match (&options.write_ca, &options.credentials) {
        (Some(path), _) => path.display().to_string(),
        (None, Some(folder)) => folder.join(AUTHORITY).display().to_string(),
        (None, None) => "start with --write-ca FILE to get it".to_owned(),
    };
    let count = match interfaces.len() {
        0 => "no interfaces: --interfaces DIR installs them".to_owned(),
        1 => "1 interface".to_owned(),
        count => format!("{count} interfaces"),
    };
    line(text, format_args!("Astarte sandbox with {count}\n"));
    let facts = [
        ("Pairing URL", sandbox.pairing_url().to_owned()),
        ("Realm", sandbox.realm().to_owned()),
        ("Broker", sandbox.broker_url().to_owned()),
        ("CA of the broker", ca),
        ("A device to use", device.id().to_string()),
        (
            "Its secret",
            device.credentials_secret().unwrap_or_default(),
        ),
    ];
    let interfaces = interfaces.iter().map(|interface| {
        let name = format!("{} {}", interface.name(), interface.version());
        ("Interface", name)
    });
    for (name, fact) in facts.into_iter().chain(interfaces) {
        line(text, format_args!("  {name:<18}{fact}"));
    }
}

fn register(text: &mut String, sandbox: &Sandbox) {
    let (url, realm, jwt) = (sandbox.pairing_url(), sandbox.realm(), sandbox.jwt());
    line(
        text,
        format_args!(
            "\nRegister another device, with an id of 22 characters; the token allows everything:\n\n  \
             JWT={jwt}\n  \
             curl {url}/v1/{realm}/agent/devices \\\n    \
             -H 'Content-Type: application/json' -H \"Authorization: Bearer $JWT\" \\\n    \
             -d '{{\"data\": {{\"hw_id\": \"2imLILqtRP2vq0ZVy-TGRQ\"}}}}'"
        ),
    );
}

fn ask(text: &mut String, sandbox: &Sandbox, device: &Device) {
    let (url, realm, id) = (sandbox.pairing_url(), sandbox.realm(), device.id());
    let secret = device.credentials_secret().unwrap_or_default();
    line(
        text,
        format_args!(
            "\nAsk for the broker, as a device does:\n\n  \
             curl {url}/v1/{realm}/devices/{id} \\\n    \
             -H 'Authorization: Bearer {secret}'\n"
        ),
    );
}

/// Commands that need nothing of Astarte: mosquitto's, with files that are there.
fn publish(text: &mut String, sandbox: &Sandbox, device: &Device, options: &Options) {
    let interfaces = sandbox.interfaces();
    let example = interfaces.iter().find_map(|interface| example(interface));
    let (Some(folder), Some(example)) = (&options.credentials, example) else {
        if options.credentials.is_none() {
            line(
                text,
                format_args!(
                    "Be a device with nothing but mosquitto_pub: --credentials DIR says how.\n"
                ),
            );
        }
        return;
    };
    let address = sandbox.broker_url().trim_start_matches("mqtts://");
    let (host, port) = address
        .trim_end_matches('/')
        .split_once(':')
        .unwrap_or((address, ""));
    let topic = format!("{}/{}", sandbox.realm(), device.id());
    let file = |name: &str| quoted(&folder.join(name));
    let (ca, certificate, key) = (file(AUTHORITY), file(CERTIFICATE), file(KEY));
    let Example {
        introspection,
        path,
        payload,
    } = example;
    line(
        text,
        format_args!(
            "Be that device: say what it has, and send {{\"v\": {value}}}:\n\n  \
             device() {{ mosquitto_pub -h {host} -p {port} -i any -q 1 --cafile {ca} \\\n    \
             --cert {certificate} --key {key} \"$@\"; }}\n  \
             device -t {topic} -m '{introspection}'\n  \
             printf '{bytes}' | device -t {topic}/{path} -s\n",
            value = payload.value,
            bytes = payload.bytes,
        ),
    );
}

/// A message that the server accepts.
struct Example {
    introspection: String,
    /// Interface and path.
    path: String,
    payload: Payload,
}

/// A value, and its document in the notation of `printf`.
struct Payload {
    value: &'static str,
    bytes: &'static str,
}

fn example(interface: &Interface) -> Option<Example> {
    let fits = interface.ownership() == Ownership::Device
        && interface.interface_type() == InterfaceType::Datastream
        && interface.aggregation() == Aggregation::Individual
        && !interface.mappings().any(Mapping::encrypted);
    let mut mappings = interface.mappings().filter(|_| fits);
    let (mapping, payload) = mappings.find_map(|mapping| {
        let payload = payload(mapping.value_type())?;
        Some((mapping, payload))
    })?;
    let levels = mapping.endpoint().levels().iter().map(|level| match level {
        Level::Literal(name) => format!("/{name}"),
        Level::Parameter(name) => format!("/{name}"),
    });
    let (name, version) = (interface.name(), interface.version());
    Some(Example {
        introspection: format!("{name}:{}:{}", version.major, version.minor),
        path: format!("{name}{}", levels.collect::<String>()),
        payload,
    })
}

fn payload(value_type: MappingType) -> Option<Payload> {
    let (value, bytes) = match value_type {
        MappingType::Double => ("21.5", r"\020\0\0\0\001v\0\0\0\0\0\0\200\065\100\0"),
        MappingType::Integer => ("42", r"\014\0\0\0\020v\0\052\0\0\0\0"),
        MappingType::Boolean => ("true", r"\011\0\0\0\010v\0\001\0"),
        MappingType::String => ("\"ok\"", r"\017\0\0\0\002v\0\003\0\0\0ok\0\0"),
        _ => return None,
    };
    Some(Payload { value, bytes })
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |character: char| character.is_alphanumeric() || "/._-+:\\".contains(character);
    if path.chars().all(plain) {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

/// Writing to a string does not fail.
fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_they_must_be() {
        assert_eq!(quoted(Path::new("a/b-1.pem")), "a/b-1.pem");
        assert_eq!(quoted(Path::new("it's mine")), r"'it'\''s mine'");
    }
}
