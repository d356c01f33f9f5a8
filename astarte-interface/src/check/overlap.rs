//! Every path has at most one endpoint.

use std::collections::HashMap;

use crate::diagnostic::Code;
use crate::endpoint::{Endpoint, Level};
use crate::parse::{Context, Draft};
use crate::tree::Tree;

/// Reports, for each endpoint, the first earlier one that is the same or shares a path with it.
pub(super) fn check(cx: &mut Context<'_>, mappings: &[Draft]) {
    let mut tree = Tree::default();
    let mut same: HashMap<String, usize> = HashMap::with_capacity(mappings.len());
    for (index, mapping) in mappings.iter().enumerate() {
        let endpoint = &mapping.endpoint.value;
        // The server compares this form before anything else.
        let folded = endpoint.blanked().to_ascii_lowercase();
        if let Some(earlier) = same.get(&folded) {
            report_duplicate(cx, &mappings[*earlier], mapping);
            continue;
        }
        same.insert(folded, index);
        match tree.overlap(endpoint.levels()) {
            Some(earlier) => report_overlap(cx, &mappings[earlier], mapping),
            None => tree.insert(endpoint.levels(), index),
        }
    }
}

fn report_duplicate(cx: &mut Context<'_>, earlier: &Draft, later: &Draft) {
    let (a, b) = (&earlier.endpoint, &later.endpoint);
    let message = if a.value == b.value {
        format!("the endpoint `{}` stands twice", b.value)
    } else {
        format!(
            "the endpoints `{}` and `{}` are the same to the server",
            a.value, b.value
        )
    };
    let found = cx
        .error(Code::MappingDuplicate, b.span, "", message)
        .label(cx.source(), a.span, "first here")
        .help("endpoints must differ in more than case and the names of parameters");
    cx.push(found);
}

fn report_overlap(cx: &mut Context<'_>, earlier: &Draft, later: &Draft) {
    let (a, b) = (&earlier.endpoint, &later.endpoint);
    let (short, long) = if a.value.levels().len() <= b.value.levels().len() {
        (&a.value, &b.value)
    } else {
        (&b.value, &a.value)
    };
    let path = shared(short, long);
    let help = if short.levels().len() == long.levels().len() {
        format!("the path `{path}` belongs to both: make a literal level differ")
    } else {
        format!(
            "`{path}` is a path of `{short}` and the beginning of paths of `{long}`: make a \
             literal level differ"
        )
    };
    let message = format!("the endpoints `{}` and `{}` overlap", a.value, b.value);
    let found = cx
        .error(Code::MappingOverlap, b.span, "", message)
        .label(cx.source(), a.span, "overlaps with this one")
        .help(help);
    cx.push(found);
}

/// A path of the shorter endpoint that the longer one also has, or begins with.
fn shared(short: &Endpoint, long: &Endpoint) -> String {
    let levels = short.levels().iter().zip(long.levels());
    levels.fold(String::new(), |path, pair| match pair {
        (Level::Literal(word), _) | (_, Level::Literal(word)) => format!("{path}/{word}"),
        (Level::Parameter(name), Level::Parameter(_)) => format!("{path}/{name}"),
    })
}
