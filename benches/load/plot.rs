//! Pictures of what was measured: how near each case comes to its limit, and how long calls take.

use std::error::Error;
use std::fs;
use std::path::Path;

use plotters::prelude::*;

use crate::Failure;
use crate::report::{Figures, Measured};

const SIZE: (u32, u32) = (960, 640);
/// The longest latency that is drawn, in milliseconds, and the shortest.
const LATENCIES: std::ops::Range<f64> = 0.1..2000.0;

/// Draws both pictures of each store into a folder.
pub(crate) fn draw(stores: &[Measured], folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    for measured in stores.iter().filter(|measured| !measured.cases.is_empty()) {
        let file = |what: &str| folder.join(format!("{}-{what}.svg", measured.store));
        ratios(measured, &file("ratios")).map_err(|error| error.to_string())?;
        latencies(measured, &file("latencies")).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn ratios(measured: &Measured, file: &Path) -> Result<(), Box<dyn Error>> {
    let cases: Vec<&Figures> = measured.cases.iter().collect();
    let most = cases.iter().map(|figures| figures.ratio).fold(1.0, f64::max) * 1.05;
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("Rate ÷ limit of the same run, {}", measured.store), ("sans-serif", 22))
        .margin(16)
        .set_label_area_size(LabelAreaPosition::Left, 230)
        .set_label_area_size(LabelAreaPosition::Bottom, 40)
        .build_cartesian_2d(0.0..most, (0..cases.len()).into_segmented())?;
    let label = |place: &SegmentValue<usize>| match place {
        SegmentValue::CenterOf(place) | SegmentValue::Exact(place) => {
            cases.get(*place).map_or_else(String::new, |figures| format!("{} ÷ {}", figures.case, figures.limit))
        }
        SegmentValue::Last => String::new(),
    };
    chart.configure_mesh().y_labels(cases.len() + 1).y_label_formatter(&label).disable_y_mesh().draw()?;
    chart.draw_series(cases.iter().enumerate().map(|(place, figures)| {
        let corners = [(0.0, SegmentValue::Exact(place)), (figures.ratio, SegmentValue::Exact(place + 1))];
        let mut bar = Rectangle::new(corners, RGBColor(70, 110, 170).filled());
        bar.set_margin(4, 4, 0, 0);
        bar
    }))?;
    area.present()?;
    Ok(())
}

fn latencies(measured: &Measured, file: &Path) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("Latency at half the throughput, {}", measured.store), ("sans-serif", 22))
        .margin(16)
        .set_label_area_size(LabelAreaPosition::Left, 60)
        .set_label_area_size(LabelAreaPosition::Bottom, 50)
        .build_cartesian_2d((1.0..1000.0).log_scale(), LATENCIES.log_scale())?;
    let percentile = |slowness: &f64| format!("{}%", 100.0 - 100.0 / slowness);
    let mut mesh = chart.configure_mesh();
    mesh.x_desc("share of calls").y_desc("ms").x_labels(4).x_label_formatter(&percentile).light_line_style(WHITE);
    mesh.draw()?;
    for (place, figures) in measured.cases.iter().enumerate() {
        let color = Palette99::pick(place).to_rgba();
        // One call in so many takes longer.
        let points = figures.latency.points.iter().filter(|(quantile, _)| *quantile < 1.0);
        let points = points.map(|(quantile, ms)| (1.0 / (1.0 - quantile), ms.clamp(LATENCIES.start, LATENCIES.end)));
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))?
            .label(&figures.case)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(3)));
    }
    let mut legend = chart.configure_series_labels();
    legend.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.9)).border_style(BLACK).draw()?;
    area.present()?;
    Ok(())
}
