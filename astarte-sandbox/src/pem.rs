//! PEM blocks, as the pairing API reads them.

use crate::json;

/// Returns the bytes of `text` when it is exactly one block with this label.
pub(crate) fn single(text: &str, label: &str) -> Option<Vec<u8>> {
    let mut blocks = x509_parser::pem::Pem::iter_from_buffer(text.as_bytes());
    let block = blocks.next()?.ok()?;
    (block.label == label && blocks.next().is_none()).then_some(block.contents)
}

/// Writes one block.
pub(crate) fn encode(label: &str, bytes: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let encoded = json::base64(bytes);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, others) = rest.split_at(rest.len().min(64));
        text += line;
        text.push('\n');
        rest = others;
    }
    text + &format!("-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "-----BEGIN THING-----\nAQID\n-----END THING-----\n";

    #[test]
    fn only_one_block_of_the_label_will_do() {
        assert_eq!(single(BLOCK, "THING"), Some(vec![1, 2, 3]));
        assert_eq!(single(BLOCK, "OTHER"), None);
        assert_eq!(single(&format!("{BLOCK}{BLOCK}"), "THING"), None);
        assert_eq!(single("x", "THING"), None);
    }

    #[test]
    fn what_is_written_can_be_read() {
        assert_eq!(encode("THING", &[1, 2, 3]), BLOCK);
        let long = vec![7; 100];
        assert_eq!(single(&encode("THING", &long), "THING"), Some(long));
    }
}
