//! What EC2 says of network interfaces, kept for a while.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::{Duration, Instant},
};

use flowlog::{Field, FlowDirection};
use report::interface::{NetworkInterface, Tags, name_tag};

use crate::json;

/// How many interfaces are remembered, about 700 bytes each.
const MOST_INTERFACES: usize = 20_000;

/// The fields of flow logs that EC2 can fill in where a record lacks them.
pub(crate) const FILLED: [Field; 6] = [
    Field::AccountId,
    Field::VpcId,
    Field::SubnetId,
    Field::InstanceId,
    Field::AzId,
    Field::InterfaceType,
];

/// The network interfaces that were asked for. That there is none is remembered as well, so that
/// the records of a deleted interface cost one question and not one each.
#[derive(Debug)]
pub(crate) struct Interfaces {
    by_id: HashMap<Box<str>, Remembered>,
    most_age: Duration,
}

#[derive(Debug)]
struct Remembered {
    known: Option<KnownInterface>,
    asked: Instant,
}

/// An interface, ready to be written.
#[derive(Debug)]
pub(crate) struct KnownInterface {
    addresses: Vec<IpAddr>,
    /// A member for each of [`FILLED`], with a comma before it.
    filled: [Option<Box<[u8]>>; FILLED.len()],
    /// The members that no record has.
    others: Box<[u8]>,
}

/// What is remembered of an interface.
pub(crate) enum Found<'i> {
    Known(&'i KnownInterface),
    /// EC2 knows none.
    Absent,
    /// EC2 has to be asked, for the first time or again.
    Unknown,
}

impl Interfaces {
    pub(crate) fn new(most_age: Duration) -> Self {
        Self { by_id: HashMap::new(), most_age }
    }

    pub(crate) fn get(&self, id: &str, now: Instant) -> Found<'_> {
        match self.by_id.get(id) {
            Some(found) if now.duration_since(found.asked) <= self.most_age => {
                found.known.as_ref().map_or(Found::Absent, Found::Known)
            }
            _ => Found::Unknown,
        }
    }

    /// Remembers what EC2 has answered about interfaces. What it no longer knows stays as it was
    /// known, since records come minutes after the traffic.
    pub(crate) fn learn(
        &mut self,
        asked: &[String],
        interfaces: &[NetworkInterface],
        instance_tags: &BTreeMap<String, Tags>,
        now: Instant,
    ) {
        if self.by_id.len() + asked.len() > MOST_INTERFACES {
            // What was learnt for the same event stays: an event of very many interfaces would
            // otherwise have EC2 asked about some of them and forget the others, for ever.
            self.by_id.retain(|_, remembered| remembered.asked == now);
        }
        for id in asked {
            let remembered = self.by_id.entry(id.as_str().into());
            remembered.or_insert(Remembered { known: None, asked: now }).asked = now;
        }
        for interface in interfaces {
            let instance = interface.instance_id.as_ref().and_then(|id| instance_tags.get(id));
            let known = Some(KnownInterface::new(interface, instance));
            self.by_id.insert(interface.id.as_str().into(), Remembered { known, asked: now });
        }
    }
}

impl KnownInterface {
    fn new(interface: &NetworkInterface, instance_tags: Option<&Tags>) -> Self {
        let filled = FILLED.map(|field| {
            let value = match field {
                Field::AccountId => interface.account_id.as_deref(),
                Field::VpcId => interface.vpc_id.as_deref(),
                Field::SubnetId => interface.subnet_id.as_deref(),
                Field::InstanceId => interface.instance_id.as_deref(),
                Field::AzId => interface.zone_id.as_deref(),
                _ => Some(interface.interface_type.as_str()),
            };
            value.map(|value| member(field.json_name(), value).into())
        });
        Self {
            addresses: interface.addresses.clone(),
            filled,
            others: others(interface, instance_tags).into(),
        }
    }

    /// Which way traffic between these addresses passed the interface. None when both of them
    /// are its own, or neither: through a gateway passes what is not its own.
    pub(crate) fn direction(
        &self,
        source: Option<IpAddr>,
        destination: Option<IpAddr>,
    ) -> Option<FlowDirection> {
        let is_own = |address: Option<IpAddr>| Some(self.addresses.contains(&address?));
        match (is_own(source)?, is_own(destination)?) {
            (true, false) => Some(FlowDirection::Egress),
            (false, true) => Some(FlowDirection::Ingress),
            _ => None,
        }
    }

    /// Appends what EC2 knows and the record does not say: `is_missing` tells it of a field.
    pub(crate) fn push(&self, to: &mut Vec<u8>, is_missing: impl Fn(Field) -> bool) {
        for (field, member) in FILLED.iter().zip(&self.filled) {
            if let Some(member) = member.as_ref().filter(|_| is_missing(*field)) {
                to.extend_from_slice(member);
            }
        }
        to.extend_from_slice(&self.others);
    }
}

fn others(interface: &NetworkInterface, instance_tags: Option<&Tags>) -> Vec<u8> {
    let texts = [
        ("availability_zone", interface.zone_name.as_ref()),
        ("instance_name", instance_tags.and_then(name_tag)),
        ("interface_name", name_tag(&interface.tags)),
    ];
    let mut members = vec![];
    for (key, value) in texts {
        members.extend(value.map(|value| member(key, value)).into_iter().flatten());
    }
    if !interface.security_groups.is_empty() {
        members.extend_from_slice(br#","security_groups":"#);
        json::push(&mut members, &interface.security_groups);
    }
    members
}

/// `,"vpc_id":"vpc-0a1b"`.
fn member(key: &str, value: &str) -> Vec<u8> {
    let mut member = format!(",\"{key}\":").into_bytes();
    json::push_text(&mut member, value);
    member
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(id: &str) -> NetworkInterface {
        NetworkInterface {
            id: id.to_owned(),
            addresses: ["10.0.1.5", "2001:db8::5"].map(|a| a.parse().unwrap()).into(),
            interface_type: "interface".to_owned(),
            ..NetworkInterface::default()
        }
    }

    fn is_known(interfaces: &Interfaces, id: &str, now: Instant) -> Option<bool> {
        match interfaces.get(id, now) {
            Found::Known(_) => Some(true),
            Found::Absent => Some(false),
            Found::Unknown => None,
        }
    }

    #[test]
    fn what_ec2_does_not_know_is_asked_once_in_a_while() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut interfaces = Interfaces::new(Duration::from_mins(5));
        assert_eq!(is_known(&interfaces, "eni-1", start), None);
        let asked = ["eni-1".to_owned(), "eni-2".to_owned()];
        interfaces.learn(&asked, &[interface("eni-1")], &BTreeMap::new(), start);
        assert_eq!(is_known(&interfaces, "eni-1", at(300)), Some(true));
        assert_eq!(is_known(&interfaces, "eni-2", at(300)), Some(false));
        assert_eq!(is_known(&interfaces, "eni-1", at(301)), None);
        assert_eq!(is_known(&interfaces, "eni-2", at(301)), None);
    }

    #[test]
    fn an_interface_that_is_gone_stays_known() {
        let start = Instant::now();
        let later = start + Duration::from_secs(301);
        let mut interfaces = Interfaces::new(Duration::from_mins(5));
        let asked = ["eni-1".to_owned()];
        interfaces.learn(&asked, &[interface("eni-1")], &BTreeMap::new(), start);
        interfaces.learn(&asked, &[], &BTreeMap::new(), later);
        assert_eq!(is_known(&interfaces, "eni-1", later), Some(true));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let start = Instant::now();
        let mut interfaces = Interfaces::new(Duration::from_mins(5));
        for round in 0..5 {
            let ids = (0..9_000).map(|number| format!("eni-{round}-{number}"));
            let now = start + Duration::from_secs(round);
            interfaces.learn(&ids.collect::<Vec<_>>(), &[], &BTreeMap::new(), now);
            assert!(interfaces.by_id.len() <= MOST_INTERFACES);
        }
    }

    /// However many interfaces an event has, and whichever of them are known.
    #[test]
    fn asking_for_an_event_comes_to_an_end() {
        let now = Instant::now();
        let mut interfaces = Interfaces::new(Duration::from_mins(5));
        let of_event: Vec<_> = (0..25_000).map(|number| format!("eni-{number}")).collect();
        let before = now.checked_sub(Duration::from_secs(9)).unwrap();
        interfaces.learn(&of_event[..15_000], &[], &BTreeMap::new(), before);
        for _ in 0..2 {
            let is_unknown = |id: &&String| is_known(&interfaces, id, now).is_none();
            let unknown: Vec<_> = of_event.iter().filter(is_unknown).cloned().collect();
            assert!(!unknown.is_empty());
            interfaces.learn(&unknown, &[], &BTreeMap::new(), now);
        }
        assert!(of_event.iter().all(|id| is_known(&interfaces, id, now).is_some()));
    }

    #[test]
    fn the_direction_is_known_or_not_guessed() {
        let known = KnownInterface::new(&interface("eni-1"), None);
        let address = |text: &str| text.parse().ok();
        let direction =
            |source, destination| known.direction(address(source), address(destination));
        assert_eq!(direction("10.0.1.5", "203.0.113.5"), Some(FlowDirection::Egress));
        assert_eq!(direction("2001:db8::9", "2001:db8::5"), Some(FlowDirection::Ingress));
        assert_eq!(direction("10.0.1.6", "203.0.113.5"), None);
        assert_eq!(direction("10.0.1.5", "10.0.1.5"), None);
        assert_eq!(direction("10.0.1.5", "-"), None);
    }
}
