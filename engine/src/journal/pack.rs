//! Commits, compressed. A commit is small and much like the ones before it: what it shares with them, and with every execution, costs
//! next to nothing.

use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::get_frame_content_size;

use crate::store::StoreError;

/// What every commit shares, the most frequent last. A commit names the dictionary by its format; this one is never changed.
const DICTIONARY_1: &[u8] = include_bytes!("dictionary-1.txt");
/// How much of another commit helps.
const LIKE_MAX: usize = 32 * 1024;
/// No commit is larger when it is unpacked.
const UNPACKED_MAX: u64 = 1 << 30;
const LEVEL: i32 = 5;

/// The format that this release writes.
pub(super) const FORMAT: i64 = 1;

/// What a commit is compared with: the shipped dictionary and some earlier commits.
fn dictionary(like: &[&[u8]]) -> Vec<u8> {
    let mut dictionary = DICTIONARY_1.to_vec();
    for like in like {
        dictionary.extend_from_slice(like.get(..LIKE_MAX).unwrap_or(like));
    }
    dictionary
}

thread_local! {
    /// Contexts are large, and making one costs more than a commit does.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn new_compressor() -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(LEVEL)?;
    // An item is stored with checksums anyway, and the reader knows the dictionary.
    compressor.include_checksum(false)?;
    compressor.include_dictid(false)?;
    Ok(compressor)
}

/// What `work` gives with this thread's context, which is made by `new` when it is first wanted. One that has failed is not used again.
fn with<C, R>(
    context: &RefCell<Option<C>>,
    new: impl FnOnce() -> io::Result<C>,
    work: impl FnOnce(&mut C) -> io::Result<R>,
) -> io::Result<R> {
    let taken = context.take();
    let mut taken = taken.map_or_else(new, Ok)?;
    let result = work(&mut taken)?;
    context.replace(Some(taken));
    Ok(result)
}

/// `bytes`, compressed, knowing the shipped dictionary and `like`.
pub(super) fn pack(bytes: &[u8], like: &[&[u8]]) -> Result<Vec<u8>, StoreError> {
    let packed = COMPRESSOR.with(|context| {
        with(context, new_compressor, |compressor| {
            compressor.set_dictionary(LEVEL, &dictionary(like))?;
            compressor.compress(bytes)
        })
    });
    packed.map_err(|error| StoreError::Unavailable(format!("a commit cannot be packed: {error}")))
}

/// What [`pack`] was given.
pub(super) fn unpack(packed: &[u8], like: &[&[u8]]) -> Result<Vec<u8>, StoreError> {
    let failed = |reason: &dyn std::fmt::Display| StoreError::Unreadable(format!("a commit cannot be unpacked: {reason}"));
    let size = get_frame_content_size(packed).map_err(|error| failed(&error))?.filter(|size| *size <= UNPACKED_MAX);
    let size = size.and_then(|size| usize::try_from(size).ok()).ok_or_else(|| failed(&"its size is not known"))?;
    let unpacked = DECOMPRESSOR.with(|context| {
        with(context, Decompressor::new, |decompressor| {
            decompressor.set_dictionary(&dictionary(like))?;
            decompressor.decompress(packed, size)
        })
    });
    unpacked.map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_likeness_helps() {
        let bytes = br#"{"format":1,"status":{"name":"RUNNING"},"orderId":"A-1093","customer":{"city":"Turku"}}"#;
        let alone = pack(bytes, &[]).unwrap();
        let like = pack(bytes, &[br#"{"orderId":"A-1092","customer":{"city":"Turku"}}"#]).unwrap();
        assert!(like.len() < alone.len() && alone.len() < bytes.len(), "{} {} {}", like.len(), alone.len(), bytes.len());
        assert_eq!(unpack(&alone, &[]).unwrap(), bytes);
        assert_eq!(unpack(&like, &[br#"{"orderId":"A-1092","customer":{"city":"Turku"}}"#]).unwrap(), bytes);
        assert!(unpack(b"no such thing", &[]).is_err());
    }
}
