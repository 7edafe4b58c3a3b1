//! What has been sent, kept with the reports themselves.
//!
//! A store holds objects by their keys and lets nobody overwrite what somebody else has written meanwhile. On AWS it is an
//! S3 bucket, by its conditional writes; by hand it may be a folder, by the same rules.

mod bucket;
mod delivery;
mod folder;

pub use bucket::Bucket;
pub use delivery::{Delivered, DeliveryGuarantee, DeliveryLedger, Failed, SendError};
pub use folder::Folder;

/// What stands at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The object.
    pub bytes: Vec<u8>,
    /// What tells it from any other that stands there later.
    pub tag: String,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is there, and has this tag.
    Done(String),
    /// Somebody else was faster: nothing was written.
    Taken,
}

/// Why a store does not answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub(crate) String);

/// When an object may be written.
#[derive(Debug, Clone, Copy)]
pub enum Condition<'a> {
    /// Only if there is none.
    Absent,
    /// Only over the one with this tag.
    Still(&'a str),
    /// Whatever stands there: for what is the same, whoever writes it.
    Any,
}

/// Where reports and what has been sent of them are kept.
#[derive(Debug)]
pub enum Store {
    /// S3.
    Bucket(Bucket),
    /// A folder of this machine.
    Folder(Folder),
}

impl Store {
    /// The object at a key, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be asked.
    pub async fn read(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        match self {
            // Boxed, as all of the SDK's futures: they are large, and would be part of everything above.
            Self::Bucket(bucket) => Box::pin(bucket.read(key)).await,
            Self::Folder(folder) => folder.read(key).await,
        }
    }

    /// Writes an object of this media type.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be asked. The object may have been written all the same.
    pub async fn write(
        &self,
        key: &str,
        bytes: Vec<u8>,
        media_type: &str,
        condition: Condition<'_>,
    ) -> Result<Written, StoreError> {
        match self {
            Self::Bucket(bucket) => Box::pin(bucket.write(key, bytes, media_type, condition)).await,
            Self::Folder(folder) => folder.write(key, bytes, condition).await,
        }
    }
}
