//! `natflow status`: what a stack's gateways are doing.
//!
//! The alarms say whether a gateway's traffic is abnormal, the stack's table whether it is being
//! recorded, and how often it was, and its executions, when a report was last mailed.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use aws_adapters::{Alarms, GatewayAlarm, MailedReports, ReadError, RecordingsTables};
use jiff::{Timestamp, Unit};
use recording::protocol::{attribute, phase};
use recording::quota::{COUNTER_PREFIX, QuotaPeriod};
use recording::table::Item;

use crate::arguments::{Account, StatusArguments};
use crate::aws::{Session, unreadable};
use crate::column::ColumnType;
use crate::error::Error;
use crate::mailed::{advised, state_machine};
use crate::output::{Cell, Heading, RowSink};

/// So many executions are looked at for the last reports, each with a call.
const MOST_EXECUTIONS: usize = 100;

/// What is known of a gateway.
#[derive(Clone, Debug, Default)]
pub(crate) struct Status {
    nat_gateway_id: String,
    alarm: Option<GatewayAlarm>,
    item: Item,
    /// When the last execution with a report ended.
    last_report: Option<Timestamp>,
}

/// Asks for the gateways of a stack, in the order of their IDs; with a note on what could not be
/// found out.
pub(crate) fn find(
    arguments: &StatusArguments,
    account: &Account,
) -> Result<(Vec<Status>, Option<String>), Error> {
    let stack = &arguments.stack;
    let session = Session::start(account)?;
    let config = session.config();
    let failed = || unreadable(stack);
    let tables = RecordingsTables::new(config).map_err(failed())?;
    let alarms = Alarms::new(config).map_err(failed())?;
    let found = session.wait(async {
        let alarms = alarms.of_stack(stack).await?;
        let names = match &arguments.table {
            Some(name) => vec![name.clone()],
            None => tables.of_stack(stack).await?,
        };
        let items = match names.as_slice() {
            [name] => tables.items(name).await?,
            _ => vec![],
        };
        Ok::<_, ReadError>((alarms, names, items))
    });
    let (alarms, names, items) = found.map_err(Error::input(stack))?.map_err(failed())?;
    check(stack, config.region().map(ToString::to_string), &alarms, &names)?;
    let mut statuses = merged(alarms, items);
    let unknown = find_reports(&mut statuses, &session, arguments).err();
    Ok((statuses, unknown.map(|reason| format!("last_report is unknown: {reason}"))))
}

/// Everything else is known without executions: what stands in their way is no failure.
fn find_reports(
    statuses: &mut [Status],
    session: &Session,
    arguments: &StatusArguments,
) -> Result<(), String> {
    let reports = MailedReports::new(session.config()).map_err(advised)?;
    let named = arguments.state_machine.as_deref();
    let machine = state_machine(session, &reports, &arguments.stack, named)?;
    let search = reports.visit(&machine, MOST_EXECUTIONS, |report| {
        let of_gateway = |status: &&mut Status| status.nat_gateway_id == report.nat_gateway_id;
        if let Some(status) = statuses.iter_mut().find(of_gateway) {
            status.last_report = status.last_report.or(report.ended);
        }
        if statuses.iter().all(|status| status.last_report.is_some()) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    session.wait(search).map_err(|error| error.to_string())?.map_err(advised)?;
    Ok(())
}

/// A stack has one table.
fn check(
    stack: &str,
    region: Option<String>,
    alarms: &[GatewayAlarm],
    tables: &[String],
) -> Result<(), Error> {
    let region = region.unwrap_or_default();
    let reason = match tables {
        [_] => return Ok(()),
        [] if alarms.is_empty() => format!(
            "there is no stack of this name in {region}: no table {stack}-RecordingsTable-… and \
             no alarm {stack}/nat-…; --region and --profile choose another region and account"
        ),
        [] => format!(
            "its alarms are in {region}, but no table {stack}-RecordingsTable-…; name the table \
             with --table (the stack's output RecordingsTableName)"
        ),
        several => format!(
            "several tables may be its own: {}; name it with --table (the stack's output \
             RecordingsTableName)",
            several.join(", ")
        ),
    };
    Err(Error::Unreadable { name: stack.to_owned(), reason })
}

fn merged(alarms: Vec<GatewayAlarm>, items: Vec<(String, Item)>) -> Vec<Status> {
    let mut gateways: BTreeMap<String, Status> = BTreeMap::new();
    for alarm in alarms {
        let id = alarm.nat_gateway_id.clone();
        gateways.entry(id).or_default().alarm = Some(alarm);
    }
    for (id, item) in items {
        gateways.entry(id).or_default().item = item;
    }
    let named = gateways.into_iter();
    named.map(|(nat_gateway_id, status)| Status { nat_gateway_id, ..status }).collect()
}

impl Status {
    fn moment(&self, attribute: &str) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.item.number(attribute)?).ok()
    }

    /// How far the recording is; none if there is none, and `lapsed` if nobody ended it.
    fn recording(&self, now: Timestamp) -> Option<&str> {
        self.item.text(attribute::EXECUTION)?;
        let phase = self.item.text(attribute::PHASE).unwrap_or(phase::RESERVED);
        let is_over = self.moment(attribute::LEASE_ENDS_AT).is_none_or(|end| end < now);
        Some(if is_over { "lapsed" } else { phase })
    }

    /// How many recordings count in the period that runs, and from when on it does.
    fn counted(&self, now: Timestamp) -> Option<(u64, &str)> {
        const PERIODS: [QuotaPeriod; 4] =
            [QuotaPeriod::Forever, QuotaPeriod::Day, QuotaPeriod::Week, QuotaPeriod::Month];
        let current = PERIODS.map(|period| period.counter(now));
        let counters = self.item.0.keys().filter(|name| name.starts_with(COUNTER_PREFIX));
        let mut current = counters.filter(|name| current.contains(name));
        let name = current.next()?;
        let count = u64::try_from(self.item.number(name)?).unwrap_or_default();
        Some((count, name.trim_start_matches(COUNTER_PREFIX)))
    }
}

/// Writes a row for each gateway.
pub(crate) fn write(
    statuses: &[Status],
    now: Timestamp,
    sink: &mut dyn RowSink,
) -> Result<(), Error> {
    const NAMES: [&str; 11] = [
        "gateway",
        "alarm",
        "alarm_since",
        "recording",
        "recording_since",
        "lease_ends",
        "flow_logs",
        "recordings",
        "quota_period",
        "last_alarm",
        "last_report",
    ];
    let headings = NAMES.map(|name| match name {
        "recordings" => Heading::new(name, ColumnType::Number(64)),
        _ => Heading::new(name, ColumnType::Text),
    });
    sink.start(&headings)?;
    for status in statuses {
        let alarm = status.alarm.as_ref();
        let recording = status.recording(now);
        let of_recording = |attribute| recording.and_then(|_| status.moment(attribute));
        let counted = status.counted(now);
        sink.write(&[
            Cell::Text(&status.nat_gateway_id),
            text(alarm.map(|alarm| alarm.state.as_str())),
            moment(alarm.and_then(|alarm| alarm.since)),
            text(recording),
            moment(of_recording(attribute::RESERVED_AT)),
            moment(of_recording(attribute::LEASE_ENDS_AT)),
            text(status.item.text(attribute::FLOW_LOG_IDS)),
            counted.map_or(Cell::Number(0), |(count, _)| Cell::Number(count)),
            text(counted.map(|(_, period)| period)),
            moment(status.moment(attribute::LAST_ALARM_AT)),
            moment(status.last_report),
        ])?;
    }
    Ok(())
}

fn text(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Missing, Cell::Text)
}

/// RFC 3339 in UTC, in whole seconds.
fn moment(at: Option<Timestamp>) -> Cell<'static> {
    let whole = at.map(|at| at.round(Unit::Second).unwrap_or(at));
    whole.map_or(Cell::Missing, |at| Cell::Words(at.to_string()))
}

#[cfg(test)]
mod tests {
    use recording::table::Value;

    use super::*;

    fn status(attributes: &[(&str, Value)]) -> Status {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Status { item: Item(attributes.collect()), ..Status::default() }
    }

    #[test]
    fn a_lease_that_is_over_is_no_recording() {
        let held = status(&[
            (attribute::EXECUTION, "arn".into()),
            (attribute::PHASE, phase::RECORDING.into()),
            (attribute::LEASE_ENDS_AT, 5_000.into()),
        ]);
        let at = |millisecond| Timestamp::from_millisecond(millisecond).unwrap();
        assert_eq!(held.recording(at(4_999)), Some("recording"));
        assert_eq!(held.recording(at(5_000)), Some("recording"));
        assert_eq!(held.recording(at(5_001)), Some("lapsed"));
        assert_eq!(status(&[]).recording(at(0)), None);
    }

    #[test]
    fn recordings_of_earlier_periods_do_not_count() {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let of_month = status(&[
            ("recordings-month-2026-10-01", 5.into()),
            ("recordings-month-2026-11-01", 2.into()),
        ]);
        assert_eq!(of_month.counted(now), Some((2, "month-2026-11-01")));
        assert_eq!(status(&[("recordings-month-2026-10-01", 5.into())]).counted(now), None);
        let forever = status(&[("recordings-forever", 7.into())]);
        assert_eq!(forever.counted(now), Some((7, "forever")));
    }
}
