//! A folder that is kept by the rules of a bucket.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};
use uuid::Uuid;

use super::{Condition, StoreError, Stored, Written};

/// A folder of this machine. Its objects are files; a lock keeps programs on this machine from writing at a time.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at this path, which is made when something is written.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    pub(super) async fn read(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        let path = self.0.join(key);
        blocking(move || read(&path)).await
    }

    pub(super) async fn write(
        &self,
        key: &str,
        bytes: Vec<u8>,
        condition: Condition<'_>,
    ) -> Result<Written, StoreError> {
        let (root, path) = (self.0.clone(), self.0.join(key));
        let condition = match condition {
            Condition::Absent => Some(None),
            Condition::Still(tag) => Some(Some(tag.to_owned())),
            Condition::Any => None,
        };
        blocking(move || {
            fs::create_dir_all(path.parent().unwrap_or(&root))?;
            let lock = File::create(root.join(".lock"))?;
            lock.lock()?;
            if let Some(expected) = condition
                && read(&path)?.map(|stored| stored.tag) != expected
            {
                return Ok(Written::Taken);
            }
            // Under another name first: a reader, or a crash, never meets half of a file.
            let new = path.with_extension(format!("{}.new", Uuid::new_v4().simple()));
            let mut file = File::create_new(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            Ok(Written::Done(tag_of(&bytes)))
        })
        .await
    }
}

fn read(path: &Path) -> std::io::Result<Option<Stored>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(Stored { tag: tag_of(&bytes), bytes })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn tag_of(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| StoreError(format!("the folder of the reports cannot be used: {error}"))),
        Err(_) => Err(StoreError("the folder of the reports cannot be used".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_written_by_whom_it_may() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(root.path().join("new"));
        let write = |text: &str, condition| {
            let (folder, text) = (folder.clone(), text.as_bytes().to_vec());
            async move { folder.write("reports/a/b.json", text, condition).await.expect("it is written") }
        };
        assert_eq!(folder.read("reports/a/b.json").await.expect("it is read"), None);
        let Written::Done(tag) = write("one", Condition::Absent).await else { panic!("nobody was there") };
        assert_eq!(write("two", Condition::Absent).await, Written::Taken);
        assert_eq!(write("two", Condition::Still("another")).await, Written::Taken);
        let Written::Done(new) = write("two", Condition::Still(&tag)).await else { panic!("it was still there") };
        assert_eq!(write("three", Condition::Still(&tag)).await, Written::Taken);
        let stored = folder.read("reports/a/b.json").await.expect("it is read").expect("it is there");
        assert_eq!((stored.bytes.as_slice(), stored.tag), (b"two".as_slice(), new));
        write("four", Condition::Any).await;
        assert_eq!(folder.read("reports/a/b.json").await.expect("read").expect("there").bytes, b"four");
        assert_eq!(fs::read_dir(root.path().join("new/reports/a")).expect("a folder").count(), 1);
    }

    #[tokio::test]
    async fn of_many_at_once_one_is_first() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(root.path().to_owned());
        let writes = (0..20).map(|number| {
            let folder = folder.clone();
            tokio::spawn(async move { folder.write("key", vec![number], Condition::Absent).await })
        });
        let mut first = 0;
        for write in writes.collect::<Vec<_>>() {
            let written = write.await.expect("it ends").expect("it is written");
            first += usize::from(matches!(written, Written::Done(_)));
        }
        assert_eq!(first, 1);
    }
}
