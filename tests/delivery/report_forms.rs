//! The forms of a report: the same report is written the same way as the files in `tests/fixtures/reports`, which were looked
//! at. `UPDATE_REPORTS=1` writes them anew.

use std::path::{Path, PathBuf};

use traceability_report::{CostReport, Form, render};

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

/// Names that were chosen to do harm, or do it by accident.
const HOSTILE: [&str; 20] = [
    "=HYPERLINK(\"http://evil.example\";\"click\")",
    "+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1",
    "\r=1",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "O'Brien & \"Söhne\" 🚀🏳️‍🌈",
    "a|b\n\n# heading\n[x](javascript:alert(1))",
    "\u{202e}desrever\u{0}\u{7}",
    "{{ 7 * 7 }}{% raw %}",
    "\n=1+1",
    "\u{feff}=1+1",
    " \u{200b}\u{a0}@SUM(A1)",
    "\u{ff1d}1+1",
    "\u{ff0b}1 | b | `c",
    "see https://evil.example/ and www.evil.example, mail a@evil.example",
    "](https://evil.example) [x",
    "<https://evil.example>",
];

/// Whether a spreadsheet may take a cell for a formula, which it begins with behind what cannot be seen.
fn is_formula(cell: &str) -> bool {
    let hidden =
        |letter: char| letter.is_whitespace() || letter.is_control() || "\u{feff}\u{200b}\u{202e}".contains(letter);
    cell.trim_start_matches(hidden).starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || cell.starts_with(['\t', '\r', '\n'])
}

/// The report with this name everywhere.
fn named(text: &str) -> CostReport {
    let mut report = fixed();
    let name = || Some(text.to_owned());
    report.filters.team_id = name();
    for row in report.breakdowns.iter_mut().flat_map(|breakdown| &mut breakdown.rows).filter(|row| row.id.is_some()) {
        (row.id, row.label) = (name(), name());
    }
    for session in &mut report.sessions {
        // As the API writes links: some of what means something in Markdown is left as it is in a path.
        session.link =
            Some(format!("https://traces.example.com/api/v1/sessions/{}/messages", text.replace(' ', "%20")));
        text.clone_into(&mut session.session_id);
        text.clone_into(&mut session.agent_name);
        text.clone_into(&mut session.user_id);
    }
    for one in report.first_seen.models.iter_mut().chain(report.first_seen.agents.iter_mut().flatten()) {
        text.clone_into(&mut one.id);
    }
    for anomaly in &mut report.anomalies.found {
        anomaly.text = format!("On a day, the agent {text} cost $1.00.");
    }
    for budget in &mut report.budgets {
        (budget.id, budget.label) = (name(), name());
    }
    for model in report.quality.unpriced_models.iter_mut().flatten() {
        text.clone_into(&mut model.model);
    }
    for charge in &mut report.charges {
        charge.model = name();
        charge.provider = name();
        charge.agent_name = name();
        charge.session_id = name();
        charge.team_id = name();
        charge.team_label = name();
        charge.key = name();
        charge.key_label = name();
    }
    report
}

fn lines(table: &str) -> Vec<Vec<String>> {
    let mut lines = csv::ReaderBuilder::new().has_headers(false).from_reader(table.as_bytes());
    lines.records().map(|line| line.expect("a line").iter().map(str::to_owned).collect()).collect()
}

/// A text of Markdown without the addresses of its links to sessions, each up to the bracket that ends it.
fn without_targets(markdown: &str) -> String {
    let mut parts = markdown.split("](https://traces.example.com/");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(')').expect("the link ends").1)
}

#[test]
fn names_do_no_harm_in_any_form() {
    let plain = |form| render(&fixed(), form).expect("a form");
    let tags = |html: &str| html.matches('<').count();
    let long = "é".repeat(2000);
    for text in HOSTILE.into_iter().chain([long.as_str(), ""]) {
        let report = named(text);
        let of = |form| render(&report, form).expect("a form");

        let html = of(Form::Html);
        assert!(!html.contains("<script") && !html.contains("<img"), "{text:?}");
        // Some rows have labels now that had none before, and show their ids.
        let more = report.breakdowns.iter().flat_map(|breakdown| &breakdown.rows).count() * 2;
        assert!(tags(&html) <= tags(&plain(Form::Html)) + more, "{text:?} made elements");
        assert!(!text.contains("7 * 7") || html.contains("{{ 7 * 7 }}"), "{text:?} was evaluated");

        for form in [Form::Csv, Form::Focus] {
            let (table, before) = (lines(&of(form)), lines(&plain(form)));
            assert_eq!(table.len(), before.len(), "{text:?} made lines");
            for cell in table.iter().flatten() {
                let is_number = cell.parse::<f64>().is_ok() && cell != "+1";
                assert!(is_number || !is_formula(cell), "{cell:?} is a formula");
            }
            let whole = table.iter().flatten().any(|cell| cell.trim_start_matches('\'') == text);
            assert!(whole, "{text:?} is not in the table");
        }
        let focus = lines(&of(Form::Focus));
        for line in &focus[1..] {
            let tags: serde_json::Value = serde_json::from_str(line.last().expect("cells")).expect("tags are JSON");
            assert_eq!(tags["agent"], text);
        }
        let markdown = of(Form::Markdown);
        assert_eq!(markdown.lines().count(), plain(Form::Markdown).lines().count(), "{text:?} made lines");
        let unescaped = markdown.replace("\\[", "");
        assert!(!unescaped.contains("<script") && !unescaped.contains("[x]("), "{text:?}");
        for link in ["://evil", "(https://evil", "www.evil", "a@evil", "<http"] {
            let elsewhere = without_targets(&markdown);
            assert!(!elsewhere.contains(link), "{text:?} makes a link by {link}");
        }
        let columns = |text: &str| -> Vec<usize> {
            let rows = text.lines().filter(|line| line.starts_with('|'));
            rows.map(|line| line.replace("\\|", "").matches('|').count()).collect()
        };
        assert_eq!(columns(&markdown), columns(&plain(Form::Markdown)), "{text:?} breaks a table");
        let again: CostReport = serde_json::from_str(&of(Form::Json)).expect("the document");
        assert_eq!(again, CostReport { charges: Vec::new(), ..report });
    }
}

/// What people are shown sums to what they are shown as the total.
#[test]
fn shown_amounts_sum_to_the_shown_total() {
    let markdown = render(&fixed(), Form::Markdown).expect("a form");
    let cents = |text: &str| -> i64 { text.replace(['*', '$', ',', '.', ' '], "").parse().expect("an amount") };
    let mut tables = 0;
    for section in markdown.split("\n## By ").skip(1) {
        let rows: Vec<Vec<&str>> = section
            .lines()
            .filter(|line| line.starts_with('|'))
            .skip(2)
            .map(|line| line.split(" | ").flat_map(|cell| cell.split(" |")).collect())
            .take_while(|cells: &Vec<&str>| !cells[0].contains("session"))
            .collect();
        let place = rows.iter().position(|cells| cells[0].contains("**total**")).expect("a total");
        let sum: i64 = rows[..place].iter().map(|cells| cents(cells[1])).sum();
        assert_eq!(sum, cents(rows[place][1]), "{section}");
        tables += 1;
    }
    assert_eq!(tables, 7);
}

/// A page is one file, without anything from elsewhere that a mail client would have to fetch or run.
#[test]
fn the_page_needs_nothing_else() {
    let html = render(&fixed(), Form::Html).expect("a form");
    for word in ["<script", "<link", "<img", "@import", "url(", "src=", "javascript:", "font-face", "<iframe"] {
        assert!(!html.contains(word), "{word}");
    }
    assert!(html.len() < 100_000, "mail clients cut pages of more than 102 kB: {}", html.len());
    assert!(html.contains("<svg role=\"img\""));
}
