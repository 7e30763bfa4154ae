//! Objects of S3, whole.

use crate::query::percent;
use crate::request::Request;
use crate::service::S3;

/// The request for an object; for its newest version where none is given.
///
/// Source: API reference of S3, "GetObject".
#[must_use]
pub fn get_object(bucket: &str, key: &str, version: Option<&str>) -> Request {
    let mut path = path(bucket, key);
    if let Some(version) = version {
        path.push_str("?versionId=");
        percent(version, &mut path);
    }
    Request { service: &S3, endpoint: None, method: "GET", path, headers: Vec::new(), body: Vec::new() }
}

/// The request that stores an object.
///
/// Source: API reference of S3, "PutObject".
#[must_use]
pub fn put_object(bucket: &str, key: &str, body: Vec<u8>) -> Request {
    Request { service: &S3, endpoint: None, method: "PUT", path: path(bucket, key), headers: Vec::new(), body }
}

/// The request that deletes an object; in a bucket with versions its older ones stay.
///
/// Source: API reference of S3, "DeleteObject".
#[must_use]
pub fn delete_object(bucket: &str, key: &str) -> Request {
    Request { service: &S3, endpoint: None, method: "DELETE", path: path(bucket, key), headers: Vec::new(), body: Vec::new() }
}

/// The bucket stands in the path: so every name of a bucket, and every emulator, can be asked.
fn path(bucket: &str, key: &str) -> String {
    let mut path = "/".to_owned();
    percent(bucket, &mut path);
    for part in key.split('/') {
        path.push('/');
        percent(part, &mut path);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_paths() {
        assert_eq!(get_object("b", "a b/c+d/é.json", None).path, "/b/a%20b/c%2Bd/%C3%A9.json");
        assert_eq!(get_object("b", "k", Some("v/1")).path, "/b/k?versionId=v%2F1");
        assert_eq!(put_object("b", "/k//x", Vec::new()).path, "/b//k//x");
    }
}
