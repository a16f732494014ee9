//! The table of metrics in `docs/monitoring.md`, which is that of the module that registers them.

use super::{bless_part, markdown, sources};
use crate::support::http::get;
use crate::support::on_both_backends;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    the_table_names_the_metrics_that_are_served
}

const HEADER: &str = "//! | metric | what it tells |";

/// The lines of the table in the sources.
fn documented() -> String {
    let files = sources::files();
    let text = files.values().find(|text| text.contains(HEADER)).expect("no module has a table of metrics");
    let lines = text.lines().skip_while(|line| *line != HEADER).take_while(|line| line.starts_with("//! |"));
    lines.map(|line| line.trim_start_matches("//! ")).collect::<Vec<_>>().join("\n")
}

/// The names in the table. A name that begins with `…` has the beginning of the one before it.
fn names(table: &str) -> Vec<(String, String)> {
    let rows = markdown::table(table, &["metric", "what it tells"]);
    rows.iter()
        .flat_map(|row| {
            let first = markdown::code(&row[0]).next().expect("a row names a metric");
            markdown::code(&row[0]).map(|name| (first.to_owned(), name.to_owned())).collect::<Vec<_>>()
        })
        .collect()
}

/// Whether a metric is what the table calls by this name, which may leave out the beginning that it has in common with
/// the first of its row.
fn is_named(metric: &str, (first, name): &(String, String)) -> bool {
    let Some(ending) = name.strip_prefix('…') else { return metric == name };
    let common = metric.strip_suffix(ending).filter(|beginning| !beginning.is_empty());
    common.is_some_and(|beginning| first.starts_with(beginning))
}

#[test]
fn the_page_on_monitoring_tells_of_every_metric() {
    bless_part("docs/monitoring.md", "metrics", &documented());
}

async fn the_table_names_the_metrics_that_are_served(world: World) {
    // Metrics with labels show once they have a value.
    world.person("alice").await.guess().await.unwrap_err();
    let served = get(world.replica().side_port, "/metrics").await.body;
    let types = served.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let metrics = types.map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_owned() });
    let metrics: Vec<String> = metrics.collect();
    let names = names(&documented());
    let untold: Vec<_> = metrics.iter().filter(|metric| !names.iter().any(|name| is_named(metric, name))).collect();
    let gone: Vec<_> = names.iter().filter(|name| !metrics.iter().any(|metric| is_named(metric, name))).collect();
    assert!(untold.is_empty() && gone.is_empty(), "the table lacks {untold:?}, and tells of {gone:?}");
}

#[test]
fn names_may_leave_out_their_beginning() {
    let name = |first: &str, name: &str| (first.to_owned(), name.to_owned());
    assert!(is_named("a_b_c", &name("a_b_c", "a_b_c")));
    assert!(is_named("a_b_d", &name("a_b_c", "…_d")));
    assert!(is_named("a_b_c_d", &name("a_b_c", "…_d")));
    assert!(!is_named("x_d", &name("a_b_c", "…_d")));
    assert!(!is_named("a_b_x", &name("a_b_c", "…_d")));
}
