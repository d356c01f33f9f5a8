use astarte_interface::Code;

use super::{Verdict, output::Output};

/// `explain CODE`
#[derive(Debug)]
pub(crate) struct Explain {
    pub(crate) code: Code,
}

impl Explain {
    pub(crate) fn run(&self, output: &mut Output) -> Verdict {
        match section(self.code) {
            Some(section) => output.stdout.line(&format!("{}\n\n{section}", self.code)),
            None => output
                .stdout
                .line(&format!("{}\n\n{}", self.code, self.code.summary())),
        }
        Verdict::Good
    }
}

/// What the page says about a code: the paragraph, and the examples.
fn section(code: Code) -> Option<&'static str> {
    let heading = format!("\n## `{code}`\n");
    let (_, section) = PAGE.split_once(&heading)?;
    let (section, _) = section.split_once("\n## ").unwrap_or((section, ""));
    Some(section.trim())
}

/// A copy of `docs/diagnostics.md`, because a published crate has only the files of its own folder. The tests of
/// `astarte-interface` compare the two.
const PAGE: &str = include_str!("diagnostics.md");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_section_of_its_own() {
        for code in Code::ALL {
            let section = section(*code).unwrap_or_else(|| panic!("{code}"));
            assert!(section.contains("Accepted:"), "{code}: {section}");
            assert!(!section.contains("\n## "), "{code}: {section}");
        }
    }
}
