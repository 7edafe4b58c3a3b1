//! A bucket of S3.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;

use super::{Condition, StoreError, Stored, Written};
use crate::aws::reason;

/// A bucket, by its name.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    /// The bucket of this name.
    #[must_use]
    pub const fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) async fn read(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        let failed = |reason: String| StoreError(format!("the bucket {} cannot be read: {reason}", self.name));
        let object = match self.client.get_object().bucket(&self.name).key(key).send().await {
            Ok(object) => object,
            Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => return Ok(None),
            Err(error) => return Err(failed(reason(&error))),
        };
        let tag = object.e_tag().ok_or_else(|| failed("its objects have no ETag".into()))?.to_owned();
        let bytes = object.body.collect().await.map_err(|_| failed("an object breaks off".into()))?;
        Ok(Some(Stored { bytes: bytes.into_bytes().into(), tag }))
    }

    /// Writes an object, if it may.
    ///
    /// # Errors
    /// [`StoreError`] when S3 cannot be asked, or refuses for another reason than the condition.
    pub async fn write(
        &self,
        key: &str,
        bytes: Vec<u8>,
        media_type: &str,
        condition: Condition<'_>,
    ) -> Result<Written, StoreError> {
        let put = self.client.put_object().bucket(&self.name).key(key).content_type(media_type);
        let put = match condition {
            Condition::Absent => put.if_none_match("*"),
            Condition::Still(tag) => put.if_match(tag),
            Condition::Any => put,
        };
        let failed = |reason: String| StoreError(format!("the bucket {} cannot be written: {reason}", self.name));
        match put.body(ByteStream::from(bytes)).send().await {
            Ok(object) => match object.e_tag() {
                Some(tag) => Ok(Written::Done(tag.to_owned())),
                None => Err(failed("its objects have no ETag".into())),
            },
            // 412, 409 while another write of the same key is under way, and 404 where the object to replace is gone.
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err().code(),
                    Some("PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey")
                ) =>
            {
                Ok(Written::Taken)
            }
            Err(error) => Err(failed(reason(&error))),
        }
    }
}
