//! Address prefixes, as options write them.

use std::net::IpAddr;

use ipc::config::prefix::Prefix;

use super::blame::At as _;
use super::dns::width;
use super::fault::Fault;
use super::number::number;
use super::text::{reveal_text, split};

/// What is wanted where the length of a prefix is.
pub(crate) const LENGTH: &str = "a prefix length: 0 to 32, or to 128 for IPv6";

/// `ADDRESS ["/" LENGTH]`, quotes hiding nothing; without length one address. A length that wraps below 0 counts as 0.
pub(crate) fn prefix(value: Option<&str>) -> Result<Prefix, Fault> {
    let value = reveal_text(value.ok_or(Fault::Value)?);
    let (address, length) = split(&value, '/');
    let address: IpAddr = address.parse().map_err(|_| Fault::Value).at(address, "an address")?;
    let length = match length {
        None => width(address),
        Some(text) => {
            let number = number(text).and_then(|number| u8::try_from(number.max(0)).ok());
            let length = number.filter(|&number| number <= width(address));
            length.ok_or(Fault::Value).at(text, LENGTH)?
        }
    };
    Ok(Prefix::cut(address, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_optional_and_bounded() {
        let told = |text| prefix(Some(text)).map(|prefix| format!("{}/{}", prefix.address(), prefix.length()));
        assert_eq!(told("192.0.2.0 / 24").as_deref(), Ok("192.0.2.0/24"));
        assert_eq!(told("fd00::").as_deref(), Ok("fd00::/128"));
        assert_eq!(told("192.0.2.1/").as_deref(), Ok("192.0.2.1/0"));
        assert_eq!(told("192.0.2.1/33"), Err(Fault::Value));
        assert_eq!(told("a/8"), Err(Fault::Value));
    }
}
