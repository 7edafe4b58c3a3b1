//! The charts: SVG, which is drawn without any font file, in colours that can be told from a light and a dark ground.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::RenderError;
use crate::{CostReport, DaySpend};

const SIZE: (u32, u32) = (520, 210);
/// Of letters and lines.
const INK: RGBColor = RGBColor(0x7c, 0x87, 0x94);
/// Of the report's days.
const NOW: RGBColor = RGBColor(0x2f, 0x7d, 0xe1);
/// Of the days before.
const BEFORE: RGBAColor = RGBAColor(0x7c, 0x87, 0x94, 0.45);

/// The spend of each day, and before it that of the days before; none where there is nothing to compare.
pub(super) fn days(report: &CostReport) -> Result<Option<String>, RenderError> {
    let days: Vec<(&DaySpend, bool)> =
        report.days_before.iter().map(|day| (day, false)).chain(report.days.iter().map(|day| (day, true))).collect();
    if days.len() < 2 || days.iter().all(|(day, _)| day.spend.is_zero()) {
        return Ok(None);
    }
    let mut svg = String::new();
    // What can go wrong is the backend's writing, and it writes into memory.
    draw(&mut svg, &days).map_err(|_| RenderError::Chart)?;
    Ok(Some(svg.replacen("<svg ", r#"<svg role="img" aria-label="Spend per day" "#, 1)))
}

fn draw(svg: &mut String, days: &[(&DaySpend, bool)]) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let most = days.iter().map(|(day, _)| day.spend.as_f64()).fold(0.0, f64::max);
    let count = f64::from(u32::try_from(days.len())?);
    let mut chart = ChartBuilder::on(&root)
        .margin_top(10)
        .margin_right(8)
        .x_label_area_size(28)
        .y_label_area_size(66)
        .build_cartesian_2d(-0.6..count - 0.4, 0.0..most * 1.06)?;
    let letters = ("sans-serif", 17).into_font().color(&INK);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(INK.mix(0.25))
        .axis_style(INK.mix(0.6))
        .x_labels(if days.len() < 7 { days.len() } else { 6 })
        .y_labels(5)
        .x_label_style(letters.clone().pos(Pos::new(HPos::Center, VPos::Top)))
        .y_label_style(letters)
        .x_label_formatter(&|place| day_at(days, *place))
        .y_label_formatter(&|dollars| amount(*dollars, most))
        .draw()?;
    chart.draw_series((0u32..).zip(days).map(|(place, (day, is_now))| {
        let (middle, spend) = (f64::from(place), day.spend.as_f64());
        let colour = if *is_now { NOW.to_rgba() } else { BEFORE };
        Rectangle::new([(middle - 0.4, 0.0), (middle + 0.4, spend.max(0.0))], colour.filled())
    }))?;
    root.present()?;
    Ok(())
}

/// The day whose bar is in the middle over a label.
fn day_at(days: &[(&DaySpend, bool)], place: f64) -> String {
    let whole = (place - place.round()).abs() < 1e-6;
    let day = (0u32..).zip(days).find(|(index, _)| whole && (f64::from(*index) - place).abs() < 0.5);
    day.map(|(_, (day, _))| day.day.format("%-d %b").to_string()).unwrap_or_default()
}

fn amount(dollars: f64, most: f64) -> String {
    let decimals = match most {
        most if most >= 10.0 => 0,
        most if most >= 0.1 => 2,
        most if most >= 0.001 => 4,
        _ => 6,
    };
    let text = format!("{dollars:.decimals$}");
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
    format!("${}{fraction}", traceability_core::money::thousands(whole))
}
