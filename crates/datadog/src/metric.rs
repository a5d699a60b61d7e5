//! Metrics: their names and types.

use serde::ser::{Serialize, Serializer};

/// What all names begin with.
const PREFIX: &str = "aws.vpc.flowlogs";

/// A metric, and the tag by which its kinds are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Metric {
    pub(crate) kind: Kind,
    name: &'static str,
    /// What stands behind the name: which percentile it is.
    end: Option<&'static str>,
    tag: Option<(&'static str, &'static str)>,
}

/// What the values of a metric are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// So many within a second: values of different writers add up.
    Count,
    /// A value as it was.
    Gauge,
}

impl Metric {
    pub(crate) const LINES_NOT_READ: Self = Self::count("unsupported_message");

    pub(crate) const fn count(name: &'static str) -> Self {
        Self { kind: Kind::Count, name, end: None, tag: None }
    }

    pub(crate) const fn gauge(name: &'static str, end: &'static str) -> Self {
        Self { kind: Kind::Gauge, name, end: Some(end), tag: None }
    }

    pub(crate) const fn tagged(self, key: &'static str, value: &'static str) -> Self {
        Self { tag: Some((key, value)), ..self }
    }

    /// The tag of this metric alone, as Datadog writes tags.
    pub(crate) fn tag(&self) -> Option<String> {
        self.tag.map(|(key, value)| format!("{key}:{value}"))
    }

    pub(crate) fn full_name(&self) -> String {
        match self.end {
            Some(end) => format!("{PREFIX}.{}.{end}", self.name),
            None => format!("{PREFIX}.{}", self.name),
        }
    }
}

/// The name of a distribution, which none of Datadog's own function has.
pub(crate) fn distribution(name: &str) -> String {
    format!("{PREFIX}.{name}.distribution")
}

impl Kind {
    /// How long the time is that a value stands for, in seconds.
    pub(crate) const fn interval(self) -> Option<u32> {
        match self {
            Self::Count => Some(1),
            Self::Gauge => None,
        }
    }
}

impl Serialize for Kind {
    /// The numbers of the [series API](https://docs.datadoghq.com/api/latest/metrics/#submit-metrics).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(match self {
            Self::Count => 1,
            Self::Gauge => 3,
        })
    }
}
