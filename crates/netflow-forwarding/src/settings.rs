//! Settings from the function's environment.

use std::borrow::Cow;
use std::net::IpAddr;
use std::num::NonZero;
use std::str::FromStr;

use collectors::CollectorName;
use export::netflow::{self, Encoder, Protocol, SettingsError};
use flowlog::{Format, GatewayAddresses};

use crate::Error;

/// How and where records are sent. An empty variable is one that is not set.
///
/// | variable | value | without it |
/// |---|---|---|
/// | `COLLECTORS` | `HOST:PORT`, several separated by commas | refused |
/// | `TABLE_NAME` | the DynamoDB table of sequence numbers | refused |
/// | `PROTOCOL` | `ipfix`, `v9` or `v5` | `ipfix` |
/// | `DOMAIN` | the observation domain | 1 |
/// | `MTU` | the most bytes of a datagram | 1400 |
/// | `RATE` | the most records in a second; 0 for no limit | no limit |
/// | `GATEWAYS` | private addresses of NAT gateways, separated by commas | each record as it is |
/// | `LEGS` | `ends` or `all` of a connection through a gateway | `ends` with `GATEWAYS` |
/// | `PEN` | a private enterprise number | IANA's elements only |
/// | `FORMAT` | fields as `${srcaddr} …` | told by the objects |
/// | `DELETE_OBJECTS` | `true`: what was sent is deleted | `false` |
#[derive(Clone, Debug)]
pub struct Settings {
    /// The table's name.
    pub table_name: String,
    pub(crate) collectors: Vec<CollectorName>,
    pub(crate) datagrams: netflow::Settings,
    pub(crate) rate: Option<NonZero<u32>>,
    pub(crate) gateways: Option<GatewayAddresses>,
    pub(crate) only_ends: bool,
    pub(crate) format: Option<Format>,
    pub(crate) delete_objects: bool,
}

/// A domain that tells these flows from those of natflow's first domain, 0.
const DEFAULT_DOMAIN: u32 = 1;

impl Settings {
    /// Reads the variables, which `variable` looks up.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let variables = Variables(variable);
        let gateways: Vec<IpAddr> = variables.list("GATEWAYS", "private addresses of gateways")?;
        let gateways = (!gateways.is_empty()).then(|| gateways.into_iter().collect());
        let legs = [("ends", true), ("all", false)];
        let only_ends = variables.one_of("LEGS", &legs)?;
        if only_ends == Some(true) && gateways.is_none() {
            let expected = "all, or GATEWAYS to be set: their addresses tell the legs apart";
            return Err(wrong("LEGS", "ends".to_owned(), expected));
        }
        Ok(Self {
            table_name: variables.required("TABLE_NAME", "a DynamoDB table")?,
            collectors: variables.collectors()?,
            datagrams: variables.datagrams()?,
            rate: variables.rate()?,
            only_ends: only_ends.unwrap_or(gateways.is_some()),
            gateways,
            format: variables.format()?,
            delete_objects: variables
                .one_of("DELETE_OBJECTS", &[("true", true), ("false", false)])?
                .unwrap_or(false),
        })
    }

    /// Protocol and domain, under which the table counts.
    pub(crate) fn sequence(&self) -> String {
        format!("{}/{}", self.datagrams.protocol.name(), self.datagrams.domain)
    }
}

fn wrong(name: &'static str, found: String, expected: impl Into<Cow<'static, str>>) -> Error {
    Error::SettingsWrong { name, found, expected: expected.into() }
}

struct Variables<V>(V);

impl<V: Fn(&str) -> Option<String>> Variables<V> {
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|text| !text.is_empty())
    }

    fn required(&self, name: &'static str, expected: &'static str) -> Result<String, Error> {
        self.get(name).ok_or_else(|| wrong(name, "not set".to_owned(), expected))
    }

    fn one_of<T: Copy>(
        &self,
        name: &'static str,
        choices: &[(&'static str, T)],
    ) -> Result<Option<T>, Error> {
        let Some(found) = self.get(name) else { return Ok(None) };
        let texts = || choices.iter().map(|(text, _)| *text).collect::<Vec<_>>().join(" or ");
        let chosen = choices.iter().find(|(text, _)| *text == found);
        chosen.map(|(_, choice)| Some(*choice)).ok_or_else(|| wrong(name, found, texts()))
    }

    fn number<N: FromStr>(
        &self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<Option<N>, Error> {
        let Some(found) = self.get(name) else { return Ok(None) };
        found.parse().map(Some).map_err(|_| wrong(name, found, expected))
    }

    fn list<T: FromStr>(
        &self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<Vec<T>, Error> {
        let text = self.get(name).unwrap_or_default();
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let parsed = words.map(|word| {
            word.parse().map_err(|_| wrong(name, format!("`{word}` in `{text}`"), expected))
        });
        parsed.collect()
    }

    fn collectors(&self) -> Result<Vec<CollectorName>, Error> {
        const EXPECTED: &str = "HOST:PORT, several separated by commas, IPv6 addresses in brackets";
        let collectors = self.list("COLLECTORS", EXPECTED)?;
        if collectors.is_empty() {
            return Err(wrong("COLLECTORS", "not set".to_owned(), EXPECTED));
        }
        Ok(collectors)
    }

    fn datagrams(&self) -> Result<netflow::Settings, Error> {
        let protocols = Protocol::ALL.map(|protocol| (protocol.name(), protocol));
        let protocol = self.one_of("PROTOCOL", &protocols)?.unwrap_or_default();
        let domain = self.number("DOMAIN", "a number of 32 bits")?;
        let mut settings = netflow::Settings {
            domain: domain.unwrap_or(DEFAULT_DOMAIN),
            enterprise: self.number("PEN", "a number of 32 bits")?,
            ..netflow::Settings::new(protocol)
        };
        if let Some(bytes) = self.number("MTU", "a number of bytes")? {
            settings.most_bytes = bytes;
        }
        Encoder::new(settings).map(|_| settings).map_err(|error| {
            let name = match error {
                SettingsError::Bytes { .. } => "MTU",
                SettingsError::Enterprise(_) => "PEN",
                _ => "DOMAIN",
            };
            let found = self.get(name).unwrap_or_else(|| "not set".to_owned());
            wrong(name, found, format!("something else: {error}"))
        })
    }

    fn rate(&self) -> Result<Option<NonZero<u32>>, Error> {
        Ok(self.number("RATE", "records in a second, or 0")?.and_then(NonZero::new))
    }

    fn format(&self) -> Result<Option<Format>, Error> {
        let Some(found) = self.get("FORMAT") else { return Ok(None) };
        let refused = |error| wrong("FORMAT", found.clone(), format!("fields: {error}"));
        Format::parse(&found).map(Some).map_err(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, Error> {
        let required = [("COLLECTORS", "192.0.2.1:4739"), ("TABLE_NAME", "sequences")];
        let all: Vec<_> = variables.iter().copied().chain(required).collect();
        Settings::read(|name| {
            let found = all.iter().find(|(found, _)| *found == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn little_must_be_set() {
        let settings = read(&[("RATE", "0"), ("LEGS", ""), ("PEN", "")]).unwrap();
        let expected = netflow::Settings { domain: 1, ..netflow::Settings::new(Protocol::Ipfix) };
        assert_eq!(settings.datagrams, expected);
        assert_eq!(settings.sequence(), "ipfix/1");
        assert!(settings.rate.is_none() && settings.gateways.is_none() && !settings.only_ends);
    }

    #[test]
    fn everything_can_be_set() {
        let settings = read(&[
            ("COLLECTORS", "a:1, [::1]:2"),
            ("PROTOCOL", "v9"),
            ("DOMAIN", "7"),
            ("MTU", "1464"),
            ("RATE", "20000"),
            ("GATEWAYS", "10.0.0.220,fd00::1"),
            ("FORMAT", "${srcaddr} ${dstaddr}"),
            ("DELETE_OBJECTS", "true"),
        ]);
        let settings = settings.unwrap();
        assert_eq!(settings.collectors.len(), 2);
        assert_eq!((settings.sequence().as_str(), settings.datagrams.most_bytes), ("v9/7", 1464));
        assert!(settings.only_ends && settings.delete_objects && settings.format.is_some());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (variables, expected) in [
            ([("COLLECTORS", "")], "COLLECTORS is not set, expected HOST:PORT"),
            ([("COLLECTORS", "collector")], "COLLECTORS is `collector` in `collector`, expected"),
            ([("PROTOCOL", "v10")], "PROTOCOL is v10, expected ipfix or v9 or v5"),
            ([("MTU", "100")], "MTU is 100, expected something else: expected 512 to 65507"),
            ([("LEGS", "ends")], "LEGS is ends, expected all, or GATEWAYS to be set"),
            ([("GATEWAYS", "nat-1")], "GATEWAYS is `nat-1` in `nat-1`, expected private addresses"),
            ([("DOMAIN", "-1")], "DOMAIN is -1, expected a number of 32 bits"),
            ([("FORMAT", "srcaddr")], "FORMAT is srcaddr, expected fields"),
            ([("DELETE_OBJECTS", "yes")], "DELETE_OBJECTS is yes, expected true or false"),
        ] {
            let error = read(&variables).unwrap_err();
            assert_eq!(error.name(), "SettingsWrong");
            assert!(error.to_string().contains(expected), "{error}");
        }
        assert!(read(&[("PROTOCOL", "v5"), ("DOMAIN", "70000")]).is_err());
        assert!(read(&[("PROTOCOL", "v9"), ("PEN", "1")]).is_err());
    }
}
