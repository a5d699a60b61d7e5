//! AWS as a test wants it to answer: Logs Insights runs the queries that it is asked.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use insights::{Event, Query, Value};
use jiff::Timestamp;
use recording::{
    Error, NatGatewayId,
    gateway::NatGateway,
    ports::{
        AddressRanges, Clock, GatewayMetrics, Gateways, LogsQueries, LogsQuery, NetworkInterfaces,
        QueryResults, QueryStatistics, QueryStatus, VpcEndpoints,
    },
    report::Sources,
};
use report::endpoint::VpcEndpoint;
use report::interface::{NetworkInterface, Tags};
use report::metered::MeteredMinute;

use crate::spike::Spike;

/// What AWS answers, and how it fails.
pub(crate) struct World {
    pub(crate) records: Vec<(i64, String)>,
    pub(crate) metered: Result<Vec<MeteredMinute>, Error>,
    pub(crate) interfaces: Result<Vec<NetworkInterface>, Error>,
    pub(crate) tags: Result<BTreeMap<String, Tags>, Error>,
    pub(crate) endpoints: Result<Vec<VpcEndpoint>, Error>,
    pub(crate) ranges: Result<String, Error>,
    pub(crate) gateway: Result<NatGateway, Error>,
    pub(crate) queries: Queries,
    pub(crate) elapsed: Cell<Duration>,
    pub(crate) started: RefCell<Vec<LogsQuery>>,
    pub(crate) polls: Cell<u32>,
    pub(crate) stopped: RefCell<Vec<String>>,
    pub(crate) running: RefCell<BTreeSet<String>>,
}

/// How queries fare.
#[derive(Clone, Debug)]
pub(crate) enum Queries {
    /// They are answered when they are asked for the second time.
    Answered,
    /// They are never started.
    Refused(Error),
    /// They never end, and show the rows that they have so far.
    NeverEnd,
    /// They end in this way, with these rows.
    End(QueryStatus),
    /// The first of them is throttled so often, then they are answered.
    Throttled(Cell<u32>),
}

const RANGES: &str = r#"{"prefixes": [
    {"ip_prefix": "52.218.0.0/17", "region": "eu-west-1", "service": "S3"},
    {"ip_prefix": "52.216.0.0/15", "region": "us-east-1", "service": "S3"}], "ipv6_prefixes": [
    {"ipv6_prefix": "2a05:d018::/36", "region": "eu-west-1", "service": "S3"}]}"#;

impl World {
    /// AWS after a spike, without names and endpoints.
    pub(crate) fn after(spike: &Spike) -> Self {
        Self {
            records: spike.records(),
            metered: Ok(spike.metered()),
            interfaces: Ok(vec![]),
            tags: Ok(BTreeMap::new()),
            endpoints: Ok(vec![]),
            ranges: Ok(RANGES.to_owned()),
            gateway: Ok(NatGateway { state: "available".to_owned(), ..NatGateway::default() }),
            queries: Queries::Answered,
            elapsed: Cell::default(),
            started: RefCell::default(),
            polls: Cell::default(),
            stopped: RefCell::default(),
            running: RefCell::default(),
        }
    }

    /// An instance with its `Name` tag.
    pub(crate) fn with_instance(mut self, address: &str, id: &str, name: &str) -> Self {
        let interface = NetworkInterface {
            id: format!("eni-of-{id}"),
            addresses: vec![address.parse().unwrap()],
            interface_type: "interface".to_owned(),
            instance_id: Some(id.to_owned()),
            ..NetworkInterface::default()
        };
        self.interfaces.as_mut().unwrap().push(interface);
        let tags = Tags::from([("Name".to_owned(), name.to_owned())]);
        self.tags.as_mut().unwrap().insert(id.to_owned(), tags);
        self
    }

    /// An interface that a service created.
    pub(crate) fn with_interface(mut self, address: &str, description: &str) -> Self {
        self.interfaces.as_mut().unwrap().push(NetworkInterface {
            id: "eni-0f0e".to_owned(),
            addresses: vec![address.parse().unwrap()],
            interface_type: "interface".to_owned(),
            description: description.to_owned(),
            ..NetworkInterface::default()
        });
        self
    }

    /// How many queries were started.
    pub(crate) fn started(&self) -> usize {
        self.started.borrow().len()
    }

    fn results_of(&self, query: &LogsQuery, status: QueryStatus) -> QueryResults {
        let (from, to) = (query.from.as_millisecond(), query.to.as_millisecond());
        let events = self.records.iter().filter(|(at, _)| (from..=to).contains(at));
        let table =
            Query::parse(&query.text).unwrap().run(events.map(|(at, text)| Event::new(*at, text)));
        let row = |row: &Vec<Value<'_>>| {
            let values = table.columns.iter().zip(row);
            let present = values.filter(|(_, value)| **value != Value::Missing);
            present.map(|(column, value)| (column.clone(), value.to_string())).collect()
        };
        let limit = usize::try_from(query.limit).unwrap();
        let count = |number: u64| f64::from(u32::try_from(number).unwrap());
        QueryResults {
            status,
            rows: table.rows.iter().take(limit).map(row).collect(),
            statistics: QueryStatistics {
                records_matched: count(table.statistics.records_matched),
                records_scanned: count(table.statistics.records_scanned),
                bytes_scanned: count(table.statistics.bytes_scanned),
            },
        }
    }
}

/// Answers of a test need no waiting.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a test waits for nothing"),
    }
}

pub(crate) fn throttled() -> Error {
    Error::Transient {
        operation: "logs:StartQuery",
        message: "LimitExceededException, too many queries at once".to_owned(),
    }
}

pub(crate) fn denied(operation: &'static str) -> Error {
    Error::AwsRefused {
        operation,
        code: "AccessDenied".to_owned(),
        message: "the role may not do that".to_owned(),
    }
}

impl Sources for World {
    fn logs(&self) -> &impl LogsQueries {
        self
    }

    fn metrics(&self) -> &impl GatewayMetrics {
        self
    }

    fn gateways(&self) -> &impl Gateways {
        self
    }

    fn interfaces(&self) -> &impl NetworkInterfaces {
        self
    }

    fn endpoints(&self) -> &impl VpcEndpoints {
        self
    }

    fn ranges(&self) -> &impl AddressRanges {
        self
    }

    fn clock(&self) -> &impl Clock {
        self
    }
}

impl LogsQueries for World {
    async fn start(&self, query: &LogsQuery) -> Result<String, Error> {
        match &self.queries {
            Queries::Refused(error) => return Err(error.clone()),
            Queries::Throttled(times) if times.get() > 0 => {
                times.set(times.get() - 1);
                return Err(throttled());
            }
            _ => {}
        }
        let mut started = self.started.borrow_mut();
        started.push(query.clone());
        let id = (started.len() - 1).to_string();
        self.running.borrow_mut().insert(id.clone());
        assert!(self.running.borrow().len() <= 3, "an account runs few queries at once");
        Ok(id)
    }

    async fn results(&self, query_id: &str) -> Result<QueryResults, Error> {
        let query = self.started.borrow()[query_id.parse::<usize>().unwrap()].clone();
        self.polls.set(self.polls.get() + 1);
        let results = match self.queries {
            Queries::NeverEnd => self.results_of(&query, QueryStatus::Running),
            Queries::End(status) => self.results_of(&query, status),
            _ if self.polls.get() % 2 == 1 => QueryResults::default(),
            _ => self.results_of(&query, QueryStatus::Complete),
        };
        if results.status != QueryStatus::Running {
            self.running.borrow_mut().remove(query_id);
        }
        Ok(results)
    }

    async fn stop(&self, query_id: &str) -> Result<(), Error> {
        self.stopped.borrow_mut().push(query_id.to_owned());
        self.running.borrow_mut().remove(query_id);
        Ok(())
    }
}

impl GatewayMetrics for World {
    async fn minutes(
        &self,
        _: &NatGatewayId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<MeteredMinute>, Error> {
        let of_window = |minutes: Vec<MeteredMinute>| {
            let in_window =
                minutes.into_iter().filter(|minute| from <= minute.at && minute.at < to);
            in_window.collect()
        };
        self.metered.clone().map(of_window)
    }
}

impl Gateways for World {
    async fn describe(&self, _: &NatGatewayId) -> Result<NatGateway, Error> {
        self.gateway.clone()
    }
}

impl NetworkInterfaces for World {
    async fn with_addresses(
        &self,
        _: &str,
        addresses: &[IpAddr],
    ) -> Result<Vec<NetworkInterface>, Error> {
        assert!(addresses.len() <= 200);
        self.interfaces.clone().map(|mut found| {
            found.retain(|found| found.addresses.iter().any(|found| addresses.contains(found)));
            found
        })
    }

    async fn instance_tags(&self, _: &[String]) -> Result<BTreeMap<String, Tags>, Error> {
        self.tags.clone()
    }
}

impl VpcEndpoints for World {
    async fn of_vpc(&self, _: &str) -> Result<Vec<VpcEndpoint>, Error> {
        self.endpoints.clone()
    }
}

impl AddressRanges for World {
    async fn document(&self) -> Result<String, Error> {
        self.ranges.clone()
    }
}

impl Clock for World {
    fn elapsed(&self) -> Duration {
        self.elapsed.get()
    }

    async fn sleep(&self, length: Duration) {
        assert!(!length.is_zero(), "sleeping for no time would never end");
        self.elapsed.set(self.elapsed.get() + length);
    }
}
