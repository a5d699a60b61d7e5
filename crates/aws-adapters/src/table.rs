use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use aws_types::SdkConfig;
use recording::{
    Error, NatGatewayId,
    ports::{Items, Table},
    table::{Item, NAT_GATEWAY_ID, Outcome, Value, Write},
};

use crate::error;

/// The table in DynamoDB. Every write is one `UpdateItem`.
#[derive(Clone, Debug)]
pub struct DynamoDbTable {
    client: Client,
    name: String,
}

impl DynamoDbTable {
    /// The table of this name.
    #[must_use]
    pub fn new(config: &SdkConfig, name: String) -> Self {
        Self { client: Client::new(config), name }
    }
}

impl Table for DynamoDbTable {
    async fn write(&self, gateway: &NatGatewayId, write: Write) -> Result<Outcome, Error> {
        let rendered = write.render();
        let values = rendered.values.iter().map(|(name, value)| (name.clone(), attribute(value)));
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(NAT_GATEWAY_ID, AttributeValue::S(gateway.to_string()))
            .condition_expression(rendered.condition)
            .update_expression(rendered.update)
            .set_expression_attribute_names(Some(rendered.names.into_iter().collect()))
            .set_expression_attribute_values(Some(values.collect()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(Outcome::Done(item(answer.attributes))),
            Err(SdkError::ServiceError(refused))
                if refused.err().is_conditional_check_failed_exception() =>
            {
                Ok(Outcome::Refused(item(found(refused.into_err()))))
            }
            Err(failed) => Err(error::of_call("dynamodb:UpdateItem", &failed)),
        }
    }
}

impl Items for DynamoDbTable {
    async fn items(&self) -> Result<Vec<(NatGatewayId, Item)>, Error> {
        let call = self.client.scan().table_name(&self.name).consistent_read(true);
        let mut rows = call.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(row) = rows.next().await {
            let row = row.map_err(|failed| error::of_call("dynamodb:Scan", &failed))?;
            let item = item(Some(row));
            // Nobody but the recorder writes here, and it writes no other keys.
            let key = item.text(NAT_GATEWAY_ID).map(str::to_owned);
            if let Some(gateway) = key.and_then(|id| NatGatewayId::try_from(id).ok()) {
                items.push((gateway, item));
            }
        }
        items.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(items)
    }
}

type Attributes = HashMap<String, AttributeValue>;

fn found(refused: aws_sdk_dynamodb::operation::update_item::UpdateItemError) -> Option<Attributes> {
    use aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException;
    match refused {
        ConditionalCheckFailedException(refused) => refused.item,
        _ => None,
    }
}

fn attribute(value: &Value) -> AttributeValue {
    match value {
        Value::Text(text) => AttributeValue::S(text.clone()),
        Value::Number(number) => AttributeValue::N(number.to_string()),
    }
}

/// The attributes that the recorder writes; it has no others.
pub(crate) fn item(attributes: Option<Attributes>) -> Item {
    let known = attributes.unwrap_or_default().into_iter().filter_map(|(name, value)| {
        let value = match value {
            AttributeValue::S(text) => Value::Text(text),
            AttributeValue::N(number) => Value::Number(number.parse().ok()?),
            _ => return None,
        };
        Some((name, value))
    });
    Item(known.collect())
}
