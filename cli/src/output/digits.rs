//! Numbers and addresses as text, without the detours of formatting: a listing has twenty of
//! them in each of millions of rows.

use std::io::Write as _;
use std::net::IpAddr;

/// Appends a whole number.
pub(super) fn push_number(line: &mut Vec<u8>, number: impl itoa::Integer) {
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends an address.
pub(super) fn push_address(line: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let [first, rest @ ..] = address.octets();
            push_number(line, first);
            for octet in rest {
                line.push(b'.');
                push_number(line, octet);
            }
        }
        // Writing to memory cannot fail.
        IpAddr::V6(address) => drop(write!(line, "{address}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_standard_library_writes_them() {
        for text in ["0.0.0.0", "10.0.1.255", "255.255.255.255", "::", "2001:db8::1:0:0:1"] {
            let mut line = vec![];
            push_address(&mut line, text.parse().unwrap());
            assert_eq!(line, text.as_bytes());
        }
    }
}
