//! What is needed of AWS.

use notifications::Object;

/// Why a call failed, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PortError(pub String);

/// Where objects are.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait Buckets {
    /// A version of an object.
    type Found;
    /// What a version is downloaded through.
    type Stream;

    /// The object as it is now; none if it is gone.
    async fn find(&self, object: &Object) -> Result<Option<Self::Found>, PortError>;

    /// Begins a download. Nothing is asked yet.
    fn open(&self, found: &Self::Found) -> Self::Stream;

    /// The next piece of a download; none at the end.
    async fn next(&self, stream: &mut Self::Stream) -> Result<Option<Vec<u8>>, PortError>;

    /// Deletes the version, unless another one has taken its place.
    async fn delete(&self, found: &Self::Found) -> Result<(), PortError>;
}

/// Counters that outlive an invocation.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait Sequences {
    /// Takes the next `units` numbers of a domain's sequence and returns the first of them, which
    /// is not cut to the length that a protocol has for it. The same token takes them once,
    /// however often an answer is lost on the way.
    async fn reserve(&self, domain: &str, units: u64, token: &str) -> Result<u64, PortError>;
}
