//! The e-mail about a recording that failed.

use report::email::{Email, Sheet};
use report::words::moment;

use super::{Place, links, why};
use crate::{
    NatGatewayId,
    link::Console,
    state::{Failure, State},
};

/// What is known of an execution that failed.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// The gateway, when the input names one.
    pub gateway: Option<&'a NatGatewayId>,
    /// The execution's ARN.
    pub execution: &'a str,
    /// Its data, when it had reserved a recording.
    pub state: Option<&'a State>,
    /// What failed.
    pub failure: &'a Failure,
    /// What failed in cleaning up afterwards.
    pub clean_up_failure: Option<&'a Failure>,
}

/// The e-mail about a recording that failed.
#[must_use]
pub fn failed(failed: &Failed<'_>, place: Place<'_>) -> Email {
    let gateway = failed.gateway.map_or("an unknown NAT gateway", NatGatewayId::as_str);
    let mut sheet = Sheet::new(&format!("The recording of {gateway} failed."));
    sheet.add("What failed", &why::failure_words(failed.failure));
    match failed.clean_up_failure {
        Some(failure) => sheet.add(
            "NOT cleaned up",
            &format!(
                "{} A flow log may still be running and costing money: look for flow logs with \
                 the tag {}={} and delete them.",
                why::failure_words(failure),
                crate::start::tag_key::EXECUTION,
                failed.execution
            ),
        ),
        None => sheet.add("Cleaned up", "No flow log of this recording is left."),
    }
    if let Some(state) = failed.state {
        add_recording(&mut sheet, state);
    }
    sheet.add("Records", &links::place_words(place, failed.state));
    sheet.add("Stack", &links::stack_words(place.stack, failed.execution));
    for link in links::folders(place, failed.state, failed.execution) {
        sheet.link(&link.label, &link.text);
    }
    sheet
        .link("Every step it took", &Console::of_arn(failed.execution).execution(failed.execution));
    sheet.email(&format!("{gateway}: the recording failed, {}", failed.failure.error))
}

fn add_recording(sheet: &mut Sheet, state: &State) {
    sheet.add("Why it started", &why::it_started(&state.recording));
    if let Some((from, to)) = why::window(state) {
        sheet.add("Recorded", &format!("{} to {}", moment(from), moment(to)));
    }
    for flow_log in why::flow_logs(state) {
        sheet.add("Flow log", &flow_log);
    }
    if let Some(quota) = why::quota(&state.recording) {
        sheet.add("Quota", &quota);
    }
    for sentence in why::it_is_incomplete(state) {
        sheet.add("Warning", &sentence);
    }
}
