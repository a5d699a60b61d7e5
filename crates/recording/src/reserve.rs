//! *Reserve a recording*: whether this execution records, and until when it may.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Error, NatGatewayId,
    alarm::{self, Alarm},
    ports::Table,
    protocol::{self, Lease, attribute},
    quota::{COUNTER_PREFIX, QuotaPeriod},
    state::{Decision, QuotaPlace, Recording, Refusal, State},
    table::{Item, Outcome},
};

/// What the state machine asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The execution's input: an alarm event, or a start by hand.
    pub input: serde_json::Value,
    /// The execution's ARN.
    pub execution: String,
    /// When the state was entered, by Step Functions' clock.
    pub at: Timestamp,
    /// The stack's settings.
    pub settings: Settings,
}

/// The stack's settings, from its parameters.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// At most so many seconds are recorded, from 1 to [`LONGEST_RECORDING_SECONDS`].
    pub recording_seconds: i64,
    /// At least so many seconds are recorded.
    pub minimum_recording_seconds: i64,
    /// Seconds from the end of the recording to its report.
    pub report_delay_seconds: i64,
    /// Recordings per gateway and period; 0: any number.
    pub recordings_allowed: i64,
    /// The period.
    pub quota_period: QuotaPeriod,
}

/// The answer: record, or not and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// This execution records.
    Record(Box<State>),
    /// It does not.
    Refuse(Refusal),
}

/// 24 hours: what "until the alarm clears" means at most.
pub const LONGEST_RECORDING_SECONDS: i64 = 86_400;

/// All retries of the state machine's steps up to the release, at their longest:
/// a test adds them up from the state machine's definition.
pub const ALL_RETRIES_SECONDS: i64 = 3_300;

/// What a lease has beyond the longest that its recording can take.
pub const LEASE_GRACE_SECONDS: i64 = 900;

/// A refused write is looked into and answered with another, which can be refused
/// in its turn when the item changes in between.
const ATTEMPTS: usize = 5;

/// Reserves a recording. Asked again for the same execution, it gives the same
/// answer.
pub async fn reserve(table: &impl Table, request: &Request) -> Result<Answer, Error> {
    let start = Start::read(&request.input)?;
    let reservation = Reservation::new(request, start)?;
    for _ in 0..ATTEMPTS {
        let found = match table.write(&reservation.gateway, reservation.write()).await? {
            Outcome::Done(item) => {
                forget_old_counters(table, &reservation, &item).await?;
                return Ok(reservation.record(&item));
            }
            Outcome::Refused(item) => item,
        };
        match reservation.judge(&found) {
            Judgement::Answer(answer) => return Ok(answer),
            Judgement::NoteAlarm(alarm_at) => {
                let write = protocol::note_alarm(&request.execution, request.at, alarm_at);
                if let Outcome::Done(_) = table.write(&reservation.gateway, write).await? {
                    return Ok(reservation.already_recording(&found));
                }
            }
        }
    }
    Err(Error::Transient {
        operation: "dynamodb:UpdateItem",
        message: format!("the item of {} changed {ATTEMPTS} times meanwhile", reservation.gateway),
    })
}

async fn forget_old_counters(
    table: &impl Table,
    reservation: &Reservation<'_>,
    item: &Item,
) -> Result<(), Error> {
    let old: Vec<&str> = item
        .0
        .keys()
        .map(String::as_str)
        .filter(|name| name.starts_with(COUNTER_PREFIX) && !reservation.counts_in(name))
        .collect();
    if !old.is_empty() && reservation.counter.is_some() {
        let write = protocol::forget_counters(&reservation.request.execution, &old);
        table.write(&reservation.gateway, write).await?;
    }
    Ok(())
}

/// The input of an execution.
#[derive(Clone, Debug)]
pub enum Start {
    /// A gateway's alarm.
    Alarm(NatGatewayId, Alarm),
    /// `{"natGatewayId": "nat-…", "recordingSeconds": 300}`
    ByHand(ByHand),
}

/// A start by hand: any gateway of the account and region, outside the quota.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ByHand {
    /// The gateway.
    pub nat_gateway_id: NatGatewayId,
    /// How long; 0: 24 hours; missing: the stack's `RecordingTime`.
    pub recording_seconds: Option<i64>,
}

impl Start {
    /// Reads the input of an execution.
    pub fn read(input: &serde_json::Value) -> Result<Self, Error> {
        if input.get("natGatewayId").is_some() {
            return ByHand::deserialize(input).map(Self::ByHand).map_err(|error| {
                Error::EventRefused(format!(
                    "the input of a start by hand is {{\"natGatewayId\": \"nat-…\", \
                     \"recordingSeconds\": 300}}: {error}"
                ))
            });
        }
        alarm::raised(input).map(|(gateway, alarm)| Self::Alarm(gateway, alarm))
    }

    /// The gateway to record.
    #[must_use]
    pub fn gateway(&self) -> &NatGatewayId {
        match self {
            Self::Alarm(gateway, _) | Self::ByHand(ByHand { nat_gateway_id: gateway, .. }) => {
                gateway
            }
        }
    }

    /// The counter of a recording that starts like this; by hand there is none.
    #[must_use]
    pub fn counter(&self, period: QuotaPeriod) -> Option<String> {
        match self {
            Self::Alarm(_, alarm) => Some(period.counter(alarm.at)),
            Self::ByHand(_) => None,
        }
    }
}

/// A reservation that is asked for.
struct Reservation<'a> {
    request: &'a Request,
    gateway: NatGatewayId,
    alarm: Option<Alarm>,
    counter: Option<String>,
    recording_seconds: i64,
    minimum_seconds: i64,
    lease_ends_at: Timestamp,
}

enum Judgement {
    Answer(Answer),
    NoteAlarm(Timestamp),
}

impl<'a> Reservation<'a> {
    fn new(request: &'a Request, start: Start) -> Result<Self, Error> {
        let counter = start.counter(request.settings.quota_period);
        let gateway = start.gateway().clone();
        let recording_seconds = recording_seconds(&start, &request.settings)?;
        let minimum_seconds =
            request.settings.minimum_recording_seconds.clamp(0, recording_seconds);
        let lease_seconds =
            recording_seconds + minimum_seconds + ALL_RETRIES_SECONDS + LEASE_GRACE_SECONDS;
        let lease_ends_at = after(request.at, lease_seconds)?;
        let alarm = match start {
            Start::Alarm(_, alarm) => Some(alarm),
            Start::ByHand(_) => None,
        };
        Ok(Self {
            request,
            gateway,
            alarm,
            counter,
            recording_seconds,
            minimum_seconds,
            lease_ends_at,
        })
    }

    fn counts_in(&self, counter: &str) -> bool {
        self.counter.as_deref() == Some(counter)
    }

    fn write(&self) -> crate::table::Write {
        let lease = Lease {
            execution: &self.request.execution,
            now: self.request.at,
            ends_at: self.lease_ends_at,
        };
        match (&self.alarm, &self.counter) {
            (Some(alarm), Some(counter)) => {
                let allowed = self.request.settings.recordings_allowed;
                protocol::reserve(&lease, alarm.at, counter, allowed)
            }
            _ => protocol::reserve_by_hand(&lease),
        }
    }

    /// Why the reservation was refused by the item as it was.
    fn judge(&self, found: &Item) -> Judgement {
        if found.text(attribute::EXECUTION) == Some(&self.request.execution) {
            return Judgement::Answer(self.record(found));
        }
        let Some(alarm) = &self.alarm else {
            return Judgement::Answer(self.already_recording(found));
        };
        if let Some(known) = self.known_since(found, alarm.at) {
            return Judgement::Answer(known);
        }
        if self.lease_is_held(found) {
            return Judgement::NoteAlarm(alarm.at);
        }
        Judgement::Answer(self.quota_reached(found))
    }

    /// The answer to an alarm that is not newer than the newest alarm or OK.
    fn known_since(&self, found: &Item, alarm_at: Timestamp) -> Option<Answer> {
        let alarm_at = alarm_at.as_millisecond();
        let last_alarm = found.number(attribute::LAST_ALARM_AT).filter(|last| *last >= alarm_at);
        let last_ok = found.number(attribute::LAST_OK_AT).filter(|last| *last >= alarm_at);
        let noted_by_me = last_alarm == Some(alarm_at)
            && found.text(attribute::LAST_ALARM_EXECUTION) == Some(&self.request.execution);
        if noted_by_me {
            return Some(self.already_recording(found));
        }
        let newer = match (last_alarm, last_ok) {
            (Some(last), _) if last == alarm_at => "this alarm is known already".to_owned(),
            (Some(last), _) => format!("a newer alarm of {} is known already", time(last)),
            (None, Some(last)) => format!("it has cleared since, at {}", time(last)),
            (None, None) => return None,
        };
        Some(self.refuse(Decision::Duplicate, format!("{}: {newer}.", self.alarm_words())))
    }

    fn lease_is_held(&self, found: &Item) -> bool {
        protocol::lease_is_held(self.request.at).holds(found)
    }

    fn quota_reached(&self, found: &Item) -> Answer {
        let used = self.counter.as_deref().and_then(|counter| found.number(counter)).unwrap_or(0);
        let allowed = self.request.settings.recordings_allowed;
        let renewal = match self.alarm.as_ref() {
            Some(alarm) => self.request.settings.quota_period.renews_on(alarm.at),
            None => None,
        };
        let renewal = match renewal {
            Some(day) => format!("the count starts again on {day} (UTC)"),
            None => "the count never starts again; raise NumOfRecordings".to_owned(),
        };
        let reason = format!("{} has had {used} of {allowed} recordings: {renewal}.", self.gateway);
        self.refuse(Decision::QuotaReached, reason)
    }

    fn already_recording(&self, found: &Item) -> Answer {
        let holder = found.text(attribute::EXECUTION).unwrap_or("an execution that has just ended");
        let reason = format!("{} is being recorded by {holder}.", self.gateway);
        self.refuse(Decision::AlreadyRecording, reason)
    }

    fn refuse(&self, decision: Decision, reason: String) -> Answer {
        Answer::Refuse(Refusal { decision, reason, nat_gateway_id: self.gateway.clone() })
    }

    fn record(&self, item: &Item) -> Answer {
        let quota = self.counter.as_ref().map(|counter| QuotaPlace {
            number: item.number(counter).unwrap_or(1),
            allowed: self.request.settings.recordings_allowed,
            period: self.request.settings.quota_period,
            counter: counter.clone(),
        });
        Answer::Record(Box::new(State {
            decision: Decision::Record,
            reason: self.alarm_words(),
            recording: Recording {
                nat_gateway_id: self.gateway.clone(),
                execution: self.request.execution.clone(),
                alarm: self.alarm.clone(),
                reserved_at: self.request.at,
                lease_ends_at: self.lease_ends_at,
                recording_seconds: self.recording_seconds,
                minimum_recording_seconds: self.minimum_seconds,
                quota,
            },
            wait_seconds: self.recording_seconds,
            report_delay_seconds: self.request.settings.report_delay_seconds.max(0),
            started: None,
            minimum_ends_at: None,
            ended: None,
            stopped: None,
            came_back: 0,
            stop: None,
            failure: None,
            clean_up_failure: None,
        }))
    }

    fn alarm_words(&self) -> String {
        match &self.alarm {
            Some(alarm) => format!("{} is in ALARM since {}", alarm.name, alarm.at),
            None => format!("A recording of {} was started by hand.", self.gateway),
        }
    }
}

fn recording_seconds(start: &Start, settings: &Settings) -> Result<i64, Error> {
    let seconds = match start {
        Start::ByHand(ByHand { recording_seconds: Some(seconds), .. }) => *seconds,
        _ => settings.recording_seconds,
    };
    match seconds {
        0 => Ok(LONGEST_RECORDING_SECONDS),
        1..=LONGEST_RECORDING_SECONDS => Ok(seconds),
        _ => Err(Error::EventRefused(format!(
            "recordingSeconds is {seconds}: expected 1 to {LONGEST_RECORDING_SECONDS}, or 0 for \
             the longest"
        ))),
    }
}

fn after(at: Timestamp, seconds: i64) -> Result<Timestamp, Error> {
    at.checked_add(SignedDuration::from_secs(seconds)).map_err(|error| {
        Error::EventRefused(format!("{at} and {seconds} s more is out of range: {error}"))
    })
}

fn time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| format!("{milliseconds} ms"), |at| at.to_string())
}
