//! All forms of a report, as files.

use super::DeliveryContext;
use crate::rendered_report::RenderedReport;
use crate::state::{Bucket, Condition, SendError, Store, StoreError};

/// Writes them whoever else may do so: they are the same for everybody, since the report was made once.
pub(super) async fn send(
    context: &DeliveryContext<'_>,
    bucket: Option<&str>,
    folder: &str,
    report: &RenderedReport,
) -> Result<(), SendError> {
    let other = match (bucket, context.store) {
        (Some(name), Store::Bucket(own)) if own.name() == name => None,
        (Some(name), _) => Some(Store::Bucket(Bucket::new(context.aws.s3().await, name.to_owned()))),
        (None, _) => None,
    };
    let store = other.as_ref().unwrap_or(context.store);
    let refused = |StoreError(reason)| SendError::Refused(reason);
    for file in report.files() {
        let (key, bytes) = (format!("{folder}/{}", file.name), file.text.as_bytes().to_vec());
        store.write(&key, bytes, &file.media_type, Condition::Any).await.map_err(refused)?;
    }
    Ok(())
}
