//! Commits, compressed. A commit is small and much like the ones before it: what it shares with them, and with every execution, costs
//! next to nothing.

use std::io::Read;

use crate::store::StoreError;

/// What every commit shares, the most frequent last. A commit names the dictionary by its format; this one is never changed.
const DICTIONARY_1: &[u8] = include_bytes!("dictionary-1.txt");
/// How much of another commit helps.
const LIKE_MAX: usize = 32 * 1024;
/// No commit is larger when it is unpacked.
const UNPACKED_MAX: u64 = 1 << 30;
const LEVEL: i32 = 5;

/// The format that this release writes. It reads this one and all before.
pub(super) const FORMAT: i64 = 1;

/// What a commit is compared with: the shipped dictionary and some earlier commits.
fn dictionary(like: &[&[u8]]) -> Vec<u8> {
    let mut dictionary = DICTIONARY_1.to_vec();
    for like in like {
        dictionary.extend_from_slice(like.get(..LIKE_MAX).unwrap_or(like));
    }
    dictionary
}

/// `bytes`, compressed, knowing the shipped dictionary and `like`.
pub(super) fn pack(bytes: &[u8], like: &[&[u8]]) -> Result<Vec<u8>, StoreError> {
    let failed = |error: std::io::Error| StoreError(format!("a commit cannot be packed: {error}"));
    let mut compressor = zstd::bulk::Compressor::with_dictionary(LEVEL, &dictionary(like)).map_err(failed)?;
    // An item is stored with checksums anyway, and the reader knows the dictionary.
    compressor.include_checksum(false).map_err(failed)?;
    compressor.include_dictid(false).map_err(failed)?;
    compressor.compress(bytes).map_err(failed)
}

/// What [`pack`] was given.
pub(super) fn unpack(packed: &[u8], like: &[&[u8]]) -> Result<Vec<u8>, StoreError> {
    let failed = |error: std::io::Error| StoreError(format!("a commit cannot be unpacked: {error}"));
    let decoder = zstd::stream::read::Decoder::with_dictionary(packed, &dictionary(like)).map_err(failed)?;
    let mut bytes = Vec::new();
    decoder.take(UNPACKED_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
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
