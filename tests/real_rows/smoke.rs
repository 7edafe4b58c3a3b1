//! Each release's rows are served.

use local::fixtures::Release;
use tests::App;

#[tokio::test]
async fn the_overview_counts_every_row_of_every_release() {
    for release in Release::ALL {
        let app = App::of_release(release).await;
        let overview = app.get("/api/v1/analytics/overview?days=365").await.ok();
        assert_eq!(overview["total_requests"], tests::rows::log(release).len(), "{release:?}");
    }
}
