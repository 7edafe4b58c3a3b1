//! The settings of the local server, beside those of the functions.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::{HeaderValue, header};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};
use traceability_access::Exposure;
use traceability_core::environment::{ConfigError, Environment};
use traceability_http::caching::AS_OF;
use traceability_http::caller::LITELLM_API_KEY;
use traceability_http::layers::{REQUEST_ID, SERVER_TIMING};
use traceability_http::page::{NEXT_CURSOR, TOTAL_COUNT};

use crate::limits::Limits;

/// Where and for whom to serve.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `API_HOST` (default 127.0.0.1) and `API_PORT` (default 8000).
    pub address: SocketAddr,
    /// `ALLOWED_HOSTS`: the names by which requests may address the server.
    pub hosts: Hosts,
    /// `ALLOWED_ORIGINS`: pages that may call the API from a browser.
    pub origins: Origins,
    /// What clients may take. No setting changes it.
    pub limits: Limits,
    /// What the dashboard is told.
    pub dashboard: dashboard::Dashboard,
}

/// By which names requests may address the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// Those of this machine, and these, in lower case. The default is no further one, where the server listens on this
    /// machine only.
    Listed(Vec<String>),
    /// Every name (`*`): the default where the server listens for other machines, which have names of their own for it.
    All,
}

/// Which pages may call the API from a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Pages served by this machine: the default, for a frontend under development.
    Loopback,
    /// These.
    Listed(Vec<HeaderValue>),
    /// These, and pages served by this machine: those are its user's, whoever else is let in.
    AndLoopback(Vec<HeaderValue>),
    /// All (`*`). Any page that a browser on this machine opens can then read the log.
    All,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] when one does not parse.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let host = match environment.get("API_HOST") {
            None | Some("localhost") => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Some(host) => host.parse().map_err(|_| ConfigError {
                name: "API_HOST",
                reason: "must be an IP address to listen on, such as 127.0.0.1 or 0.0.0.0".into(),
            })?,
        };
        let port = environment.parse("API_PORT", "a port from 0 to 65535")?.unwrap_or(8000);
        // Read again where logging starts; here a wrong word is named.
        environment.flag("DEBUG")?;
        let hosts = hosts(environment.get("ALLOWED_HOSTS"), host)?;
        let origins = match origins(environment.get("ALLOWED_ORIGINS"))? {
            Origins::Listed(listed) if host.is_loopback() => Origins::AndLoopback(listed),
            origins => origins,
        };
        let dashboard = dashboard::Dashboard::from_environment(environment)?;
        Ok(Self { address: SocketAddr::new(host, port), hosts, origins, limits: Limits::default(), dashboard })
    }

    /// Who can reach the server: others, too, where it answers to names of theirs or to any page.
    #[must_use]
    pub fn exposure(&self) -> Exposure {
        let is_alone = self.address.ip().is_loopback() && self.hosts.are_loopback() && self.origins != Origins::All;
        if is_alone { Exposure::ThisMachine } else { Exposure::Network }
    }

    /// Refuses to serve others as long as nobody has said how they log in, and names the setting that is missing.
    ///
    /// # Errors
    /// [`ConfigError`] where `AUTH_MODE` is not set and a setting lets others reach the server.
    pub fn check_login(&self, environment: &Environment) -> Result<(), ConfigError> {
        if environment.get("AUTH_MODE").is_some() || self.exposure() == Exposure::ThisMachine {
            return Ok(());
        }
        let host = self.address.ip();
        let cause = if !host.is_loopback() {
            format!("API_HOST={host}")
        } else if self.hosts.are_loopback() {
            "ALLOWED_ORIGINS=*".into()
        } else {
            "ALLOWED_HOSTS".into()
        };
        Err(ConfigError {
            name: "AUTH_MODE",
            reason: format!(
                "is missing, and {cause} lets others reach this server. Add AUTH_MODE=litellm: callers then log in with \
                 their LiteLLM keys. jwt and keys are the other ways"
            ),
        })
    }
}

fn hosts(setting: Option<&str>, listening: IpAddr) -> Result<Hosts, ConfigError> {
    let Some(setting) = setting else {
        return Ok(if listening.is_loopback() { Hosts::Listed(Vec::new()) } else { Hosts::All });
    };
    let listed: Vec<&str> = setting.split(',').map(str::trim).filter(|host| !host.is_empty()).collect();
    if listed.contains(&"*") {
        return Ok(Hosts::All);
    }
    if listed.iter().any(|host| host.contains('/') || without_port(host) != *host) {
        return Err(ConfigError {
            name: "ALLOWED_HOSTS",
            reason: "must be * or names such as traces.example.com, separated by commas, without a scheme or port"
                .into(),
        });
    }
    Ok(Hosts::Listed(listed.iter().map(|host| host.to_ascii_lowercase()).collect()))
}

impl Hosts {
    /// Whether they are names of this machine only.
    fn are_loopback(&self) -> bool {
        matches!(self, Self::Listed(names) if names.iter().all(|name| is_loopback_host(name)))
    }

    /// Whether a request with this `Host` header is for this server.
    #[must_use]
    pub fn contain(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Listed(further) => {
                is_loopback_host(host) || further.iter().any(|name| name.eq_ignore_ascii_case(without_port(host)))
            }
        }
    }
}

fn origins(setting: Option<&str>) -> Result<Origins, ConfigError> {
    let Some(setting) = setting else { return Ok(Origins::Loopback) };
    let listed: Vec<&str> = setting.split(',').map(str::trim).filter(|origin| !origin.is_empty()).collect();
    if listed.contains(&"*") {
        return Ok(Origins::All);
    }
    let invalid = || ConfigError {
        name: "ALLOWED_ORIGINS",
        reason: "must be * or origins such as https://dashboard.example.com, separated by commas, without a path"
            .into(),
    };
    let origin = |origin: &str| match origin.split_once("://") {
        Some(("http" | "https", host)) if !host.is_empty() && !host.contains('/') => {
            HeaderValue::from_str(origin).map_err(|_| invalid())
        }
        _ => Err(invalid()),
    };
    listed.into_iter().map(origin).collect::<Result<_, _>>().map(Origins::Listed)
}

impl Origins {
    /// The layer that answers browsers. On AWS the gateway does.
    pub fn layer(&self) -> CorsLayer {
        let allowed = match self {
            Self::Loopback => AllowOrigin::predicate(|origin, _| is_loopback(origin)),
            Self::Listed(origins) => AllowOrigin::list(origins.clone()),
            Self::AndLoopback(origins) => {
                let origins = origins.clone();
                AllowOrigin::predicate(move |origin, _| is_loopback(origin) || origins.contains(origin))
            }
            Self::All => AllowOrigin::any(),
        };
        // A star would not stand for Authorization.
        let headers = [header::AUTHORIZATION, header::CONTENT_TYPE, LITELLM_API_KEY, REQUEST_ID];
        let exposed = [
            header::CONTENT_DISPOSITION,
            header::ETAG,
            header::LINK,
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            AS_OF,
            NEXT_CURSOR,
            TOTAL_COUNT,
            REQUEST_ID,
            SERVER_TIMING,
        ];
        CorsLayer::new().allow_origin(allowed).allow_methods(Any).allow_headers(headers).expose_headers(exposed)
    }
}

fn is_loopback(origin: &HeaderValue) -> bool {
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    host.is_some_and(is_loopback_host)
}

/// Whether `host`, perhaps with a port, is a name of this machine that no name server decides about.
fn is_loopback_host(host: &str) -> bool {
    matches!(without_port(host), "localhost" | "127.0.0.1" | "[::1]")
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_machine_are_let_in_by_default() {
        for (origin, expected) in [
            ("http://localhost:3000", true),
            ("http://127.0.0.1", true),
            ("http://[::1]:5173", true),
            ("https://localhost.example.com", false),
            ("https://example.com:8000", false),
            ("null", false),
        ] {
            assert_eq!(is_loopback(&HeaderValue::from_static(origin)), expected, "{origin}");
        }
    }

    #[test]
    fn a_server_for_this_machine_answers_to_no_other_name_unless_told() {
        let (loopback, all) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let local = hosts(None, loopback).expect("a default");
        assert!(local.contain("localhost:8000") && local.contain("[::1]") && !local.contain("rebound.example:8000"));
        assert_eq!(hosts(None, all).expect("a default"), Hosts::All);
        assert_eq!(hosts(Some("*"), loopback).expect("all"), Hosts::All);
        let listed = hosts(Some("localhost, Traces.example.com"), all).expect("names");
        assert!(listed.contain("127.0.0.1:8000") && listed.contain("traces.Example.com:80"));
        assert!(!listed.contain("rebound.example") && !listed.contain("example.com") && !listed.contain(""));
        for bad in ["http://traces.example.com", "traces.example.com:8000"] {
            assert!(hosts(Some(bad), all).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn others_reach_a_server_that_answers_to_their_names() {
        let exposure = |pairs: &[(&str, &str)]| {
            Settings::from_environment(&pairs.iter().copied().collect()).expect("settings").exposure()
        };
        for alone in [
            &[][..],
            &[("API_HOST", "::1")],
            &[("ALLOWED_HOSTS", "localhost")],
            &[("ALLOWED_ORIGINS", "https://a.example")],
        ] {
            assert_eq!(exposure(alone), Exposure::ThisMachine, "{alone:?}");
        }
        for reached in [
            ("API_HOST", "0.0.0.0"),
            ("ALLOWED_HOSTS", "*"),
            ("ALLOWED_HOSTS", "traces.example.com"),
            ("ALLOWED_ORIGINS", "*"),
        ] {
            assert_eq!(exposure(&[reached]), Exposure::Network, "{reached:?}");
        }
    }

    #[test]
    fn a_server_for_others_names_the_one_setting_that_it_lacks() {
        let check = |pairs: &[(&str, &str)]| {
            let environment: Environment = pairs.iter().copied().collect();
            Settings::from_environment(&environment).expect("settings").check_login(&environment)
        };
        let origins = ("ALLOWED_ORIGINS", "http://localhost:3000,https://traces.example.com");
        let everywhere = ("API_HOST", "0.0.0.0");
        let refused = check(&[everywhere, origins]).expect_err("others reach it").to_string();
        assert!(refused.contains("API_HOST=0.0.0.0") && refused.contains("Add AUTH_MODE=litellm"), "{refused}");
        for cause in [("ALLOWED_ORIGINS", "*"), ("ALLOWED_HOSTS", "traces.example.com")] {
            assert!(check(&[cause]).expect_err("others reach it").to_string().contains(cause.0), "{cause:?}");
        }
        assert!(check(&[origins]).is_ok() && check(&[everywhere, origins, ("AUTH_MODE", "litellm")]).is_ok());
    }

    #[test]
    fn origins_are_checked() {
        assert_eq!(origins(None).expect("a default"), Origins::Loopback);
        assert_eq!(origins(Some("*")).expect("all"), Origins::All);
        assert!(origins(Some("https://a.example, http://b.example:8080")).is_ok());
        let listed = |host| {
            let settings = [("API_HOST", host), ("ALLOWED_ORIGINS", "https://a.example")].into_iter().collect();
            Settings::from_environment(&settings).expect("settings").origins
        };
        let origin = vec![HeaderValue::from_static("https://a.example")];
        assert_eq!(listed("127.0.0.1"), Origins::AndLoopback(origin.clone()));
        assert_eq!(listed("0.0.0.0"), Origins::Listed(origin));
        for bad in ["example.com", "https://", "https://a.example/path", "ftp://a.example"] {
            assert!(origins(Some(bad)).is_err(), "{bad} was taken");
        }
    }
}
