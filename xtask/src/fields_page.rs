//! `docs/fields.md`: every field, and what the coded values mean.

use std::fmt::Write as _;

use flowlog::{Field, RecordedFormat, TcpFlags, TrafficPath};

const INTRODUCTION: &str = "\
<!-- Generated from crates/flowlog by `cargo run -p xtask -- generate`. -->
# The fields of a flow-log record

Every field that AWS has defined, in the order of AWS's
[table](https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-fields).
The Logs Insights names are those that AWS documents for version 2 and follow them for later
versions; the saved queries name the recorded fields so. Columns of Parquet files and keys of JSON
output have the name under \"JSON\". Where a text record has `-`, Parquet and JSON have null.

";

/// The page as Markdown.
pub(crate) fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    // Writing to a string cannot fail.
    let _ = write_field_table(&mut page);
    let _ = write_recorded_formats(&mut page);
    let _ = write_traffic_paths(&mut page);
    let _ = write_tcp_flags(&mut page);
    page
}

fn write_field_table(page: &mut String) -> std::fmt::Result {
    writeln!(
        page,
        "| Field | Logs Insights | JSON | Version | Type | Unit | Meaning | `-` when |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|---|---|")?;
    for facts in Field::ALL.map(Field::facts) {
        writeln!(
            page,
            "| `{}` | `{}` | `{}` | {} | {} | {} | {} | {} |",
            facts.token,
            facts.insights_name,
            facts.json_name,
            facts.version,
            facts.value_type.parquet_type(),
            facts.unit.word(),
            facts.meaning,
            facts.dash_when,
        )?;
    }
    Ok(())
}

fn write_recorded_formats(page: &mut String) -> std::fmt::Result {
    writeln!(page, "\n## What the recorder records\n")?;
    writeln!(page, "A zonal gateway, on its network interface:\n")?;
    writeln!(page, "```\n{}\n```\n", RecordedFormat::Zonal.format())?;
    writeln!(page, "A regional gateway, whose records name no interface:\n")?;
    writeln!(page, "```\n{}\n```", RecordedFormat::Regional.format())
}

fn write_traffic_paths(page: &mut String) -> std::fmt::Result {
    writeln!(page, "\n## `traffic-path`\n\n| Value | Way |\n|---|---|")?;
    for path in TrafficPath::ALL {
        writeln!(page, "| {} | {} |", path.number(), path.words())?;
    }
    Ok(())
}

fn write_tcp_flags(page: &mut String) -> std::fmt::Result {
    writeln!(page, "\n## `tcp-flags`\n")?;
    writeln!(page, "The flags of one interval, added up; an ACK or PSH alone leaves 0.\n")?;
    writeln!(page, "| Value | Flags |\n|---|---|")?;
    for flags in TcpFlags::DOCUMENTED {
        writeln!(page, "| {} | {flags} |", flags.0)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_row_with_all_its_cells() {
        let page = page();
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), Field::ALL.len());
        assert!(rows.iter().all(|row| row.matches('|').count() == 9));
    }
}
