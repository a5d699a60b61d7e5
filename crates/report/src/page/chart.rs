//! The stacked chart of bytes over time, as inline SVG.
//!
//! Nothing in it is told by colour alone: every series has a pattern of its own, its name beside
//! it in the legend, and its numbers in the table behind the chart.

use std::fmt::Write as _;

use super::html::escaped;
use crate::timeline::Timeline;
use crate::words::{clock, size};

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 76.0;
const BOTTOM: f64 = 36.0;
const TOP: f64 = 12.0;

/// Colours with a contrast of 4.5 to 1 and more against white, and the white pattern on each.
const STYLES: [(&str, &str); 9] = [
    ("#0b5394", ""),
    ("#a3361b", "M0 8L8 0M-2 2L2 -2M6 10L10 6"),
    ("#00664b", "M0 4H8"),
    ("#7a3b8f", "M4 0V8"),
    ("#7a4b00", "M0 0L8 8M-2 6L2 10M6 -2L10 2"),
    ("#005f73", "M2 2h2v2h-2z M6 6h2v2h-2z"),
    ("#9c1350", "M0 2H8M0 6H8"),
    ("#3d4a00", "M2 0V8M6 0V8"),
    ("#555555", "M0 4H8M4 0V8"),
];

/// The chart; `names` are those of the series, and `title` says what it shows.
pub(super) fn svg(timeline: &Timeline, names: &[String], title: &str) -> String {
    let highest = highest(timeline);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"chart-title \
         chart-description\">\n<title id=\"chart-title\">{}</title>\n\
         <desc id=\"chart-description\">{}</desc>\n",
        escaped(title),
        escaped(&description(timeline, names))
    );
    svg.push_str(&patterns("", names.len()));
    svg.push_str(&grid(highest));
    svg.push_str(&bars(timeline, highest));
    svg.push_str(&times(timeline));
    svg.push_str("</svg>\n");
    svg
}

/// The names of the series, each with its pattern.
pub(super) fn legend(names: &[String]) -> String {
    let items = names.iter().enumerate().fold(String::new(), |mut items, (number, name)| {
        let _ = writeln!(
            items,
            "<li><svg class=\"swatch\" viewBox=\"0 0 24 16\" aria-hidden=\"true\">{}\
             <rect width=\"24\" height=\"16\" fill=\"url(#swatch-{number})\"/></svg> \
             <bdi>{}</bdi></li>",
            pattern("swatch-", number),
            escaped(name)
        );
        items
    });
    format!("<ul class=\"legend\">\n{items}</ul>\n")
}

fn patterns(prefix: &str, number: usize) -> String {
    let all: String =
        (0..number).map(|number| pattern(&format!("{prefix}series-"), number)).collect();
    format!("<defs>{all}</defs>\n")
}

fn pattern(prefix: &str, number: usize) -> String {
    let (colour, marks) = STYLES.get(number).copied().unwrap_or(("#555555", ""));
    format!(
        "<pattern id=\"{prefix}{number}\" width=\"8\" height=\"8\" \
         patternUnits=\"userSpaceOnUse\"><rect width=\"8\" height=\"8\" fill=\"{colour}\"/>\
         <path d=\"{marks}\" stroke=\"#fff\" fill=\"none\"/></pattern>"
    )
}

/// The largest sum of a step.
fn highest(timeline: &Timeline) -> u64 {
    let sum = |step| {
        let bytes = timeline.series.iter().filter_map(|series| series.bytes.get(step));
        bytes.sum::<u64>()
    };
    (0..timeline.steps()).map(sum).max().unwrap_or(0).max(1)
}

fn description(timeline: &Timeline, names: &[String]) -> String {
    let steps = timeline.steps();
    let sums = timeline.series.iter().map(|series| series.bytes.iter().sum::<u64>());
    let each: Vec<_> =
        names.iter().zip(sums).map(|(name, bytes)| format!("{name}: {}", size(bytes))).collect();
    format!(
        "From {} to {} UTC, in steps of {} s. {}. The table below has all numbers.",
        clock(timeline.from),
        clock(timeline.at(steps)),
        timeline.step_seconds,
        each.join("; ")
    )
}

/// Where so many bytes end, from above.
#[expect(clippy::cast_precision_loss, reason = "a chart is drawn to a tenth of a pixel")]
fn height(bytes: u64, highest: u64) -> f64 {
    (HEIGHT - BOTTOM - TOP) * (bytes as f64 / highest as f64)
}

#[expect(clippy::cast_precision_loss, reason = "there are at most a hundred steps")]
fn left(step: usize, steps: usize) -> f64 {
    LEFT + (WIDTH - LEFT) * (step as f64 / steps.max(1) as f64)
}

fn grid(highest: u64) -> String {
    const LINES: u64 = 4;
    let lines = (0..=LINES).map(|line| {
        let bytes = highest / LINES * line;
        let y = HEIGHT - BOTTOM - height(bytes, highest);
        format!(
            "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\" class=\"grid\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" class=\"end\">{}</text>\n",
            LEFT - 6.0,
            y + 4.0,
            size(bytes)
        )
    });
    lines.collect()
}

fn bars(timeline: &Timeline, highest: u64) -> String {
    let steps = timeline.steps();
    let mut bars = String::new();
    for step in 0..steps {
        let (x, end) = (left(step, steps), left(step + 1, steps));
        let mut below = 0;
        for (number, series) in timeline.series.iter().enumerate() {
            let bytes = series.bytes.get(step).copied().unwrap_or(0);
            if bytes == 0 {
                continue;
            }
            below += bytes;
            let _ = writeln!(
                bars,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" \
                 fill=\"url(#series-{number})\" class=\"bar\"/>",
                x + 1.0,
                HEIGHT - BOTTOM - height(below, highest),
                (end - x - 2.0).max(1.0),
                height(bytes, highest)
            );
        }
    }
    bars
}

fn times(timeline: &Timeline) -> String {
    const LABELS: usize = 10;
    let steps = timeline.steps();
    let every = steps.div_ceil(LABELS).max(1);
    let labels = (0..steps).step_by(every).map(|step| {
        format!(
            "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
            left(step, steps) + 1.0,
            HEIGHT - BOTTOM + 18.0,
            clock(timeline.at(step))
        )
    });
    labels.collect()
}
