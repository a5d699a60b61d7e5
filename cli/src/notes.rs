//! What is said beside the rows: what was read, what was left out and what was assumed.

use crate::reading::Summary;
use crate::selection::Selection;
use crate::size::grouped;

/// Gateways that a note lists before it only counts them.
const MOST_GATEWAYS: usize = 10;

/// The notes on a summary, most important last, where a terminal shows them.
#[must_use]
pub(crate) fn notes(summary: &Summary, selection: &Selection) -> Vec<String> {
    let mut notes = vec![read(summary)];
    notes.extend(left_out(summary));
    if selection.infers_addresses() {
        notes.push(inferred(summary));
    }
    notes.extend(warnings(summary));
    notes
}

fn read(summary: &Summary) -> String {
    let counts = summary.counts;
    let empty = if counts.empty > 0 {
        format!(", {} of them without traffic (NODATA)", grouped(counts.empty))
    } else {
        String::new()
    };
    format!("{} read{empty}", count_of(counts.read, "record"))
}

fn left_out(summary: &Summary) -> Vec<String> {
    let left_out = summary.left_out;
    let cases = [
        (left_out.other_action, "of the other action (--action all counts them)"),
        (left_out.other_legs, "that show the same traffic on its other legs"),
        (
            left_out.no_connection,
            "that are no part of a connection through a gateway (--legs all counts them)",
        ),
    ];
    let cases = cases.into_iter().filter(|(count, _)| *count > 0);
    cases.map(|(count, why)| format!("{} left out {why}", count_of(count, "record"))).collect()
}

fn inferred(summary: &Summary) -> String {
    let gateways = summary.gateways.list();
    let gateways = gateways.iter().filter(|(_, addresses)| !addresses.is_empty());
    let of_gateway = |(id, addresses): &(&str, &[std::net::IpAddr])| {
        let addresses = addresses.iter().map(ToString::to_string);
        format!("{id} {}", addresses.collect::<Vec<_>>().join(" ")).trim().to_owned()
    };
    let mut known: Vec<_> = gateways.clone().take(MOST_GATEWAYS).map(of_gateway).collect();
    let more = gateways.count() - known.len();
    if more > 0 {
        known.push(format!("{more} more"));
    }
    if known.is_empty() {
        return "no gateway address could be inferred from the records: name it with --gateway"
            .to_owned();
    }
    format!(
        "gateway addresses inferred from the records: {} (name all of them with --gateway to be \
         sure)",
        known.join(", ")
    )
}

fn warnings(summary: &Summary) -> Vec<String> {
    let mut warnings = vec![];
    if summary.gateways.were_late() {
        warnings.push(
            "warning: a gateway's address showed only after records had been taken for another's \
             traffic: name its addresses with --gateway"
                .to_owned(),
        );
    }
    if summary.counts.skipped > 0 {
        let count = count_of(summary.counts.skipped, "SKIPDATA record");
        warnings.push(format!("warning: {count}: flows were lost there, so that sums are too low"));
    }
    if summary.counts.bad > 0 {
        warnings.push(format!("warning: {} left out:", count_of(summary.counts.bad, "bad line")));
        warnings.extend(summary.bad_lines.iter().map(|line| format!("  {line}")));
    }
    warnings
}

/// `1 record`, `1,234 records`.
#[must_use]
pub(crate) fn count_of(count: u64, name: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {name}{plural}", grouped(count))
}
