//! The command line.

use std::path::PathBuf;
use std::{fs, io};

use astarte_sandbox::{Builder, Profile, Sandbox, ServerVersion};
use lexopt::prelude::{Long, Short, ValueExt};

/// What the user asks for.
pub(crate) enum Command {
    Help,
    Run(Options),
}

/// The settings of a run.
#[derive(Debug, Default)]
pub(crate) struct Options {
    interfaces: Vec<PathBuf>,
    port: u16,
    broker_port: u16,
    realm: Option<String>,
    realm_key: Option<PathBuf>,
    profile: Profile,
    version: ServerVersion,
    data: Option<PathBuf>,
    pub(crate) write_ca: Option<PathBuf>,
    pub(crate) credentials: Option<PathBuf>,
    pub(crate) json: bool,
}

impl Options {
    /// Whether there will be another run with the same devices.
    pub(crate) fn keeps_data(&self) -> bool {
        self.data.is_some()
    }

    /// Returns the settings of the sandbox.
    pub(crate) fn builder(&self) -> io::Result<Builder> {
        let mut builder = Sandbox::builder()
            .port(self.port)
            .broker_port(self.broker_port)
            .profile(self.profile)
            .server_version(self.version);
        if let Some(folder) = &self.data {
            builder = builder.data_dir(folder);
        }
        for directory in &self.interfaces {
            builder = builder.interfaces_dir(directory);
        }
        if let Some(realm) = &self.realm {
            builder = builder.realm(realm);
        }
        if let Some(path) = &self.realm_key {
            builder = builder.realm_key(fs::read_to_string(path)?);
        }
        Ok(builder)
    }
}

pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut options = Options::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('i') | Long("interfaces") => options.interfaces.push(parser.value()?.into()),
            Short('p') | Long("port") => options.port = parser.value()?.parse()?,
            Long("broker-port") => options.broker_port = parser.value()?.parse()?,
            Long("realm") => options.realm = Some(parser.value()?.string()?),
            Long("realm-key") => options.realm_key = Some(parser.value()?.into()),
            Long("profile") => options.profile = profile(&parser.value()?.string()?)?,
            Long("server") => options.version = parser.value()?.parse()?,
            Long("data") => options.data = Some(parser.value()?.into()),
            Long("write-ca") => options.write_ca = Some(parser.value()?.into()),
            Long("credentials") => options.credentials = Some(parser.value()?.into()),
            Long("json") => options.json = true,
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Run(options))
}

fn profile(name: &str) -> Result<Profile, lexopt::Error> {
    match name {
        "spec" => Ok(Profile::Spec),
        "as-shipped" => Ok(Profile::AsShipped),
        other => Err(format!("profile `{other}` is neither `spec` nor `as-shipped`").into()),
    }
}

pub(crate) const USAGE: &str = "\
usage: astarte-sandbox [--interfaces DIR]... [--port N] [--broker-port N] [--realm NAME]
                       [--realm-key FILE] [--profile spec|as-shipped] [--server VERSION] [--data DIR]
                       [--write-ca FILE] [--credentials DIR] [--json]";

pub(crate) const HELP: &str = "\
An Astarte in one process: the pairing API, the MQTT broker and the checks of the server.

usage: astarte-sandbox [options]

  -i, --interfaces DIR   install the interfaces of all .json files in DIR; may be repeated
  -p, --port N           port of the pairing API; any free one by default
      --broker-port N    port of the broker; any free one by default
      --realm NAME       name of the realm; `test` by default
      --realm-key FILE   private key of the realm, P-256 in PKCS#8 PEM; a new one by default
      --profile NAME     `spec`, the protocol as documented, or `as-shipped`, with its known faults
      --server VERSION   resemble 1.2.0, 1.2.1, 1.3 or 1.4; 1.4 by default
      --data DIR         keep keys, interfaces, devices and their properties in DIR between runs
      --write-ca FILE    write the certificate that devices must trust to FILE
      --credentials DIR  write what a client needs to be a device without pairing to DIR:
                         ca.pem, device.pem and device.key
      --json             write what happens as JSON lines
  -h, --help             show this text
";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, lexopt::Error> {
        super::parse(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn options_are_read() {
        let arguments = "--interfaces a -i b --port 1 --broker-port=2 --realm r --json \
             --profile as-shipped --server 1.3 --write-ca c --credentials e --data d";
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let Ok(Command::Run(options)) = parse(&arguments) else {
            panic!()
        };
        assert_eq!(options.interfaces, [PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!((options.port, options.broker_port), (1, 2));
        assert_eq!(options.realm.as_deref(), Some("r"));
        assert_eq!(options.profile, Profile::AsShipped);
        assert_eq!(options.version, ServerVersion::V1_3);
        assert_eq!(options.write_ca, Some(PathBuf::from("c")));
        assert_eq!(options.data, Some(PathBuf::from("d")));
        assert_eq!(options.credentials, Some(PathBuf::from("e")));
        assert!(options.json);
    }

    #[test]
    fn mistakes_are_errors() {
        for arguments in [
            &["--port"][..],
            &["--port", "x"],
            &["--port", "65536"],
            &["--profile", "x"],
            &["--server", "1.1"],
            &["--nope"],
            &["nope"],
        ] {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
        assert!(matches!(parse(&["-h"]), Ok(Command::Help)));
    }

    #[test]
    fn the_usage_names_every_option() {
        for option in HELP
            .split_whitespace()
            .filter(|word| word.starts_with("--"))
        {
            assert!(option == "--help" || USAGE.contains(option), "{option}");
        }
    }
}
