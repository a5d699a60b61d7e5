//! Something that is announced once, whoever else would like to.
//!
//! The table says who announces it. Whoever dies between e-mail and table leaves a doubt, and the
//! e-mail is sent again: better twice than never.

use report::email::Email;

use super::{Aws, Sweep, patiently};
use crate::{
    Error, NatGatewayId,
    ports::{Table as _, Topic as _},
    protocol::{self, DOUBT},
    table::{Outcome, Value},
};

/// Something to be announced, with what the table said of it a moment ago.
pub(super) struct Announcement<'a> {
    pub(super) gateway: &'a NatGatewayId,
    /// The attribute of the gateway's item.
    pub(super) attribute: &'a str,
    pub(super) mark: Option<&'a Value>,
}

/// What to think of another invocation that is announcing the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rival {
    /// It will do it.
    Leave,
    /// It may have died. Whoever doubts the same an hour later takes over, since no invocation
    /// lives that long.
    Doubt,
    /// Nobody comes after this sweep.
    TakeOver,
}

/// Who makes an announcement, or has made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// This invocation.
    Now,
    /// Somebody, earlier.
    Before,
    /// Another invocation, if it lives.
    Perhaps,
}

/// So often may others change a mark that is being taken over.
const ATTEMPTS: usize = 3;

/// Publishes one e-mail about those that are this invocation's to announce.
pub(super) async fn make<'a>(
    aws: &impl Aws,
    sweep: &Sweep<'_>,
    rival: Rival,
    announcements: &'a [Announcement<'a>],
    email: impl FnOnce(&[&Announcement<'a>]) -> Email,
) -> Result<Made, Error> {
    let mut begun = Vec::new();
    let mut made = Made::Before;
    for announcement in announcements {
        match announcement.begin(aws, sweep, rival).await? {
            Made::Now => begun.push(announcement),
            Made::Perhaps => made = Made::Perhaps,
            Made::Before => {}
        }
    }
    if begun.is_empty() {
        return Ok(made);
    }
    let email = email(&begun);
    let published = patiently(aws, sweep, async || aws.topic().publish(&email).await).await;
    for announcement in &begun {
        match published {
            Ok(()) => announcement.end(aws, sweep).await?,
            Err(_) => announcement.withdraw(aws, sweep).await,
        }
    }
    published.map(|()| Made::Now)
}

impl Announcement<'_> {
    /// Whether it is this invocation's to make.
    async fn begin(&self, aws: &impl Aws, sweep: &Sweep<'_>, rival: Rival) -> Result<Made, Error> {
        let mut mark = self.mark.cloned();
        for _ in 0..ATTEMPTS {
            let write = match &mark {
                Some(Value::Number(_)) => return Ok(Made::Before),
                Some(Value::Text(other)) if other != sweep.invocation => {
                    let is_doubted = rival == Rival::Doubt && other.starts_with(DOUBT);
                    if !is_doubted && rival != Rival::TakeOver {
                        self.doubt(aws, rival, other).await?;
                        return Ok(Made::Perhaps);
                    }
                    protocol::take_announcement_over(self.attribute, other, sweep.invocation)
                }
                _ => protocol::begin_announcement(self.attribute, sweep.invocation),
            };
            let call = async || aws.table().write(self.gateway, write.clone()).await;
            match patiently(aws, sweep, call).await? {
                Outcome::Done(_) => return Ok(Made::Now),
                // Another sweep came before. The last one of all looks again.
                Outcome::Refused(item) if rival == Rival::TakeOver => {
                    mark = item.0.get(self.attribute).cloned();
                }
                Outcome::Refused(_) => break,
            }
        }
        Ok(Made::Perhaps)
    }

    async fn doubt(&self, aws: &impl Aws, rival: Rival, other: &str) -> Result<(), Error> {
        if rival == Rival::Doubt {
            let write = protocol::doubt_announcement(self.attribute, other);
            aws.table().write(self.gateway, write).await?;
        }
        Ok(())
    }

    /// Notes that it has been made, by whomever.
    pub(super) async fn end(&self, aws: &impl Aws, sweep: &Sweep<'_>) -> Result<(), Error> {
        let write = || protocol::end_announcement(self.attribute, sweep.now);
        patiently(aws, sweep, async || aws.table().write(self.gateway, write()).await).await?;
        Ok(())
    }

    /// The next sweep need not wonder whether this one lives. If this fails, it does.
    async fn withdraw(&self, aws: &impl Aws, sweep: &Sweep<'_>) {
        let write = protocol::withdraw_announcement(self.attribute, sweep.invocation);
        let _ = aws.table().write(self.gateway, write).await;
    }
}
