//! `docs/diagnostics.md` has a section per code, and its examples do what it says.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use astarte_interface::{Code, Compatibility, Diagnostics, Interface, Lock, Source, Stage};
use serde_json::{Map, Value};

fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics.md");
    fs::read_to_string(path).unwrap()
}

/// A section: the code, the paragraphs before the first example, and the examples.
struct Section {
    code: String,
    paragraph: String,
    blocks: Vec<Block>,
}

/// A fenced block, and the line before it: `Refused:`, `Accepted:` and so on.
struct Block {
    title: String,
    language: String,
    text: String,
}

fn sections() -> Vec<Section> {
    let text = text();
    let sections = text.split("\n## ").skip(1).filter_map(|section| {
        let (heading, body) = section.split_once('\n')?;
        let code = heading.strip_prefix('`')?.strip_suffix('`')?;
        let paragraph = body.split("```").next()?.rsplit_once("\n\n")?.0;
        let paragraph = paragraph
            .rsplit_once("\n\n")
            .map_or("", |(paragraph, _)| paragraph);
        Some(Section {
            code: code.to_owned(),
            paragraph: paragraph.trim().to_owned(),
            blocks: blocks(body),
        })
    });
    sections.collect()
}

fn blocks(body: &str) -> Vec<Block> {
    let mut parts = body.split("\n```");
    let mut before = parts.next().unwrap_or_default();
    let mut blocks = Vec::new();
    while let (Some(block), Some(after)) = (parts.next(), parts.next()) {
        let (language, text) = block.split_once('\n').unwrap();
        blocks.push(Block {
            title: before.trim().lines().last().unwrap_or_default().to_owned(),
            language: language.to_owned(),
            text: text.to_owned(),
        });
        before = after;
    }
    blocks
}

/// The first example of the page, which the others change.
fn template() -> Map<String, Value> {
    let text = text();
    let block = text
        .split("```json\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    serde_json::from_str(block).unwrap()
}

/// A document, or the keys of one that replace those of the template.
fn document(block: &Block) -> Source {
    if block.text.starts_with('{') {
        return Source::new("example.json", block.text.clone());
    }
    let changes: Map<String, Value> = serde_json::from_str(&format!("{{{}}}", block.text))
        .unwrap_or_else(|error| panic!("{error}: {}", block.text));
    let mut document = template();
    document.extend(changes);
    Source::new(
        "example.json",
        serde_json::to_string_pretty(&document).unwrap(),
    )
}

fn parse(block: &Block) -> Result<(Interface, Diagnostics), Diagnostics> {
    let checked = Interface::parse(&document(block))?;
    Ok((checked.interface, checked.warnings))
}

/// What an example of a section brings about.
fn found(section: &Section, block: &Block, stage: Stage) -> Diagnostics {
    let first = &section.blocks[0];
    match stage {
        Stage::Compat => {
            let (old, new) = (parse(first).unwrap().0, parse(block).unwrap().0);
            Compatibility::check(&old, &new).into_diagnostics()
        }
        Stage::Lock => {
            let lock = if block.language == "text" {
                block
            } else {
                first
            };
            match Lock::parse(&Source::new("example.lock", lock.text.clone())) {
                Ok(lock) if block.language == "json" => lock.check([&parse(block).unwrap().0]),
                Ok(_) => Diagnostics::new(),
                Err(found) => found,
            }
        }
        _ => match parse(block) {
            Ok((_, warnings)) => warnings,
            Err(found) => found,
        },
    }
}

/// `astarte-build explain` prints sections of a copy, because a published crate has only the files of its own folder.
#[test]
fn the_command_prints_this_page() {
    let copy = "../astarte-build/src/cli/diagnostics.md";
    let copy = Path::new(env!("CARGO_MANIFEST_DIR")).join(copy);
    if env::var_os("ASTARTE_BLESS").is_some() {
        fs::write(&copy, text()).unwrap();
    }
    let copied = fs::read_to_string(copy).unwrap();
    assert!(copied == text(), "bless the copy with ASTARTE_BLESS=1");
}

#[test]
fn sections_are_those_of_the_codes_in_their_order() {
    let sections: Vec<_> = sections().into_iter().map(|section| section.code).collect();
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let (found, expected): (BTreeSet<_>, BTreeSet<_>) = (
        sections.iter().map(String::as_str).collect(),
        codes.iter().copied().collect(),
    );
    assert_eq!(found, expected);
    assert_eq!(sections, codes);
}

#[test]
fn sections_have_a_paragraph_and_two_examples() {
    for Section {
        code,
        paragraph,
        blocks,
    } in sections()
    {
        assert!(paragraph.len() > 40, "{code}: {paragraph}");
        assert!(blocks.len() >= 2, "{code}");
        assert!(
            blocks.iter().any(|block| block.title == "Accepted:"),
            "{code}"
        );
    }
}

#[test]
fn examples_do_what_they_say() {
    for section in sections() {
        let code: Code = section.code.parse().unwrap();
        let stage = code.stage();
        let known = [
            Stage::Json,
            Stage::Schema,
            Stage::Rules,
            Stage::Lint,
            Stage::Compat,
            Stage::Lock,
        ];
        if !known.contains(&stage) {
            continue;
        }
        for block in &section.blocks {
            if block.language != "json" && stage != Stage::Lock {
                // Too large to be shown.
                assert!(matches!(
                    code,
                    Code::JsonTooLarge | Code::InterfaceTooManyMappings
                ));
                continue;
            }
            if code == Code::LockDuplicate {
                // A listing of files; what is in them does not matter.
                assert_eq!(block.language, "text");
                continue;
            }
            let found = found(&section, block, stage);
            let has_code = found.iter().any(|found| found.code() == code);
            let expected = match block.title.as_str() {
                "Refused:" => (true, true),
                "Warned of:" => (true, false),
                "Locked:" if code == Code::LockSyntax => (true, true),
                "Locked:" | "Accepted:" => (false, false),
                "Installed:" => continue,
                other => panic!("{code}: {other}"),
            };
            assert_eq!(
                (has_code, found.has_errors()),
                expected,
                "{code} {}: {found}",
                block.title
            );
        }
    }
}
