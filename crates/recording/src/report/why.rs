//! Why a recording started and stopped, in words.

use jiff::{SignedDuration, Timestamp};
use report::email::cut;
use report::words::{day, duration, moment};

use crate::{
    alarm::ClearedHow,
    state::{Ended, Failure, QuotaPlace, Recording, State},
};

/// As many as CloudWatch gives as a reason.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html>
const REASON_CHARACTERS: usize = 1023;

pub(super) fn it_started(recording: &Recording) -> String {
    match &recording.alarm {
        Some(alarm) => {
            let reason = cut(&alarm.reason, REASON_CHARACTERS);
            format!("The alarm {} rose at {}. {reason}", alarm.name, moment(alarm.at))
        }
        None => "Somebody started it by hand.".to_owned(),
    }
}

pub(super) fn it_stopped(state: &State) -> String {
    let longest = duration(SignedDuration::from_secs(state.recording.recording_seconds));
    let came_back = match state.came_back {
        0 => String::new(),
        1 => " In between the spike came back once and went on being recorded.".to_owned(),
        times => {
            format!(" In between the spike came back {times} times and went on being recorded.")
        }
    };
    let why = match (&state.ended, &state.recording.alarm) {
        (Some(Ended::Cleared(cleared)), _) => {
            let how = match cleared.how {
                ClearedHow::Ok => "The traffic is back below the threshold since",
                ClearedHow::InsufficientData => "The gateway reports no more traffic since",
                ClearedHow::Deleted => "The alarm was deleted at",
            };
            format!("{how} {}.", moment(cleared.at))
        }
        (Some(ended @ Ended::Error(_)), Some(_)) if ended.timed_out() => {
            format!("The recording time of {longest} was used up. The spike may still be going on.")
        }
        (Some(Ended::Error(_)), Some(_)) => {
            "The alarm had cleared before the recording began to wait.".to_owned()
        }
        _ => format!("The {longest} that were asked for are over."),
    };
    why + &came_back
}

/// "recording 3 of 5; the count starts again on 1 December (UTC)"; nothing when any number is
/// allowed.
pub(super) fn quota(recording: &Recording) -> Option<String> {
    let quota: &QuotaPlace = recording.quota.as_ref().filter(|quota| quota.allowed > 0)?;
    let at = recording.alarm.as_ref().map_or(recording.reserved_at, |alarm| alarm.at);
    let renewal = match quota.period.renews_on(at) {
        Some(date) => format!("the count starts again on {} (UTC)", day(date)),
        None => "the count does not start again".to_owned(),
    };
    Some(format!("recording {} of {}; {renewal}", quota.number, quota.allowed))
}

/// What EC2 and the quota have to say about the end.
pub(super) fn it_is_incomplete(state: &State) -> Vec<String> {
    let Some(stop) = &state.stop else { return vec![] };
    let errors = stop.delivery_errors.iter();
    let mut sentences: Vec<_> = errors
        .map(|error| format!("The recording is incomplete: EC2 says of the delivery: {error}"))
        .collect();
    if stop.given_back {
        sentences.push("Nothing was recorded, so this recording does not count.".to_owned());
    }
    sentences
}

/// Each flow log and what became of it.
pub(super) fn flow_logs(state: &State) -> Vec<String> {
    let Some(started) = &state.started else { return vec![] };
    let deleted = state.stop.as_ref().map(|stop| stop.deleted.as_slice()).unwrap_or_default();
    let flow_logs = started.flow_logs.iter().map(|flow_log| {
        let fate = if deleted.contains(&flow_log.id) { "deleted" } else { "NOT known as deleted" };
        format!("{} on {}, {fate}", flow_log.id, flow_log.resource_id)
    });
    flow_logs.collect()
}

/// When it recorded; nothing when it never started or stopped.
pub(super) fn window(state: &State) -> Option<(Timestamp, Timestamp)> {
    Some((state.started.as_ref()?.at, state.stop.as_ref()?.at))
}

pub(super) fn failure_words(failure: &Failure) -> String {
    let sentence = failure.sentence();
    let stop = if sentence.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}: {sentence}{stop}", failure.error)
}
