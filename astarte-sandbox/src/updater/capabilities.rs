//! What the device says it can do.

use bytes::Bytes;

use super::{Context, Rejection};
use crate::bson::{self, Bson};
use crate::error_name::ErrorName;
use crate::slot::PurgeFormat;

impl Context<'_> {
    /// Stores the capabilities; what is absent keeps its value, what is unknown is ignored.
    pub(super) fn capabilities(&mut self, payload: &Bytes) -> Result<(), Rejection> {
        let malformed = ErrorName::MalformedCapabilitiesMessage;
        let document = bson::document(payload)
            .map_err(|error| Rejection::new(malformed, error.to_string()))?;
        if let Some(value) = document.get("purge_properties_compression_format") {
            self.state.purge_format = format(value).ok_or_else(|| {
                let detail = "purge_properties_compression_format is neither zlib nor plaintext";
                Rejection::wedging(malformed, detail)
            })?;
        }
        Ok(())
    }
}

fn format(value: &Bson) -> Option<PurgeFormat> {
    match value {
        Bson::String(text) if *text == "zlib" => Some(PurgeFormat::Zlib),
        Bson::String(text) if *text == "plaintext" => Some(PurgeFormat::Plaintext),
        Bson::Int32(0) | Bson::Int64(0) => Some(PurgeFormat::Zlib),
        Bson::Int32(1) | Bson::Int64(1) => Some(PurgeFormat::Plaintext),
        _ => None,
    }
}
