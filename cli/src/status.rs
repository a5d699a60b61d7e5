//! `natflow status`: what a stack's gateways are doing.
//!
//! The alarms say whether a gateway's traffic is abnormal, the stack's table whether it is being
//! recorded, and how often it was, its state machine, how often it may be, and the executions, when
//! a report was last mailed.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use aws_adapters::{Alarms, GatewayAlarm, MailedReports, ReadError, RecordingsTables};
use jiff::{Timestamp, Unit};
use recording::protocol::{attribute, phase};
use recording::quota::QuotaPeriod;
use recording::reserve::Settings;
use recording::table::Item;
use serde_json::Value;

use crate::arguments::{Account, StatusArguments};
use crate::aws::{Session, unreadable};
use crate::column::ColumnType;
use crate::error::Error;
use crate::mailed::{advised, state_machine};
use crate::output::{Cell, Heading, OutputFormat, RowSink};

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

/// What is known of a stack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stack {
    /// In the order of the gateways' IDs.
    statuses: Vec<Status>,
    quota: Option<Quota>,
    /// What could not be found out, and why.
    pub notes: Vec<String>,
}

/// How many recordings each gateway may have, as the state machine tells check-quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quota {
    /// 0: any number.
    allowed: u64,
    period: QuotaPeriod,
}

/// Asks for the gateways of a stack.
pub(crate) fn find(arguments: &StatusArguments, account: &Account) -> Result<Stack, Error> {
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
    let mut found = Stack { statuses: merged(alarms, items), ..Stack::default() };
    found.look_at_state_machine(&session, arguments);
    Ok(found)
}

impl Stack {
    /// Everything else is known without it: what stands in its way is no failure.
    fn look_at_state_machine(&mut self, session: &Session, arguments: &StatusArguments) {
        let named = arguments.state_machine.as_deref();
        let machine = MailedReports::new(session.config()).map_err(advised).and_then(|reports| {
            let machine = state_machine(session, &reports, &arguments.stack, named)?;
            Ok((reports, machine))
        });
        let (reports, machine) = match machine {
            Ok(found) => found,
            Err(reason) => {
                let unknown = "the allowed recordings and last_report are unknown";
                self.notes.push(format!("{unknown}: {reason}"));
                return;
            }
        };
        match quota(session, &reports, &machine) {
            Ok(quota) => self.quota = Some(quota),
            Err(reason) => {
                self.notes.push(format!("the allowed recordings are unknown: {reason}"));
            }
        }
        if let Err(reason) = find_reports(&mut self.statuses, session, &reports, &machine) {
            self.notes.push(format!("last_report is unknown: {reason}"));
        }
    }
}

fn quota(session: &Session, reports: &MailedReports, machine: &str) -> Result<Quota, String> {
    let definition = session.wait(reports.definition(machine));
    let definition = definition.map_err(|error| error.to_string())?.map_err(advised)?;
    Quota::in_definition(&definition).ok_or_else(|| {
        format!("no state of {machine} has the settings that a recorder's has; is it one?")
    })
}

impl Quota {
    /// What the definition hands to check-quota: the stack's parameters, as they are now.
    fn in_definition(definition: &str) -> Option<Self> {
        let definition: Value = serde_json::from_str(definition).ok()?;
        let states = definition.get("States")?.as_object()?.values();
        let mut settings = states.filter_map(|state| state.pointer("/Parameters/Payload/settings"));
        let settings: Settings = serde_json::from_value(settings.next()?.clone()).ok()?;
        let allowed = u64::try_from(settings.recordings_allowed).ok()?;
        Some(Self { allowed, period: settings.quota_period })
    }
}

fn find_reports(
    statuses: &mut [Status],
    session: &Session,
    reports: &MailedReports,
    machine: &str,
) -> Result<(), String> {
    let search = reports.visit(machine, MOST_EXECUTIONS, |report| {
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

    /// How many recordings count in the period that runs, and which it is. Without the quota, it
    /// is a period that the table counts in.
    fn counted(&self, quota: Option<Quota>, now: Timestamp) -> (u64, Option<QuotaPeriod>) {
        const PERIODS: [QuotaPeriod; 4] =
            [QuotaPeriod::Forever, QuotaPeriod::Day, QuotaPeriod::Week, QuotaPeriod::Month];
        let is_counted = |period: &QuotaPeriod| self.item.0.contains_key(&period.counter(now));
        let period = match quota {
            Some(quota) => Some(quota.period),
            None => PERIODS.into_iter().find(is_counted),
        };
        let count = period.and_then(|period| self.item.number(&period.counter(now)));
        (count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default(), period)
    }
}

/// `2 of 5 this month`
fn count_words(count: u64, quota: Option<Quota>) -> String {
    let Some(quota) = quota else { return count.to_string() };
    let period = match quota.period {
        QuotaPeriod::Forever => "ever",
        QuotaPeriod::Day => "today",
        QuotaPeriod::Week => "this week",
        QuotaPeriod::Month => "this month",
    };
    match quota.allowed {
        0 => format!("{count} {period}, no limit"),
        allowed => format!("{count} of {allowed} {period}"),
    }
}

const fn period_name(period: QuotaPeriod) -> &'static str {
    match period {
        QuotaPeriod::Forever => "forever",
        QuotaPeriod::Day => "day",
        QuotaPeriod::Week => "week",
        QuotaPeriod::Month => "month",
    }
}

/// Writes a row for each gateway. A table for people has the count and its limit in words.
pub(crate) fn write(
    stack: &Stack,
    now: Timestamp,
    format: OutputFormat,
    sink: &mut dyn RowSink,
) -> Result<(), Error> {
    const NUMBERS: [&str; 2] = ["recordings", "recordings_allowed"];
    const FIRST: [&str; 7] = [
        "gateway",
        "alarm",
        "alarm_since",
        "recording",
        "recording_since",
        "lease_ends",
        "flow_logs",
    ];
    const LAST: [&str; 2] = ["last_alarm", "last_report"];
    let is_table = format == OutputFormat::Table;
    let quota: &[&str] = if is_table {
        &["recordings"]
    } else {
        &["recordings", "recordings_allowed", "quota_period", "quota_renews"]
    };
    let names = [&FIRST[..], quota, &LAST[..]].concat();
    let headings = names.into_iter().map(|name| match name {
        name if NUMBERS.contains(&name) => Heading::new(name, ColumnType::Number(64)),
        name => Heading::new(name, ColumnType::Text),
    });
    sink.start(&headings.collect::<Vec<_>>())?;
    for status in &stack.statuses {
        let alarm = status.alarm.as_ref();
        let recording = status.recording(now);
        let of_recording = |attribute| recording.and_then(|_| status.moment(attribute));
        let mut cells = vec![
            Cell::Text(&status.nat_gateway_id),
            text(alarm.map(|alarm| alarm.state.as_str())),
            moment(alarm.and_then(|alarm| alarm.since)),
            text(recording),
            moment(of_recording(attribute::RESERVED_AT)),
            moment(of_recording(attribute::LEASE_ENDS_AT)),
            text(status.item.text(attribute::FLOW_LOG_IDS)),
        ];
        let (count, period) = status.counted(stack.quota, now);
        if is_table {
            cells.push(Cell::Words(count_words(count, stack.quota)));
        } else {
            let renews = period.and_then(|period| period.renews_on(now));
            cells.extend([
                Cell::Number(count),
                stack.quota.map_or(Cell::Missing, |quota| Cell::Number(quota.allowed)),
                text(period.map(period_name)),
                renews.map_or(Cell::Missing, |day| Cell::Words(day.to_string())),
            ]);
        }
        cells.extend([moment(status.moment(attribute::LAST_ALARM_AT)), moment(status.last_report)]);
        sink.write(&cells)?;
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
        assert_eq!(of_month.counted(None, now), (2, Some(QuotaPeriod::Month)));
        assert_eq!(
            status(&[("recordings-month-2026-10-01", 5.into())]).counted(None, now),
            (0, None)
        );
        let forever = status(&[("recordings-forever", 7.into())]);
        assert_eq!(forever.counted(None, now), (7, Some(QuotaPeriod::Forever)));
    }

    const DEFINITION: &str = r#"{"StartAt": "Reserve", "States": {
        "End": {"Type": "Succeed"},
        "Reserve": {"Type": "Task", "Parameters": {"FunctionName": "f", "Payload": {
            "settings": {
                "recordingSeconds": 900, "minimumRecordingSeconds": 180,
                "reportDelaySeconds": 360, "recordingsAllowed": 5, "quotaPeriod": "month"
            }}}}}}"#;

    #[test]
    fn the_state_machine_says_how_many_are_allowed() {
        let quota = Quota::in_definition(DEFINITION).unwrap();
        assert_eq!(quota, Quota { allowed: 5, period: QuotaPeriod::Month });
        assert_eq!(count_words(2, Some(quota)), "2 of 5 this month");
        assert_eq!(Quota::in_definition(r#"{"States": {"End": {"Type": "Succeed"}}}"#), None);
        // The table may still have what was counted by another period.
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let counters =
            [("recordings-forever", 7.into()), ("recordings-month-2026-11-01", 2.into())];
        assert_eq!(status(&counters).counted(Some(quota), now), (2, Some(QuotaPeriod::Month)));
    }

    #[test]
    fn a_count_is_told_with_its_limit_and_period() {
        let of = |allowed, period| count_words(2, Some(Quota { allowed, period }));
        assert_eq!(of(0, QuotaPeriod::Forever), "2 ever, no limit");
        assert_eq!(of(5, QuotaPeriod::Day), "2 of 5 today");
        assert_eq!(of(5, QuotaPeriod::Week), "2 of 5 this week");
        assert_eq!(count_words(2, None), "2");
    }
}
