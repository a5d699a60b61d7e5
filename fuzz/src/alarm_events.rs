//! The alarm events that EventBridge delivers.

use recording::NatGatewayId;
use recording::alarm::{Alarm, Cleared, cleared, raised};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// An event raises an alarm, clears one or is refused; what was read of it survives the state
/// machine, which keeps it as JSON.
pub fn check(input: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Value>(input) else { return };
    let raises = raised(&event);
    let clears = cleared(&event);
    assert!(raises.is_err() || clears.is_err(), "one event both raises and clears");
    if let Ok((gateway, alarm)) = raises {
        an_id_is_one(&gateway);
        assert_eq!(alarm.at.as_nanosecond() % 1_000_000, 0);
        assert_eq!(back_from_json::<Alarm>(&alarm), alarm);
    } else if let Ok((gateway, news)) = clears {
        an_id_is_one(&gateway);
        assert_eq!(news.at.as_nanosecond() % 1_000_000, 0);
        assert_eq!(back_from_json::<Cleared>(&news), news);
    }
}

fn an_id_is_one(gateway: &NatGatewayId) {
    let again = NatGatewayId::try_from(gateway.as_str().to_owned());
    assert_eq!(again.as_ref().ok(), Some(gateway));
}

fn back_from_json<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let json = serde_json::to_vec(value).expect("it can be written");
    serde_json::from_slice(&json).expect("it can be read")
}
