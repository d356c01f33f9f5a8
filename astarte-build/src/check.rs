//! What the schema allows and the generator refuses.

use astarte_interface::{Code, Diagnostic, Diagnostics, Interface};

/// Reports mappings that are `encrypted`.
pub(crate) fn encrypted(interface: &Interface) -> Diagnostics {
    let encrypted = interface.mappings().filter(|mapping| mapping.encrypted());
    encrypted
        .map(|mapping| {
            let span = mapping.encrypted_span().unwrap_or(mapping.endpoint_span());
            Diagnostic::error(
                Code::NamesEncrypted,
                format!("no code is generated for `{}`, which is encrypted", mapping.endpoint()),
            )
            .help(
                "the server's key agreement for encrypted mappings is experimental and may change; leave the interface \
                 out, or remove the key",
            )
            .label(interface.source(), span, "")
        })
        .collect()
}
