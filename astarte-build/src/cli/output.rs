use std::{
    env,
    ffi::OsStr,
    io::{self, BufWriter, IsTerminal, Write},
    process::ExitCode,
};

use astarte_interface::Style;

use super::Verdict;

/// Where a command writes to.
pub(crate) struct Output {
    /// For what was asked for.
    pub(crate) stdout: Stream,
    /// For what is wrong, where that was not what was asked for, and for summaries.
    pub(crate) stderr: Stream,
}

impl Output {
    pub(crate) fn of_process() -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let (no_color, term) = (env::var_os("NO_COLOR"), env::var_os("TERM"));
        let style = |terminal| style(terminal, no_color.as_deref(), term.as_deref());
        Self {
            stdout: Stream::new(style(stdout.is_terminal()), stdout),
            stderr: Stream::new(style(stderr.is_terminal()), stderr),
        }
    }

    /// Writes what is left, and returns the status of the process.
    pub(crate) fn finish(mut self, verdict: Verdict) -> ExitCode {
        self.stdout.flush();
        // Whoever closed the pipe has read enough: the verdict stands.
        let lost = self
            .stdout
            .error
            .filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
        let verdict = match lost {
            Some(error) => {
                self.stderr
                    .line(&format!("error: the output cannot be written: {error}"));
                Verdict::Bad
            }
            None => verdict,
        };
        self.stderr.flush();
        verdict.into()
    }
}

/// A stream that takes nothing more after an error, instead of ending the process.
pub(crate) struct Stream {
    writer: BufWriter<Box<dyn Write>>,
    style: Style,
    error: Option<io::Error>,
}

impl Stream {
    fn new(style: Style, writer: impl Write + 'static) -> Self {
        Self {
            writer: BufWriter::new(Box::new(writer)),
            style,
            error: None,
        }
    }

    /// Whether colours are shown.
    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// Writes a text as it is.
    pub(crate) fn text(&mut self, text: &str) {
        if self.error.is_none() {
            self.error = self.writer.write_all(text.as_bytes()).err();
        }
    }

    /// Writes a text with a line end.
    pub(crate) fn line(&mut self, text: &str) {
        self.text(text);
        self.text("\n");
    }

    fn flush(&mut self) {
        if self.error.is_none() {
            self.error = self.writer.flush().err();
        }
    }
}

fn style(terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> Style {
    // An empty NO_COLOR counts as none: https://no-color.org
    let refused = no_color.is_some_and(|value| !value.is_empty());
    let dumb = term.is_some_and(|value| value == "dumb");
    match terminal && !refused && !dumb {
        true => Style::Ansi,
        false => Style::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_that_want_it() {
        let of = |terminal, no_color: Option<&str>, term: Option<&str>| {
            style(terminal, no_color.map(OsStr::new), term.map(OsStr::new))
        };
        assert_eq!(of(true, None, Some("xterm")), Style::Ansi);
        assert_eq!(of(true, Some(""), None), Style::Ansi);
        assert_eq!(of(true, Some("1"), Some("xterm")), Style::Plain);
        assert_eq!(of(true, None, Some("dumb")), Style::Plain);
        assert_eq!(of(false, None, Some("xterm")), Style::Plain);
    }

    #[test]
    fn nothing_is_written_after_an_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut stream = Stream::new(Style::Plain, Closed);
        stream.line("text");
        stream.flush();
        stream.text("more");
        let error = stream.error.expect("the stream is closed");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(stream.writer.buffer(), b"text\n", "the buffer did not grow");
    }
}
