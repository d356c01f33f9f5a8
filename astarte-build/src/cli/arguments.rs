use std::path::PathBuf;

use astarte_interface::{Code, suggest};
use lexopt::prelude::{Long, Short, Value, ValueExt};

use super::{
    check::Check, diff::Diff, expand::Expand, explain::Explain, lock::Lock, report::Format,
    resolve::Resolve,
};

/// What the user asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Check(Check),
    Diff(Diff),
    Expand(Expand),
    Explain(Explain),
    Help,
    Lock(Lock),
    Resolve(Resolve),
    Version,
}

pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let command = match parser.next()? {
        Some(Value(command)) => command.string()?,
        Some(Short('h') | Long("help")) => return Ok(Command::Help),
        Some(Short('V') | Long("version")) => return Ok(Command::Version),
        Some(other) => return Err(other.unexpected()),
        None => return Err("a command is missing".into()),
    };
    let accepted = match command.as_str() {
        "check" => &["--allow", "--format", "--lock"][..],
        "diff" => &["--allow", "--format"],
        "resolve" => &["--format"],
        "expand" | "explain" | "lock" => &[],
        "help" => return Ok(Command::Help),
        other => return Err(unknown("command", other, COMMANDS.iter().copied())),
    };
    let Some(Arguments {
        mut values,
        allow,
        format,
        lock,
    }) = Arguments::read(&mut parser, accepted)?
    else {
        return Ok(Command::Help);
    };
    Ok(match command.as_str() {
        "check" => Command::Check(Check {
            paths: values.all("PATH")?,
            lock,
            format,
            allow,
        }),
        "diff" => {
            let (old, new) = (values.one("OLD")?, values.one("NEW")?);
            values.end()?;
            Command::Diff(Diff {
                old,
                new,
                format,
                allow,
            })
        }
        "expand" => {
            let interface = values.one("INTERFACE")?;
            values.end()?;
            Command::Expand(Expand { interface })
        }
        "explain" => {
            let word = values.one("CODE")?;
            values.end()?;
            Command::Explain(Explain {
                code: code(&word.to_string_lossy())?,
            })
        }
        "lock" => Command::Lock(Lock {
            paths: values.all("PATH")?,
        }),
        _ => Command::Resolve(Resolve {
            interface: values.one("INTERFACE")?,
            paths: values.texts("PATH")?,
            format,
        }),
    })
}

/// What stands behind the command.
#[derive(Default)]
struct Arguments {
    values: Values,
    allow: Vec<Code>,
    format: Format,
    lock: Option<PathBuf>,
}

impl Arguments {
    /// Reads all, or returns `None` where help is asked for.
    fn read(parser: &mut lexopt::Parser, accepted: &[&str]) -> Result<Option<Self>, lexopt::Error> {
        let mut arguments = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Short('h') | Long("help") => return Ok(None),
                Long("allow") if accepted.contains(&"--allow") => {
                    arguments.allow.push(code(&parser.value()?.string()?)?);
                }
                Long("format") if accepted.contains(&"--format") => {
                    arguments.format = self::format(&parser.value()?.string()?)?;
                }
                Long("lock") if accepted.contains(&"--lock") => {
                    arguments.lock = Some(parser.value()?.into());
                }
                Value(value) => arguments.values.0.push(value.into()),
                other => return Err(other.unexpected()),
            }
        }
        arguments.values.0.reverse();
        Ok(Some(arguments))
    }
}

/// The arguments that are no options, the last one first.
#[derive(Default)]
struct Values(Vec<PathBuf>);

impl Values {
    fn one(&mut self, name: &str) -> Result<PathBuf, lexopt::Error> {
        let value = self.0.pop();
        value.ok_or_else(|| format!("{name} is missing").into())
    }

    fn all(&mut self, name: &str) -> Result<Vec<PathBuf>, lexopt::Error> {
        let mut all = vec![self.one(name)?];
        all.extend(self.0.drain(..).rev());
        Ok(all)
    }

    fn texts(&mut self, name: &str) -> Result<Vec<String>, lexopt::Error> {
        let all = self.all(name)?.into_iter();
        all.map(|value| value.into_os_string().string()).collect()
    }

    fn end(&mut self) -> Result<(), lexopt::Error> {
        match self.0.pop() {
            None => Ok(()),
            Some(value) => Err(lexopt::Error::UnexpectedArgument(value.into_os_string())),
        }
    }
}

fn format(word: &str) -> Result<Format, lexopt::Error> {
    match word {
        "json" => Ok(Format::Json),
        "text" => Ok(Format::Text),
        other => Err(unknown("format", other, ["json", "text"])),
    }
}

fn code(word: &str) -> Result<Code, lexopt::Error> {
    let codes = Code::ALL.iter().map(|code| code.as_str());
    word.parse().map_err(|_| unknown("code", word, codes))
}

fn unknown<'a>(what: &str, word: &str, known: impl IntoIterator<Item = &'a str>) -> lexopt::Error {
    let message = format!("there is no {what} `{}`", word.escape_debug());
    match suggest(word, known) {
        Some(similar) => format!("{message}; is `{similar}` meant?").into(),
        None => message.into(),
    }
}

const COMMANDS: [&str; 7] = [
    "check", "diff", "expand", "explain", "help", "lock", "resolve",
];

pub(crate) const USAGE: &str = "\
usage: astarte-build check PATH... [--lock FILE] [--format text|json] [--allow CODE]...
       astarte-build lock PATH... > FILE
       astarte-build diff OLD NEW [--format text|json] [--allow CODE]...
       astarte-build resolve INTERFACE PATH... [--format text|json]
       astarte-build explain CODE
       astarte-build expand INTERFACE";

pub(crate) const HELP: &str = "\
Checks Astarte interfaces, compares them, and shows the Rust that is generated from them.

usage: astarte-build COMMAND [options]

  check PATH...               check interface files, and all .json files in folders
      --lock FILE             compare them with the lock file
      --allow CODE            do not show warnings with this code; may be repeated
      --format text|json      frames for people (the default), or one JSON object a line
  lock PATH...                print the lock file of interfaces
  diff OLD NEW                say whether NEW may replace OLD in a realm, and why not
                              (takes --allow and --format, too)
  resolve INTERFACE PATH...   print the endpoint and the parameters of each path, or what is
                              wrong with it (takes --format, too)
  explain CODE                print what the documentation says about a code
  expand INTERFACE            print the Rust that is generated from an interface

  -h, --help                  show this text
  -V, --version               show the version

A folder is searched with the folders in it; those whose names begin with a dot are left out.

exit status: 0 no error; 1 errors in the files, or a path that does not resolve; 2 wrong usage
";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        let parser = lexopt::Parser::from_args(line.split_whitespace());
        super::parse(parser).map_err(|error| error.to_string())
    }

    #[test]
    fn options_stand_anywhere_behind_the_command() {
        let line = "check --format=json a --allow lint::encrypted b --lock c --allow json::syntax";
        let Ok(Command::Check(check)) = parse(line) else {
            panic!("{line}")
        };
        assert_eq!(check.paths, [PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!(check.lock, Some(PathBuf::from("c")));
        assert_eq!(check.format, Format::Json);
        assert_eq!(check.allow, [Code::LintEncrypted, Code::JsonSyntax]);
    }

    #[test]
    fn values_keep_their_order() {
        let Ok(Command::Diff(diff)) = parse("diff a b") else {
            panic!()
        };
        assert_eq!((diff.old, diff.new), ("a".into(), "b".into()));
        let Ok(Command::Resolve(resolve)) = parse("resolve a /b /c") else {
            panic!()
        };
        assert_eq!(resolve.paths, ["/b", "/c"]);
    }

    #[test]
    fn mistakes_say_what_they_are() {
        for (line, error) in [
            ("", "a command is missing"),
            ("chek a", "there is no command `chek`; is `check` meant?"),
            ("check", "PATH is missing"),
            ("check --lock", "missing argument for option '--lock'"),
            ("check a --format xml", "there is no format `xml`"),
            (
                "check a --allow lint::encryptd",
                "there is no code `lint::encryptd`; is `lint::encrypted` meant?",
            ),
            ("check a --nope", "invalid option '--nope'"),
            ("diff a", "NEW is missing"),
            ("diff a b c", "unexpected argument \"c\""),
            ("explain", "CODE is missing"),
            (
                "explain mapping::overlaps",
                "there is no code `mapping::overlaps`; is `mapping::overlap` meant?",
            ),
            ("expand a b", "unexpected argument \"b\""),
            ("lock a --format json", "invalid option '--format'"),
            ("resolve a", "PATH is missing"),
            ("--nope", "invalid option '--nope'"),
        ] {
            assert_eq!(parse(line).err().as_deref(), Some(error), "{line}");
        }
    }

    #[test]
    fn help_is_given_wherever_it_is_asked_for() {
        for line in ["-h", "--help", "help", "check -h", "diff a --help"] {
            assert!(matches!(parse(line), Ok(Command::Help)), "{line}");
        }
    }

    #[test]
    fn help_and_usage_name_every_command_and_option() {
        for word in COMMANDS.iter().filter(|word| **word != "help") {
            assert!(USAGE.contains(&format!("astarte-build {word} ")), "{word}");
            assert!(HELP.contains(&format!("\n  {word} ")), "{word}");
        }
        for option in ["--allow", "--format", "--lock"] {
            assert!(USAGE.contains(option) && HELP.contains(option), "{option}");
        }
    }
}
