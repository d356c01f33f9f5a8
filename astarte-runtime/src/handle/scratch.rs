//! A buffer to encode in, one a thread.
//!
//! The length of a payload is known once it is written. Written into a buffer that is kept, it costs one allocation of
//! the right size; a buffer of its own is allocated, grown, and then converted by another allocation.

use std::cell::Cell;

use bytes::Bytes;

/// The largest buffer that is kept, in bytes.
const KEPT: usize = 64 * 1024;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What `write` writes, as bytes of exactly that length.
pub(super) fn fill<E>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Bytes, E> {
    // Taken and not borrowed: `write` runs code of the application, which may send as well. A thread that is about to
    // end has no buffer any more.
    let mut buffer = SCRATCH.try_with(Cell::take).unwrap_or_default();
    buffer.clear();
    let written = write(&mut buffer).map(|()| Bytes::copy_from_slice(&buffer));
    if buffer.capacity() <= KEPT {
        let _ = SCRATCH.try_with(|scratch| scratch.set(buffer));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_may_nest_and_fail() {
        let outer = fill(|out| {
            out.push(1);
            let inner = fill(|out| {
                out.push(2);
                Ok::<_, ()>(())
            })?;
            out.extend_from_slice(&inner);
            Ok::<_, ()>(())
        });
        assert_eq!(outer.as_deref(), Ok(&[1, 2][..]));
        assert_eq!(fill(|_| Err(7)), Err(7));
    }
}
