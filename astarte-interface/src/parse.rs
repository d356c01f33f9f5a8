//! From JSON to the model, stage by stage.

mod context;
mod fields;
mod header;
mod mapping;
mod model;
mod places;
mod values;
mod words;

use crate::check;
use crate::diagnostic::Diagnostics;
use crate::interface::{Checked, Interface};
use crate::json;
use crate::source::Source;

pub(crate) use context::Context;
pub(crate) use header::{Header, Kind};
pub(crate) use mapping::Draft;
pub(crate) use values::Spanned;

/// A document whose keys and values are right, each by itself.
pub(crate) struct Document {
    pub(crate) header: Header,
    pub(crate) mappings: Vec<Draft>,
}

pub(crate) fn parse(source: &Source) -> Result<Checked, Diagnostics> {
    let root = json::read(source)?;
    let mut cx = Context::new(source);
    let document = header::read(&mut cx, root);
    let Some(document) = document.filter(|_| !cx.has_errors()) else {
        return Err(cx.finish());
    };
    let Some(interface) = check::mappings(&mut cx, document) else {
        return Err(cx.finish());
    };
    check::lints(&mut cx, &interface);
    Ok(Checked {
        interface,
        warnings: cx.finish(),
    })
}

/// Builds the model of a document that obeys the rules across mappings.
pub(crate) fn model(source: &Source, document: Document) -> Interface {
    model::build(source, document)
}
