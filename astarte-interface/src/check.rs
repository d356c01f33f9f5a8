//! The rules that span mappings, and the lints.

mod lint;
mod object;
mod overlap;

use crate::interface::Interface;
use crate::parse::{self, Context, Document, Kind};

pub(crate) use lint::lints;

/// Checks the mappings against each other, and builds the model where they agree.
pub(crate) fn mappings(cx: &mut Context<'_>, document: Document) -> Option<Interface> {
    overlap::check(cx, &document.mappings);
    if document.header.kind == Kind::Object {
        object::check_prefix(cx, &document.mappings);
        object::check_delivery(cx, &document.mappings);
    }
    (!cx.has_errors()).then(|| parse::model(cx.source(), document))
}
