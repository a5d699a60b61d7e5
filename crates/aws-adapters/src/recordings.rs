//! What a stack's table says about its gateways.

use aws_sdk_dynamodb::Client;
use aws_types::SdkConfig;
use recording::table::{Item, NAT_GATEWAY_ID};

use crate::{ReadError, table::item};

/// The tables of an account and region.
#[derive(Clone, Debug)]
pub struct RecordingsTables {
    client: Client,
}

impl RecordingsTables {
    /// The tables of the configuration's account and region.
    pub fn new(config: &SdkConfig) -> Result<Self, ReadError> {
        if config.region().is_none() {
            return Err(ReadError::NoRegion);
        }
        Ok(Self { client: Client::new(config) })
    }

    /// The names of the tables that CloudFormation made for a stack of this name.
    pub async fn of_stack(&self, stack: &str) -> Result<Vec<String>, ReadError> {
        const OPERATION: &str = "dynamodb:ListTables";
        let prefix = format!("{stack}-RecordingsTable-");
        let mut names = self.client.list_tables().into_paginator().items().send();
        let mut found = vec![];
        while let Some(name) = names.next().await {
            let name = name.map_err(|error| ReadError::of_call(OPERATION, &error))?;
            if name.starts_with(&prefix) {
                found.push(name);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Every gateway's item, with the gateway's ID; in the order of the IDs.
    pub async fn items(&self, table: &str) -> Result<Vec<(String, Item)>, ReadError> {
        const OPERATION: &str = "dynamodb:Scan";
        // What was written a moment ago is what is asked for.
        let call = self.client.scan().table_name(table).consistent_read(true);
        let mut rows = call.into_paginator().items().send();
        let mut items = vec![];
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| ReadError::of_call(OPERATION, &error))?;
            let item = item(Some(row));
            if let Some(id) = item.text(NAT_GATEWAY_ID).map(str::to_owned) {
                items.push((id, item));
            }
        }
        items.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(items)
    }
}
