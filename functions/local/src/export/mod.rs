//! Lists as files: all rows that match, written from the pages of the API while they are sent.
//!
//! An export asks for one page after the other as its caller would, with the caller's own key. So it has the rows, the content
//! and the records in the audit log that the pages have, and no more of it than a page is in memory.

mod columns;
mod decimal;
mod lines;
mod pages;
mod parquet_file;
mod rows;
mod table;

use std::collections::HashMap;
use std::sync::Arc;

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::stream::try_unfold;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use traceability_http::ApiError;
use traceability_http::formats::{self, ExportFormat, LISTS};
use traceability_http::page::NEXT_CURSOR;

use self::columns::{Column, List};
use self::lines::Lines;
use self::pages::{MissingPage, Pages};
use self::parquet_file::ParquetFile;
use self::rows::{UnfitPage, Writer};
use self::table::Table;

/// The lists that can be exported.
#[derive(Debug, Clone)]
pub(crate) struct Lists(Arc<HashMap<&'static str, List>>);

impl Lists {
    /// As the API document describes them.
    ///
    /// # Errors
    /// Never in practice: the document is plain data.
    pub(crate) fn new() -> serde_json::Result<Self> {
        let document = serde_json::from_str(&crate::api::document()?)?;
        let lists = LISTS.into_iter().filter_map(|route| Some((route, List::of(&document, route)?)));
        Ok(Self(Arc::new(lists.collect())))
    }
}

/// Answers a request for an export, and leaves every other one as it is.
pub(crate) async fn export(State(lists): State<Lists>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let list = route.filter(|_| request.method() == Method::GET).and_then(|route| lists.0.get(route));
    // What is wrong with a format is told where what is wrong with anything else is.
    let format = formats::asked(request.uri(), request.headers()).unwrap_or(ExportFormat::Json);
    let (Some(list), ExportFormat::Jsonl | ExportFormat::Csv | ExportFormat::Parquet) = (list, format) else {
        return next.run(request).await;
    };
    let writer = match writer(format, list.columns.clone()) {
        Ok(writer) => writer,
        Err(error) => return ApiError::Internal(error.to_string()).into_response(),
    };
    let name = file_name(request.uri().path(), format);
    let pages = Pages::new(&request, list.page, next);
    let first = pages.first().await;
    if first.status() != StatusCode::OK {
        return first;
    }
    let headers = headers(first.headers(), format, &name);
    let rest = Rest { pages, writer, place: Place::First(first) };
    (headers, Body::from_stream(try_unfold(rest, Rest::step))).into_response()
}

fn writer(format: ExportFormat, columns: Vec<Column>) -> Result<Box<dyn Writer>, UnfitPage> {
    Ok(match format {
        ExportFormat::Json | ExportFormat::Jsonl => Box::new(Lines),
        ExportFormat::Csv => Box::new(Table::new(columns)),
        ExportFormat::Parquet => Box::new(ParquetFile::new(columns)?),
    })
}

/// The last part of the path, such as `requests.csv`.
fn file_name(path: &str, format: ExportFormat) -> String {
    let name = path.rsplit('/').find(|part| !part.is_empty()).unwrap_or("export");
    format!("{name}.{}", format.extension())
}

/// The headers of the first page, but for those that are about a page.
fn headers(page: &HeaderMap, format: ExportFormat, name: &str) -> HeaderMap {
    let mut headers = page.clone();
    for of_a_page in [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::ETAG, header::LINK, NEXT_CURSOR] {
        headers.remove(of_a_page);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers
}

/// What is left of an export.
struct Rest {
    pages: Pages,
    writer: Box<dyn Writer>,
    place: Place,
}

/// What comes next.
enum Place {
    /// The first page, which is there.
    First(Response),
    /// The page with this cursor.
    After(HeaderValue),
    /// What follows on the last page.
    End,
    /// Nothing.
    Over,
}

impl Rest {
    /// The next piece. Where it fails, the client sees that the answer broke off.
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, BoxError> {
        loop {
            let piece = match std::mem::replace(&mut self.place, Place::Over) {
                Place::First(page) => self.page(pages::read(page).await),
                Place::After(cursor) => {
                    let page = self.pages.after(&cursor).await;
                    self.page(page)
                }
                Place::End => self.writer.end().map_err(BoxError::from),
                Place::Over => return Ok(None),
            };
            match piece {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => return Ok(Some((piece.into(), self))),
                Err(error) => {
                    tracing::error!(%error, "an export broke off");
                    return Err(error);
                }
            }
        }
    }

    fn page(&mut self, page: Result<(Bytes, Option<HeaderValue>), MissingPage>) -> Result<Vec<u8>, BoxError> {
        let (rows, cursor) = page?;
        self.place = cursor.map_or(Place::End, Place::After);
        Ok(self.writer.page(&rows)?)
    }
}
