//! The events of a log group, as lines.

use std::sync::Arc;

use aws_adapters::{LogEvents, LogGroup, LogGroups, Seconds, profile};

use super::name::Place;
use super::{Pieces, Sender, Session, Span, unreadable};
use crate::error::Error;

/// A log group that is read.
#[derive(Clone, Debug)]
pub(crate) struct LogGroupInput {
    session: Arc<Session>,
    groups: LogGroups,
    group: LogGroup,
    seconds: Seconds,
}

impl LogGroupInput {
    /// Looks a log group up; `argument` is what the command line calls it.
    pub(crate) fn find(
        session: &Arc<Session>,
        argument: &str,
        name: &str,
        place: Option<&Place>,
        span: Span,
    ) -> Result<Self, Error> {
        let config = match place {
            Some(place) => profile::in_region(&session.config, &place.region),
            None => session.config.clone(),
        };
        let region = config.region().map(ToString::to_string).unwrap_or_default();
        let groups = LogGroups::new(&config).map_err(unreadable(argument))?;
        let found = session.wait(groups.find(name, span.now)).map_err(Error::input(argument))?;
        let group = found.map_err(unreadable(argument))?;
        let refuse = |reason| Error::Unreadable { name: argument.to_owned(), reason };
        let group = group.ok_or_else(|| refuse(missing(name, &region)))?;
        if let Some(place) = place.filter(|place| !is_in_account(&group, &place.account)) {
            return Err(refuse(format!(
                "the credentials are those of another account than {}; --profile chooses others",
                place.account
            )));
        }
        let now = span.now.as_second().saturating_add(1);
        let until = span.until.and_then(|until| i64::try_from(until).ok());
        let seconds = Seconds {
            from: span.since.and_then(|since| i64::try_from(since).ok()),
            until: until.map_or(now, |until| until.min(now)),
        };
        Ok(Self { session: Arc::clone(session), groups, group, seconds })
    }

    /// Begins to read.
    pub(crate) fn open(&self) -> Pieces {
        let events = self.groups.events(&self.group, self.seconds);
        self.session.fetch(|sender| send_lines(events, sender))
    }
}

fn missing(name: &str, region: &str) -> String {
    format!(
        "there is no log group {name} in {region}; --region and --profile choose another region \
         and account"
    )
}

/// A local AWS may call its log groups by no ARN.
fn is_in_account(group: &LogGroup, account: &str) -> bool {
    group.arn.split(':').nth(4).is_none_or(|found| found == account)
}

async fn send_lines(mut events: LogEvents, pieces: Sender) {
    while let Some(messages) = events.next().await.transpose() {
        let is_over = messages.is_err();
        let sent = pieces.send(messages.map(|messages| lines(&messages)));
        if sent.await.is_err() || is_over {
            return;
        }
    }
}

fn lines(messages: &[String]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(messages.iter().map(|message| message.len() + 1).sum());
    for message in messages {
        lines.extend_from_slice(message.as_bytes());
        if !message.ends_with('\n') {
            lines.push(b'\n');
        }
    }
    lines
}
