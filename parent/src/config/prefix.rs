//! Address prefixes, as options write them.

use std::net::IpAddr;

use ipc::config::prefix::Prefix;

use super::dns::width;
use super::fault::Fault;
use super::number::number;
use super::text::{reveal_text, split};

/// `ADDRESS ["/" LENGTH]`, quotes hiding nothing; without length one address. A length that wraps below 0 counts as 0.
pub(crate) fn prefix(value: Option<&str>) -> Result<Prefix, Fault> {
    let value = reveal_text(value.ok_or(Fault::Value)?);
    let (address, length) = split(&value, '/');
    let address: IpAddr = address.parse().map_err(|_| Fault::Value)?;
    let length = match length {
        None => width(address),
        Some(length) => u8::try_from(number(length).ok_or(Fault::Value)?.max(0)).map_err(|_| Fault::Value)?,
    };
    if length > width(address) {
        return Err(Fault::Value);
    }
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
