//! `natflow top`: who has the most traffic.

use std::cmp::Ordering;

use flowlog::{Format, Leg};

use crate::arguments::{Metric, TopArguments};
use crate::column::{Column, ColumnType, Row};
use crate::error::Error;
use crate::inputs::Input;
use crate::key::{Key, KeyColumns, OwnValue};
use crate::notes::count_of;
use crate::output::{Cell, Heading, OutputFormat, RowSink};
use crate::parallel::{self, Taker};
use crate::progress::Progress;
use crate::reading::{Reading, Summary, Visitor};
use crate::selection::{Gateways, Legs};
use crate::size::size;
use crate::tally::{Additions, SharedTable, Sums, Table};

/// Rows that are held beyond those that will be shown, before the least are dropped.
const SPARE_ROWS: usize = 4096;

/// Traffic, added up by key.
#[derive(Debug)]
pub(crate) struct Tally {
    keys: KeyColumns,
    /// No key is in two of them.
    tables: Vec<Table>,
    total: Sums,
}

/// What rows add to the sums of their keys.
#[derive(Debug)]
struct Adding {
    keys: KeyColumns,
    metric: Metric,
    total: Sums,
}

/// Adds up on one thread.
struct Counting {
    adding: Adding,
    table: Table,
}

/// Adds up on one of several threads.
struct Sharing<'t> {
    adding: Adding,
    additions: Additions<'t>,
}

/// A row of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Talker {
    key: Vec<OwnValue>,
    sums: Sums,
}

impl Adding {
    fn new(arguments: &TopArguments) -> Self {
        let keys = KeyColumns::new(columns(arguments));
        Self { keys, metric: arguments.metric, total: Sums::default() }
    }

    #[inline]
    fn key_and_sums(&mut self, row: &Row<'_>) -> (Key<'_>, Sums) {
        let amount = match self.metric.field() {
            None => 1,
            Some(field) => row.record.number(field).unwrap_or_default(),
        };
        let is_download = row.leg == Some(Leg::Download);
        let sums = if is_download {
            Sums { download: amount, other: 0 }
        } else {
            Sums { download: 0, other: amount }
        };
        self.total.add(sums);
        (self.keys.key(row), sums)
    }
}

impl Tally {
    /// The talkers with the most, and how many there are in all. Equal ones are in the order of
    /// their keys.
    fn most(&mut self, rows: usize) -> (Vec<Talker>, usize) {
        let count = self.tables.iter_mut().map(Table::len).sum();
        let mut best = Best::new(if rows == 0 { count } else { rows });
        let keys = &self.keys;
        for table in &mut self.tables {
            for (key, sums) in table.packed.entries() {
                best.offer(sums, || keys.unpack(key));
            }
            for (key, sums) in table.wide.entries() {
                best.offer(sums, || keys.read(key));
            }
        }
        (best.finish(), count)
    }
}

impl Visitor for Counting {
    fn start(&mut self, _: &Format) -> Result<(), Error> {
        Ok(())
    }

    fn visit(&mut self, row: &Row<'_>) -> Result<(), Error> {
        let (key, sums) = self.adding.key_and_sums(row);
        self.table.add(key, sums);
        Ok(())
    }
}

impl Taker for Sharing<'_> {
    fn take(&mut self, row: &Row<'_>) {
        let (key, sums) = self.adding.key_and_sums(row);
        self.additions.add(key, sums);
    }
}

/// The talkers with the most, out of all that are offered.
#[derive(Default)]
struct Best {
    rows: usize,
    talkers: Vec<Talker>,
    /// What the least of the best had when the others were last dropped: whoever has less
    /// will not be shown.
    bound: u64,
}

impl Best {
    fn new(rows: usize) -> Self {
        Self { rows, ..Self::default() }
    }

    fn offer(&mut self, sums: Sums, key: impl FnOnce() -> Vec<OwnValue>) {
        if sums.total() < self.bound {
            return;
        }
        if self.talkers.len() >= self.rows.saturating_add(SPARE_ROWS) {
            self.drop_the_least();
        }
        self.talkers.push(Talker { key: key(), sums });
    }

    fn drop_the_least(&mut self) {
        if self.talkers.len() > self.rows && self.rows > 0 {
            let (_, least, _) = self.talkers.select_nth_unstable_by(self.rows - 1, most_first);
            self.bound = least.sums.total();
            self.talkers.truncate(self.rows);
        }
    }

    fn finish(mut self) -> Vec<Talker> {
        self.drop_the_least();
        self.talkers.sort_unstable_by(most_first);
        self.talkers
    }
}

fn most_first(a: &Talker, b: &Talker) -> Ordering {
    b.sums.total().cmp(&a.sums.total()).then_with(|| a.key.cmp(&b.key))
}

/// Reads the inputs and adds up their traffic.
pub(crate) fn count(
    arguments: &TopArguments,
    reading: &Reading,
    inputs: &[Input],
    progress: &Progress,
) -> Result<(Tally, Summary), Error> {
    let threads = parallel::threads(arguments.threads, &arguments.read, inputs);
    let count = |known: Gateways, progress: &Progress| {
        if threads > 1 {
            return count_on(threads, arguments, reading, inputs, &known, progress);
        }
        let mut counting = Counting { adding: Adding::new(arguments), table: Table::default() };
        let summary = reading.read(inputs, known, progress, &mut counting)?;
        let Counting { adding: Adding { keys, total, .. }, table } = counting;
        Ok((Tally { keys, tables: vec![table], total }, summary))
    };
    let (tally, summary) = count(Gateways::default(), progress)?;
    // A gateway's secondary address can show late: then what was read before is read again.
    if summary.gateways.were_late() && inputs.iter().all(Input::can_be_read_again) {
        let mut known = summary.gateways;
        known.forget_lateness();
        return count(known, &Progress::hidden());
    }
    Ok((tally, summary))
}

fn count_on(
    threads: usize,
    arguments: &TopArguments,
    reading: &Reading,
    inputs: &[Input],
    known: &Gateways,
    progress: &Progress,
) -> Result<(Tally, Summary), Error> {
    let table = SharedTable::new();
    let start = || Sharing { adding: Adding::new(arguments), additions: table.additions() };
    let (takers, summary) = parallel::read(reading, inputs, known, progress, threads, start)?;
    let Adding { keys, mut total, .. } = Adding::new(arguments);
    for taker in takers {
        total.add(taker.adding.total);
        taker.additions.finish();
    }
    Ok((Tally { keys, tables: table.into_parts(), total }, summary))
}

/// The columns to add up by, each once.
#[must_use]
pub(crate) fn columns(arguments: &TopArguments) -> Vec<Column> {
    let mut columns: Vec<Column> = vec![];
    for column in arguments.by.iter().flat_map(|by| &by.0) {
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    columns
}

/// Writes the talkers.
pub(crate) fn write(
    arguments: &TopArguments,
    tally: &mut Tally,
    sink: &mut dyn RowSink,
) -> Result<(), Error> {
    let shape = Shape::of(arguments);
    let (talkers, count) = tally.most(arguments.rows);
    let total = tally.total;
    let longest = talkers.first().map_or(0, |talker| talker.sums.total());
    sink.start(&shape.headings(tally.keys.columns()))?;
    for talker in &talkers {
        let mut cells: Vec<_> = talker.key.iter().map(Cell::from).collect();
        cells.extend(shape.sums(talker.sums, total));
        cells.push(Cell::Bar(share(talker.sums.total(), longest)));
        sink.write(&cells)?;
    }
    let shown = if talkers.len() < count {
        format!("{} of {}", talkers.len(), count_of(count as u64, "row"))
    } else {
        count_of(count as u64, "row")
    };
    let mut cells = vec![Cell::Words(shown)];
    cells.resize(tally.keys.columns().len(), Cell::Words(String::new()));
    cells.extend(shape.sums(total, total));
    cells.push(Cell::Bar(0.0));
    sink.write_totals(&cells)
}

/// Which columns the answer has, and how its sums are written.
#[derive(Clone, Copy, Debug)]
struct Shape {
    metric: Metric,
    is_table: bool,
    has_directions: bool,
    is_rounded: bool,
}

impl Shape {
    fn of(arguments: &TopArguments) -> Self {
        let is_table = arguments.output == OutputFormat::Table;
        Self {
            metric: arguments.metric,
            is_table,
            has_directions: arguments.legs == Legs::Ends,
            is_rounded: is_table && arguments.metric == Metric::Bytes && !arguments.bytes,
        }
    }

    fn headings(self, keys: &[Column]) -> Vec<Heading> {
        let mut headings: Vec<_> = keys.iter().map(|column| self.key_heading(column)).collect();
        let number = |name: String| Heading::new(name, ColumnType::Number(64));
        let metric = self.metric.name();
        headings.push(number(metric.to_owned()));
        if self.has_directions {
            let unit = if self.is_table { String::new() } else { format!("_{metric}") };
            headings.extend(["upload", "download"].map(|way| number(format!("{way}{unit}"))));
        }
        headings.push(number("share".to_owned()));
        headings.push(Heading::new("", ColumnType::Text));
        headings
    }

    fn key_heading(self, column: &Column) -> Heading {
        let name = if self.is_table { column.to_string() } else { column.json_name() };
        // In the metric's own column stands the sum.
        let name = if name == self.metric.name() { format!("by_{name}") } else { name };
        Heading::new(name, column.column_type())
    }

    fn sums(self, sums: Sums, total: Sums) -> Vec<Cell<'static>> {
        let amount = |amount: u64| {
            if self.is_rounded { Cell::Words(size(amount)) } else { Cell::Number(amount) }
        };
        let mut cells = vec![amount(sums.total())];
        if self.has_directions {
            cells.extend([amount(sums.other), amount(sums.download)]);
        }
        cells.push(Cell::Share(share(sums.total(), total.total())));
        cells
    }
}

/// A share of a whole; of nothing, nothing.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a share is shown with a few digits")]
    let share = part as f64 / whole as f64;
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_kept_whatever_their_order() {
        let mut best = Best::new(3);
        let count = 3 * SPARE_ROWS as u64;
        for number in 0..count {
            // Visits every number once, in a scattered order.
            let scattered = number * 7919 % count;
            let sums = Sums { download: 0, other: scattered / 2 };
            best.offer(sums, || vec![OwnValue::Number(scattered)]);
        }
        let keys: Vec<_> = best.finish().into_iter().map(|talker| talker.key).collect();
        let expected = [count - 2, count - 1, count - 4].map(|key| vec![OwnValue::Number(key)]);
        assert_eq!(keys, expected);
    }
    /// Before the least are dropped for the first time, the rows are in no order.
    #[test]
    fn few_rows_are_compared_in_any_order() {
        for amounts in [[1, 100, 50], [50, 1, 100], [100, 50, 1], [1, 50, 100]] {
            let mut best = Best::new(2);
            for amount in amounts {
                let sums = Sums { download: 0, other: amount };
                best.offer(sums, || vec![OwnValue::Number(amount)]);
            }
            let totals: Vec<_> =
                best.finish().into_iter().map(|talker| talker.sums.total()).collect();
            assert_eq!(totals, [100, 50]);
        }
    }
}
