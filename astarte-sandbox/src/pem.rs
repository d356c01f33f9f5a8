//! PEM blocks, as the pairing API reads them.

/// Returns the bytes of `text` when it is exactly one block with this label.
pub(crate) fn single(text: &str, label: &str) -> Option<Vec<u8>> {
    let mut blocks = x509_parser::pem::Pem::iter_from_buffer(text.as_bytes());
    let block = blocks.next()?.ok()?;
    (block.label == label && blocks.next().is_none()).then_some(block.contents)
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
}
