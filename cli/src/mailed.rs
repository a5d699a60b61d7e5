//! `natflow report --stack`: the report of a stack's last recording, as it was mailed.
//!
//! An execution's output keeps it for 90 days. A page is made of what programs got.

use std::ops::ControlFlow;

use ::report::Report;
use aws_adapters::{MailedReport, MailedReports, ReadError};

use crate::arguments::{Account, ReportArguments, ReportFormat};
use crate::aws::{Advised, Session};
use crate::error::Error;
use crate::notes::count_of;
use crate::output::Output;
use crate::reporting;
use crate::selection::GatewayName;

/// So many executions are looked at, each with a call. Most record nothing once the quota of a
/// restless gateway is used up.
const MOST_EXECUTIONS: usize = 1000;

/// Looks for the newest report of a stack, or of some of its gateways.
pub(crate) fn last(
    stack: &str,
    arguments: &ReportArguments,
    account: &Account,
) -> Result<MailedReport, Error> {
    let gateways = gateways(&arguments.read.gateway)?;
    let session = Session::start(account)?;
    let unreadable = |reason| Error::Unreadable { name: stack.to_owned(), reason };
    let reports = MailedReports::new(session.config()).map_err(advised).map_err(unreadable)?;
    let named = arguments.state_machine.as_deref();
    let machine = state_machine(&session, &reports, stack, named).map_err(unreadable)?;
    let mut found = None;
    let search = reports.visit(&machine, MOST_EXECUTIONS, |report| {
        if !gateways.is_empty() && !gateways.contains(&report.nat_gateway_id.as_str()) {
            return ControlFlow::Continue(());
        }
        found = Some(report);
        ControlFlow::Break(())
    });
    let looked_at = session.wait(search).map_err(Error::input(stack))?;
    let looked_at = looked_at.map_err(advised).map_err(unreadable)?;
    found.ok_or_else(|| unreadable(nothing_found(looked_at, &gateways)))
}

/// The gateways that were named.
fn gateways(names: &[GatewayName]) -> Result<Vec<&str>, Error> {
    names.iter().map(nat_gateway).collect()
}

fn nat_gateway(name: &GatewayName) -> Result<&str, Error> {
    let found = match name {
        GatewayName::Id(id) if id.starts_with("nat-") => return Ok(id),
        GatewayName::Id(id) => id.to_string(),
        GatewayName::Address(address) => address.to_string(),
    };
    Err(Error::Refused(format!("--gateway {found}: expected nat-… with --stack")))
}

/// The state machine that was named, or the stack's own; otherwise what to do, in a sentence.
pub(crate) fn state_machine(
    session: &Session,
    reports: &MailedReports,
    stack: &str,
    named: Option<&str>,
) -> Result<String, String> {
    if let Some(arn) = named {
        return Ok(arn.to_owned());
    }
    let machines = session.wait(reports.state_machines(stack));
    let machines = machines.map_err(|error| error.to_string())?.map_err(advised)?;
    let region = session.config().region().map(ToString::to_string).unwrap_or_default();
    only(&machines, &region).map(str::to_owned)
}

/// What AWS said, and what to do about it.
pub(crate) fn advised(error: ReadError) -> String {
    Advised(error).to_string()
}

/// A stack has one state machine.
fn only<'m>(machines: &'m [String], region: &str) -> Result<&'m str, String> {
    const NAME_IT: &str = "name it with --state-machine (the stack's output RecorderArn)";
    match machines {
        [machine] => Ok(machine),
        [] => Err(format!(
            "no state machine of this stack is in {region}; {NAME_IT}, or choose another region \
             and account with --region and --profile"
        )),
        several => {
            Err(format!("several state machines may be its own: {}; {NAME_IT}", several.join(", ")))
        }
    }
}

fn nothing_found(looked_at: usize, gateways: &[&str]) -> String {
    let of = match gateways {
        [] => String::new(),
        gateways => format!(" of {}", gateways.join(" or ")),
    };
    let executions = count_of(u64::try_from(looked_at).unwrap_or(u64::MAX), "execution");
    format!(
        "no report{of} is in the newest {executions} that ended well; an execution can be read \
         for 90 days"
    )
}

/// The report that programs got.
pub(crate) fn parsed(mailed: &MailedReport) -> Result<Report, Error> {
    Report::read(&mailed.json).map_err(|reason| Error::Unreadable {
        name: mailed.execution.clone(),
        reason: format!(
            "its report cannot be made a page: {reason}; perhaps a newer natflow can, and without \
             --html it is shown as it was mailed"
        ),
    })
}

/// Writes the report: for people below its subject, for programs as they got it.
pub(crate) fn write(report: &MailedReport, arguments: &ReportArguments) -> Result<(), Error> {
    let output = Output::new(arguments.read.target.as_deref());
    let text = match reporting::format(arguments, &output) {
        ReportFormat::Json => format!("{}\n", report.json.trim_end()),
        _ => format!("{}\n\n{}\n", report.subject, report.body.trim_end()),
    };
    reporting::write_text(&text, &output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_without_one_state_machine_is_told_what_to_do() {
        let of = |names: &[&str]| {
            let machines: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
            only(&machines, "eu-west-1").map(str::to_owned)
        };
        assert_eq!(of(&["a"]).unwrap(), "a");
        assert!(of(&[]).unwrap_err().starts_with("no state machine of this stack is in eu-west-1"));
        assert!(of(&["a", "b"]).unwrap_err().contains("may be its own: a, b; name it with"));
    }

    #[test]
    fn a_report_of_another_version_is_no_page() {
        let mailed = |json: &str| MailedReport {
            execution: "arn".to_owned(),
            ended: None,
            nat_gateway_id: "nat-1".to_owned(),
            subject: String::new(),
            body: String::new(),
            json: json.to_owned(),
        };
        let whole = Report::new(::report::facts::Facts::default());
        assert_eq!(
            parsed(&mailed(&whole.json(usize::MAX))).unwrap().json(usize::MAX),
            whole.json(usize::MAX)
        );
        let of = |json: &str| parsed(&mailed(json)).unwrap_err().to_string();
        let newer = of(r#"{"version": 2}"#);
        assert!(
            newer.contains("arn: its report cannot be made a page: it has version 2; expected 1"),
            "{newer}"
        );
        assert!(of("{}").contains("it is no report"), "{}", of("{}"));
    }

    #[test]
    fn what_was_looked_at_is_counted() {
        let one = nothing_found(1, &["nat-1"]);
        assert!(one.starts_with("no report of nat-1 is in the newest 1 execution that"), "{one}");
        assert!(nothing_found(0, &[]).starts_with("no report is in the newest 0 executions that"));
    }
}
