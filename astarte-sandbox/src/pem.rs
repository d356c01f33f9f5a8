//! PEM blocks, as the pairing API reads them.

use crate::json;

/// Returns the bytes of `text` when it is exactly one block with this label.
pub(crate) fn single(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, block) = text.split_once("-----BEGIN ")?;
    let block = block.strip_prefix(label)?.strip_prefix("-----")?;
    let (content, rest) = block.split_once("-----END ")?;
    let rest = rest.strip_prefix(label)?.strip_prefix("-----")?;
    let content: String = content.split_ascii_whitespace().collect();
    let bytes = json::from_base64(&content).filter(|bytes| !bytes.is_empty())?;
    (!rest.contains("-----BEGIN ")).then_some(bytes)
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
        assert_eq!(
            single(&format!("of mine\n{BLOCK}"), "THING"),
            Some(vec![1, 2, 3])
        );
    }

    #[test]
    fn what_is_no_block() {
        for text in [
            "",
            "x",
            "-----BEGIN THING-----",
            "-----BEGIN THING-----\nAQID\n",
            "-----BEGIN THING-----\nAQID\n-----END OTHER-----\n",
            "-----BEGIN THING-----\nAQI\n-----END THING-----\n",
            "-----BEGIN THING-----\n-----END THING-----\n",
            "-----BEGIN THING\nAQID\n-----END THING-----\n",
        ] {
            assert_eq!(single(text, "THING"), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        assert_eq!(encode("THING", &[1, 2, 3]), BLOCK);
        let long = vec![7; 100];
        assert_eq!(single(&encode("THING", &long), "THING"), Some(long));
    }
}
