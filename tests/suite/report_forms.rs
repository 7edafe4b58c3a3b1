//! The forms of a report: the same report is written the same way as the files in `tests/fixtures/reports`, which were looked
//! at. `UPDATE_REPORTS=1` writes them anew.

use std::path::{Path, PathBuf};

use traceability::report::{CostReport, Form, render};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports")
}

/// A month of a company that does not exist.
pub fn fixed() -> CostReport {
    let read = |name: &str| std::fs::read_to_string(folder().join(name)).expect("the report is there");
    let mut report: CostReport = serde_json::from_str(&read("report.json")).expect("a report");
    report.charges = serde_json::from_str(&read("charges.json")).expect("charges");
    report
}

#[test]
fn each_form_is_as_it_was_looked_at() {
    let report = fixed();
    for form in Form::ALL {
        let path = folder().join(format!("report.{}", form.extension()));
        let text = render(&report, form).expect("a report is plain data");
        if std::env::var_os("UPDATE_REPORTS").is_some() {
            std::fs::write(&path, &text).expect("written");
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(text == golden, "{} differs: look at what UPDATE_REPORTS=1 writes", path.display());
    }
}
