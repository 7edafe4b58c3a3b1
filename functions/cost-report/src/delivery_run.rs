//! One run to all targets.

use std::time::{Duration, Instant};

use chrono::Datelike;
use futures::future::join_all;
use tokio::time::timeout;
use traceability_core::time::day_of;
use traceability_report::{Filters, Form, Span};
use url::Url;

use crate::budgets::{self, Crossing};
use crate::maker::{MakeError, ReportMaker};
use crate::outcome::{Outcome, id_of};
use crate::queue::{Place, Queue};
use crate::rendered_report::{self, RenderedReport};
use crate::settings::{Kind, RequestedFilter, Target};
use crate::state::{Condition, Delivered, DeliveryLedger, Store, Written};
use crate::targets::{DeliveryContext, Message};

/// A run, under way. Whatever one target does, the others have theirs: all deliveries are under way at once, each within a
/// bound of its own, and what did not get through is for the next run. Only the database is asked one thing at a time.
pub(crate) struct DeliveryRun<'a> {
    pub(crate) maker: &'a ReportMaker,
    pub(crate) context: DeliveryContext<'a>,
    pub(crate) ledger: DeliveryLedger<'a>,
    pub(crate) span: Span,
    pub(crate) deadline: Instant,
    pub(crate) region: Option<String>,
    pub(crate) queue: Queue,
}

/// What a ledger calls the report of its time.
const REPORT: &str = "report";
/// Where those who get all figures have theirs.
const SHARED: &str = "shared";

impl DeliveryRun<'_> {
    /// Sends the report to each target that has not got it.
    pub(crate) async fn reports(&self, targets: &[&Target]) -> Vec<Outcome> {
        let (shared, own): (Vec<&Target>, Vec<_>) = targets.iter().partition(|target| target.filter.is_empty());
        let default = RequestedFilter::default();
        let shared = Box::pin(self.group(SHARED, &default, &shared, self.queue.place()));
        let own = own.iter().map(|target| {
            Box::pin(self.group(&target.name, &target.filter, std::slice::from_ref(target), self.queue.place()))
        });
        // All have their places before the first one moves.
        let own = join_all(own.collect::<Vec<_>>());
        let (shared, own) = tokio::join!(shared, own);
        shared.into_iter().chain(own.into_iter().flatten()).collect()
    }

    /// Sends the same report to several.
    async fn group(&self, name: &str, filter: &RequestedFilter, targets: &[&Target], place: Place<'_>) -> Vec<Outcome> {
        let (due, outcomes) = self.due(targets).await;
        if due.is_empty() {
            return outcomes;
        }
        let folder = format!("{}/{name}", rendered_report::folder(&self.span));
        let rendered = match self.rendered(&folder, filter, place).await {
            Ok(rendered) => rendered,
            Err(reason) => {
                let failed = |target: &&Target| Outcome::of(target, REPORT, Err(reason.clone()));
                return outcomes.into_iter().chain(due.iter().map(failed)).collect();
            }
        };
        let deliver = async |target: &Target| self.report(target, &folder, &rendered).await;
        outcomes.into_iter().chain(join_all(due.into_iter().map(deliver)).await).collect()
    }

    /// Those who lack the report, and how it is with the others.
    async fn due<'t>(&self, targets: &[&'t Target]) -> (Vec<&'t Target>, Vec<Outcome>) {
        let (mut due, mut outcomes) = (Vec::new(), Vec::new());
        for target in targets {
            match self.ledger.has(&self.ledger_key(target), REPORT).await {
                Ok(false) => due.push(*target),
                Ok(true) => outcomes.push(Outcome::of(target, REPORT, Ok(Delivered::Before))),
                Err(error) => outcomes.push(Outcome::of(target, REPORT, Err(error.to_string()))),
            }
        }
        (due, outcomes)
    }

    fn ledger_key(&self, target: &Target) -> String {
        format!("{}/{}/delivery.json", rendered_report::folder(&self.span), target.name)
    }

    /// The report: the one that is there, or else a new one. Its files lie beside it.
    async fn rendered(
        &self,
        folder: &str,
        filter: &RequestedFilter,
        place: Place<'_>,
    ) -> Result<RenderedReport, String> {
        let key = format!("{folder}/edition.json");
        let stored = self.stored(&key).await?;
        let rendered = if let Some(rendered) = stored {
            drop(place);
            rendered
        } else {
            self.render_anew(&key, filter, place).await?
        };
        // It may lie there from before the settings were changed: nobody gets the figures of others by that.
        if rendered.filters != Filters::of(&filter.request_filter()) {
            return Err(format!("{key} was made with another filter: give the target another name"));
        }
        self.context.upload_files(None, folder, &rendered).await.map_err(|error| error.to_string())?;
        Ok(rendered)
    }

    async fn render_anew(
        &self,
        key: &str,
        filter: &RequestedFilter,
        place: Place<'_>,
    ) -> Result<RenderedReport, String> {
        let turn = place.turn(self.deadline).await;
        let slow = |_| format!("the report was not made within {} s", turn.time.as_secs());
        let rendered = timeout(turn.time, self.make(filter)).await.map_err(slow)?.map_err(|error| error.to_string())?;
        drop(turn);
        let bytes = serde_json::to_vec(&rendered).map_err(|error| error.to_string())?;
        match self.ledger.store.write(key, bytes, "application/json", Condition::Absent).await {
            Ok(Written::Done(_)) => Ok(rendered),
            // Somebody else's, or our own after an answer that was lost.
            Ok(Written::Taken) => self.stored(key).await?.ok_or_else(|| "the report is gone".into()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn stored(&self, key: &str) -> Result<Option<RenderedReport>, String> {
        let stored = self.ledger.store.read(key).await.map_err(|error| error.to_string())?;
        let read =
            |bytes: &[u8]| serde_json::from_slice(bytes).map_err(|_| format!("{key} is no report: move it away"));
        stored.map(|stored| read(&stored.bytes)).transpose()
    }

    async fn make(&self, filter: &RequestedFilter) -> Result<RenderedReport, MakeError> {
        let mut query = self.maker.query(self.span);
        query.filter = filter.request_filter();
        query.budgets = budgets::visible(&query.budgets, filter);
        Ok(RenderedReport::of(&self.maker.make(&query).await?)?)
    }

    async fn report(&self, target: &Target, folder: &str, rendered: &RenderedReport) -> Outcome {
        let key = self.ledger_key(target);
        let message = Message {
            id: id_of(REPORT, &[&key]),
            kind: "cost_report",
            title: rendered.title.clone(),
            lines: rendered.lines.clone(),
            link: self.link(folder),
            html: rendered.form(Form::Html).map(str::to_owned),
            text: rendered.form(Form::Markdown).map(str::to_owned),
            data: rendered.form(Form::Json).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        };
        let send = async |_: &[String]| match &target.kind {
            Kind::S3 { bucket: Some(bucket) } => self.context.upload_files(Some(bucket), folder, rendered).await,
            _ => self.context.send(target, &message).await,
        };
        let items = [REPORT.to_owned()];
        let delivered = self.ledger.deliver(&key, &items, target.guarantee, self.time(), send).await;
        Outcome::of(target, REPORT, delivered.map_err(|error| error.to_string()))
    }

    fn time(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Where the page is, for people who may look into the bucket. No address that opens it for whoever knows it: such a
    /// one lives as long as the function's credentials, hours.
    fn link(&self, folder: &str) -> Option<Url> {
        let (Store::Bucket(bucket), Some(region)) = (self.ledger.store, &self.region) else { return None };
        let mut url = Url::parse(&format!("https://{region}.console.aws.amazon.com/")).ok()?;
        url.path_segments_mut().ok()?.clear().extend(["s3", "object", bucket.name()]);
        let key = format!("{folder}/{}", rendered_report::name(Form::Html));
        url.query_pairs_mut().append_pair("region", region).append_pair("prefix", &key);
        Some(url)
    }

    /// Tells targets of the thresholds that budgets have crossed and that they have not heard of.
    pub(crate) async fn alerts(&self, targets: &[&Target]) -> Vec<Outcome> {
        let notified = targets.iter().filter(|target| target.budget_alerts);
        let alerts: Vec<_> = notified.map(|target| self.alerts_of(target, self.queue.place())).collect();
        join_all(alerts).await.into_iter().flatten().collect()
    }

    async fn alerts_of(&self, target: &Target, place: Place<'_>) -> Vec<Outcome> {
        const ALERT: &str = "budget_alert";
        let visible = budgets::visible(self.maker.all_budgets(), &target.filter);
        if visible.is_empty() {
            return Vec::new();
        }
        let turn = place.turn(self.deadline).await;
        let untils = self.untils();
        let used = timeout(turn.time, self.maker.budgets(&visible, &self.span, &untils)).await;
        drop(turn);
        let used = match used {
            Ok(Ok(used)) => used,
            Ok(Err(error)) => return vec![Outcome::of(target, ALERT, Err(error.to_string()))],
            Err(_) => return vec![Outcome::of(target, ALERT, Err("the database did not answer in time".into()))],
        };
        let crossed = budgets::crossed(&used);
        let mut outcomes = Vec::new();
        for month in crossed.chunk_by(|a, b| a.used.month == b.used.month) {
            let zone = self.span.zone.name().replace('/', "-");
            let key = format!("reports/budgets/{}/{zone}/{}/delivery.json", month[0].used.month, target.name);
            let items: Vec<_> = month.iter().map(Crossing::id).collect();
            let send = async |due: &[String]| {
                let due: Vec<_> = month.iter().filter(|crossing| due.contains(&crossing.id())).collect();
                self.context.send(target, &alert(&key, &due)).await
            };
            let delivered = self.ledger.deliver(&key, &items, target.guarantee, self.time(), send).await;
            outcomes.push(Outcome::of(target, ALERT, delivered.map_err(|error| error.to_string())));
        }
        outcomes
    }

    /// Up to now; and, on the first day of a month, up to the end of the last one, which had no later run.
    fn untils(&self) -> Vec<chrono::DateTime<chrono::Utc>> {
        let now = self.maker.now();
        let end = self.span.window.end;
        let month = |at| day_of(at, self.span.zone).month();
        if month(end - chrono::Duration::nanoseconds(1)) == month(now) { vec![now] } else { vec![end, now] }
    }
}

fn alert(key: &str, due: &[&Crossing<'_>]) -> Message {
    let ids: Vec<_> = due.iter().map(|crossing| crossing.id()).collect();
    let parts: Vec<_> = std::iter::once(key).chain(ids.iter().map(String::as_str)).collect();
    Message {
        id: id_of("alert", &parts),
        kind: "budget_alert",
        title: budgets::title(due),
        lines: budgets::lines(due),
        link: None,
        html: None,
        text: None,
        data: budgets::data(due),
    }
}
