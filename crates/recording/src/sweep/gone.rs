//! Gateways that had an alarm and no longer exist.

use std::collections::BTreeSet;

use report::email::{Email, Sheet};

use super::{
    Aws, Sweep, Swept,
    announcement::{self, Announcement, Rival},
    patiently,
};
use crate::{Error, NatGatewayId, ports::ExistingGateways as _, protocol::attribute, table::Item};

/// Names them in one e-mail, once.
pub(super) async fn announce(
    aws: &impl Aws,
    sweep: &Sweep<'_>,
    items: &[(NatGatewayId, Item)],
    swept: &mut Swept,
) {
    match name(aws, sweep, items).await {
        Ok(gone) => swept.gone = gone,
        Err(error) => swept.leave("gateways that no longer exist", &error),
    }
}

async fn name(
    aws: &impl Aws,
    sweep: &Sweep<'_>,
    items: &[(NatGatewayId, Item)],
) -> Result<Vec<NatGatewayId>, Error> {
    let watched = items.iter().filter(|(_, item)| is_watched(item));
    let watched: BTreeSet<NatGatewayId> = watched.map(|(gateway, _)| gateway.clone()).collect();
    if watched.is_empty() || !sweep.has_time(aws.clock()) {
        return Ok(Vec::new());
    }
    let existing = patiently(aws, sweep, async || aws.gateways().existing(&watched).await).await?;
    let gone: Vec<_> = items
        .iter()
        .filter(|(gateway, _)| watched.contains(gateway) && !existing.contains(gateway))
        .map(|(gateway, item)| Announcement {
            gateway,
            attribute: attribute::GONE,
            mark: item.0.get(attribute::GONE),
        })
        .collect();
    let mut named = Vec::new();
    let email = |begun: &[&Announcement<'_>]| {
        named = begun.iter().map(|gone| gone.gateway.clone()).collect();
        email(sweep.place.stack, &named)
    };
    announcement::make(aws, sweep, Rival::Doubt, &gone, email).await?;
    Ok(named)
}

/// Whether it has, or had, an alarm, and has not been named yet.
fn is_watched(item: &Item) -> bool {
    let had_alarm = [attribute::LAST_ALARM_AT, attribute::LAST_OK_AT];
    had_alarm.iter().any(|name| item.number(name).is_some())
        && item.number(attribute::GONE).is_none()
}

fn email(stack: &str, gone: &[NatGatewayId]) -> Email {
    let (first, others) = match gone {
        [only] => (only.to_string(), String::new()),
        [first, others @ ..] => (first.to_string(), format!(" and {} more", others.len())),
        [] => (String::new(), String::new()),
    };
    let (no_longer, exists) = if gone.len() == 1 {
        ("A NAT gateway that this stack watches", "exists")
    } else {
        ("NAT gateways that this stack watches", "exist")
    };
    let mut sheet = Sheet::new(&format!("{no_longer} no longer {exists}."));
    let ids: Vec<&str> = gone.iter().map(NatGatewayId::as_str).collect();
    sheet.add("Gone", &ids.join(", "));
    sheet.add(
        "What to do",
        "If NatGatewayIDs still names it, take it out, name the gateway that replaced it, and \
         deploy again: until then nothing watches the replacement. A gateway that NatGatewayIDs \
         no longer names needs nothing.",
    );
    sheet.add("Stack", stack);
    sheet.email(&format!("{first}{others} no longer {exists}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateways(count: usize) -> Vec<NatGatewayId> {
        let id = |number| NatGatewayId::try_from(format!("nat-{number:017x}")).unwrap();
        (0..count).map(id).collect()
    }

    #[test]
    fn the_subject_names_the_first() {
        assert_eq!(
            email("recorder", &gateways(1)).subject,
            "nat-00000000000000000 no longer exists"
        );
        let email = email("recorder", &gateways(3));
        assert_eq!(email.subject, "nat-00000000000000000 and 2 more no longer exist");
        assert!(email.body.contains("nat-00000000000000002"), "{}", email.body);
    }

    #[test]
    fn only_gateways_with_an_alarm_are_watched_and_only_until_they_are_named() {
        let item = |names: &[&str]| {
            Item(names.iter().map(|name| ((*name).to_owned(), 1.into())).collect())
        };
        assert!(is_watched(&item(&[attribute::LAST_OK_AT])));
        assert!(is_watched(&item(&[attribute::LAST_ALARM_AT])));
        assert!(!is_watched(&item(&[attribute::RESERVED_AT])));
        assert!(!is_watched(&item(&[attribute::LAST_OK_AT, attribute::GONE])));
    }
}
