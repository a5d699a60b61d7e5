//! The subnets by which traffic is counted, as a file or EC2 has them.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_adapters::SdkConfig;
use export::prometheus::Subnets;
use jiff::Timestamp;

use super::Exporter;
use crate::arguments::ExporterArguments;
use crate::aws::Advised;
use crate::error::Error;

/// Subnets, and where they are looked up.
pub(crate) struct Networks {
    source: Source,
    known: RwLock<Arc<Subnets>>,
}

enum Source {
    File(PathBuf),
    Ec2 { subnets: Box<aws_adapters::Subnets>, vpcs: Vec<String> },
}

impl Networks {
    /// Looks the subnets up for the first time.
    pub(crate) async fn find(
        arguments: &ExporterArguments,
        config: &SdkConfig,
    ) -> Result<Self, Error> {
        let source = if let Some(path) = &arguments.subnets {
            Source::File(path.clone())
        } else {
            let subnets = aws_adapters::Subnets::new(config);
            let subnets = subnets.map_err(crate::aws::unreadable("--subnets"))?;
            Source::Ec2 { subnets: Box::new(subnets), vpcs: arguments.vpc.clone() }
        };
        let known = source.look_up().await;
        let known = known.map_err(|reason| Error::Unreadable { name: source.name(), reason })?;
        Ok(Self { source, known: RwLock::new(Arc::new(known)) })
    }

    /// The subnets that are known.
    pub(crate) fn known(&self) -> Arc<Subnets> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn refresh(&self) -> Result<(), String> {
        let found = Arc::new(self.source.look_up().await?);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }
}

impl Source {
    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Ec2 { .. } => "the subnets".to_owned(),
        }
    }

    async fn look_up(&self) -> Result<Subnets, String> {
        match self {
            Self::File(path) => {
                let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
                Subnets::parse(&text).map_err(|error| error.to_string())
            }
            Self::Ec2 { subnets, vpcs } => {
                let found = subnets.all(vpcs).await;
                let found = found.map_err(|error| {
                    format!("{}; --subnets FILE does without EC2", Advised(error))
                })?;
                let blocks = found.iter().flat_map(|subnet| &subnet.blocks);
                // EC2 names no block that is none.
                Ok(blocks.filter_map(|block| Some((block.parse().ok()?, String::new()))).collect())
            }
        }
    }
}

/// Looks the subnets up again and again. What was known stays known when that fails.
pub(crate) async fn refresh(exporter: Arc<Exporter>, every: Duration) {
    const WHAT: &str = "looking up the subnets";
    exporter.health.has_found_subnets(Timestamp::now());
    loop {
        tokio::time::sleep(every).await;
        match exporter.networks.refresh().await {
            Ok(()) => {
                exporter.health.works(WHAT);
                exporter.health.has_found_subnets(Timestamp::now());
            }
            Err(reason) => {
                if exporter.health.fails(WHAT, &reason) {
                    exporter.note(&format!("{WHAT} failed, the known ones are used: {reason}"));
                }
            }
        }
    }
}
