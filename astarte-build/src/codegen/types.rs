//! The Rust side of Astarte's types.

use astarte_interface::{MappingType, Reliability, Retention};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;

use super::own_span;

/// The name of a type in the runtime's `wire` module, and in its enum `Type`.
pub(crate) fn wire(value_type: MappingType, span: Span) -> Ident {
    let name = match value_type {
        MappingType::BinaryBlob => "BinaryBlob",
        MappingType::BinaryBlobArray => "BinaryBlobArray",
        MappingType::Boolean => "Boolean",
        MappingType::BooleanArray => "BooleanArray",
        MappingType::DateTime => "DateTime",
        MappingType::DateTimeArray => "DateTimeArray",
        MappingType::Double => "Double",
        MappingType::DoubleArray => "DoubleArray",
        MappingType::Integer => "Integer",
        MappingType::IntegerArray => "IntegerArray",
        MappingType::LongInteger => "LongInteger",
        MappingType::LongIntegerArray => "LongIntegerArray",
        MappingType::String => "String",
        MappingType::StringArray => "StringArray",
    };
    Ident::new(name, span)
}

/// The type that is received, and stored in the fields of objects.
pub(crate) fn owned(value_type: MappingType, runtime: &TokenStream, span: Span) -> TokenStream {
    if let Some(item) = value_type.item() {
        let item = owned(item, runtime, span);
        return quote_spanned!(span=> ::std::vec::Vec<#item>);
    }
    match value_type {
        MappingType::BinaryBlob => quote_spanned!(span=> ::std::vec::Vec<u8>),
        MappingType::Boolean => quote_spanned!(span=> bool),
        MappingType::DateTime => quote_spanned!(span=> #runtime::Timestamp),
        MappingType::Double => quote_spanned!(span=> f64),
        MappingType::Integer => quote_spanned!(span=> i32),
        MappingType::LongInteger => quote_spanned!(span=> i64),
        _ => quote_spanned!(span=> ::std::string::String),
    }
}

/// The type that is sent, which borrows for `'v`.
pub(crate) fn borrowed(value_type: MappingType, runtime: &TokenStream, span: Span) -> TokenStream {
    match value_type {
        MappingType::BinaryBlob => quote_spanned!(span=> &'v [u8]),
        MappingType::BinaryBlobArray => quote_spanned!(span=> &'v dyn #runtime::BlobArray),
        MappingType::String => quote_spanned!(span=> &'v str),
        MappingType::StringArray => quote_spanned!(span=> &'v dyn #runtime::StringArray),
        _ => match value_type.item() {
            Some(item) => {
                let item = owned(item, runtime, span);
                quote_spanned!(span=> &'v [#item])
            }
            None => owned(value_type, runtime, span),
        },
    }
}

/// A type of the user's, as it is sent: by reference where the type that it replaces is.
pub(crate) fn custom(value_type: MappingType, ty: &TokenStream) -> TokenStream {
    let span = own_span(ty.span());
    let by_value = matches!(
        value_type,
        MappingType::Boolean
            | MappingType::DateTime
            | MappingType::Double
            | MappingType::Integer
            | MappingType::LongInteger
    );
    match by_value {
        true => ty.clone(),
        false => quote_spanned!(span=> &'v #ty),
    }
}

pub(crate) fn reliability(reliability: Reliability, span: Span) -> Ident {
    let name = match reliability {
        Reliability::Guaranteed => "Guaranteed",
        Reliability::Unique => "Unique",
        Reliability::Unreliable => "Unreliable",
    };
    Ident::new(name, span)
}

pub(crate) fn retention(retention: Retention, span: Span) -> Ident {
    let name = match retention {
        Retention::Discard => "Discard",
        Retention::Stored => "Stored",
        Retention::Volatile => "Volatile",
    };
    Ident::new(name, span)
}
