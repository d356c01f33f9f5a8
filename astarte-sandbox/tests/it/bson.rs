//! Payloads, byte by byte.

/// An element: its type, its key and its value in bytes.
pub(crate) struct Element(u8, &'static str, Vec<u8>);

pub(crate) fn double(key: &'static str, value: f64) -> Element {
    Element(0x01, key, value.to_le_bytes().to_vec())
}

pub(crate) fn string(key: &'static str, value: &str) -> Element {
    let mut bytes = length(value.len() + 1);
    bytes.extend(value.as_bytes());
    bytes.push(0);
    Element(0x02, key, bytes)
}

pub(crate) fn nested(key: &'static str, elements: Vec<Element>) -> Element {
    Element(0x03, key, document(elements))
}

pub(crate) fn array(key: &'static str, elements: Vec<Element>) -> Element {
    Element(0x04, key, document(elements))
}

pub(crate) fn binary(key: &'static str, value: &[u8]) -> Element {
    let mut bytes = length(value.len());
    bytes.push(0);
    bytes.extend(value);
    Element(0x05, key, bytes)
}

pub(crate) fn datetime(key: &'static str, value: i64) -> Element {
    Element(0x09, key, value.to_le_bytes().to_vec())
}

pub(crate) fn null(key: &'static str) -> Element {
    Element(0x0a, key, Vec::new())
}

pub(crate) fn int32(key: &'static str, value: i32) -> Element {
    Element(0x10, key, value.to_le_bytes().to_vec())
}

pub(crate) fn int64(key: &'static str, value: i64) -> Element {
    Element(0x12, key, value.to_le_bytes().to_vec())
}

pub(crate) fn document(elements: Vec<Element>) -> Vec<u8> {
    let mut body = Vec::new();
    for Element(kind, key, value) in elements {
        body.push(kind);
        body.extend(key.as_bytes());
        body.push(0);
        body.extend(value);
    }
    let mut document = length(body.len() + 5);
    document.extend(body);
    document.push(0);
    document
}

/// `{v: element}`; the key of the element is replaced.
pub(crate) fn v(Element(kind, _, value): Element) -> Vec<u8> {
    document(vec![Element(kind, "v", value)])
}

/// `{v: {elements}}`.
pub(crate) fn object(elements: Vec<Element>) -> Vec<u8> {
    document(vec![nested("v", elements)])
}

fn length(length: usize) -> Vec<u8> {
    i32::try_from(length).unwrap().to_le_bytes().to_vec()
}
