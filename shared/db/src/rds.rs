//! What is particular to Amazon RDS: its host names and its certificate authorities.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The authorities that sign the certificates of RDS and Aurora, which no public list has. From AWS's own bundle, without
/// those that have expired; `make rds-ca` fetches the current one. (RDS Proxy uses public authorities.)
const BUNDLE: &str = include_str!("rds-ca.pem");
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The region of an RDS host: `….<region>.rds.amazonaws.com`.
pub(super) fn region(host: &str) -> Option<&str> {
    let name = host.strip_suffix(".cn").unwrap_or(host).strip_suffix(".rds.amazonaws.com")?;
    name.rsplit_once('.').map(|(_, region)| region)
}

/// The authorities of an RDS host's region, as PEM; all of them for a region that the bundle does not know. `None` for
/// hosts of others: they have no reason to be vouched for by these.
pub(super) fn authorities(host: &str) -> Option<Vec<u8>> {
    let name = format!("Amazon RDS {} Root CA", region(host)?);
    let of_region: Vec<&str> = certificates().filter(|pem| names(pem, name.as_bytes())).collect();
    // A connection parses what it is given: three certificates rather than all.
    Some(if of_region.is_empty() { BUNDLE.into() } else { of_region.concat().into_bytes() })
}

/// Each certificate of the bundle.
fn certificates() -> impl Iterator<Item = &'static str> {
    BUNDLE.split_inclusive(END).filter(|pem| pem.contains(BEGIN))
}

/// Whether a certificate has this name in it; names stand in certificates as they are.
fn names(pem: &str, name: &[u8]) -> bool {
    let body = pem.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map(|(body, _)| body);
    let text: String = body.unwrap_or_default().split_whitespace().collect();
    STANDARD.decode(text).is_ok_and(|der| der.windows(name.len()).any(|window| window == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_read_from_the_host() {
        assert_eq!(region("litellm.abc123.eu-west-1.rds.amazonaws.com"), Some("eu-west-1"));
        assert_eq!(region("p.proxy-abc.us-east-2.rds.amazonaws.com"), Some("us-east-2"));
        assert_eq!(region("litellm.abc.cn-north-1.rds.amazonaws.com.cn"), Some("cn-north-1"));
        for other in ["db.example.com", "rds.amazonaws.com", "x.eu-west-1.rds.amazonaws.com.evil.example"] {
            assert_eq!(region(other), None, "{other}");
        }
    }

    #[test]
    fn a_host_of_rds_is_vouched_for_by_its_region() {
        let pem = authorities("litellm.abc123.eu-west-1.rds.amazonaws.com").expect("RDS");
        assert_eq!(String::from_utf8(pem).expect("text").matches(BEGIN).count(), 3);
        assert_eq!(authorities("x.abc.zz-new-1.rds.amazonaws.com").expect("RDS").len(), BUNDLE.len());
        assert!(authorities("db.example.com").is_none());
    }
}
