//! The issuer's keys, and an issuer that fails.

use std::time::{Duration, Instant};

use super::issuer::{DISCOVERY, KEYS};
use super::*;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// Claims that hold for ten days before and after now.
fn long_claims(issuer: &TestIssuer) -> Value {
    let mut claims = claims_but(issuer, "exp", json!(after(240 * HOUR).timestamp()));
    claims["iat"] = json!(after(-240 * HOUR).timestamp());
    claims
}

/// An issuer, what verifies its tokens, its key and a token that it signed.
async fn setup() -> (TestIssuer, Jwt, Signer, String) {
    let key = Signer::ed("old");
    let issuer = TestIssuer::start(&[&key]).await;
    let token = key.token("EdDSA", &long_claims(&issuer));
    let jwt = jwt(&issuer);
    (issuer, jwt, key, token)
}

#[tokio::test]
async fn keys_are_fetched_once_in_ten_minutes() {
    let (issuer, jwt, _, token) = setup().await;
    assert_eq!(issuer.fetches(), 0);
    for (seconds, fetches) in [(0, 1), (0, 1), (599, 1), (600, 2), (601, 2), (1199, 2), (5000, 3)] {
        assert!(jwt.verify(&token, after(seconds)).await.is_ok());
        assert_eq!(issuer.fetches(), fetches, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_key_that_is_gone_is_forgotten() {
    let (issuer, jwt, _, token) = setup().await;
    assert!(jwt.verify(&token, now()).await.is_ok());
    issuer.has(&[Signer::ed("new").jwk()]);
    assert!(jwt.verify(&token, after(599)).await.is_ok());
    assert_eq!(reason(jwt.verify(&token, after(600)).await), Invalid::UnknownKey);
}

#[tokio::test]
async fn a_new_key_is_found_at_once() {
    let (issuer, jwt, old, token) = setup().await;
    assert!(jwt.verify(&token, now()).await.is_ok());
    let new = Signer::p256("new");
    issuer.has(&[old.jwk(), new.jwk()]);
    let newer = new.token("ES256", &long_claims(&issuer));
    assert!(jwt.verify(&newer, after(1)).await.is_ok());
    assert!(jwt.verify(&newer, after(1)).await.is_ok());
    assert!(jwt.verify(&token, after(1)).await.is_ok());
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn made_up_keys_do_not_hammer_the_issuer() {
    let (issuer, jwt, _, token) = setup().await;
    let made_up = Signer::ed("made-up").token("EdDSA", &long_claims(&issuer));
    assert!(jwt.verify(&token, now()).await.is_ok());
    for (seconds, fetches) in [(1, 2), (1, 2), (2, 2), (30, 2), (31, 3), (32, 3), (60, 3), (61, 4)] {
        assert_eq!(reason(jwt.verify(&made_up, after(seconds)).await), Invalid::UnknownKey);
        assert_eq!(issuer.fetches(), fetches, "after {seconds} s");
    }
    // Others in their turn, one at a time, and no more often for being many.
    let other = |number: i64| Signer::ed(format!("made-up-{number}").leak()).token("EdDSA", &long_claims(&issuer));
    for (seconds, fetches) in [(62, 4), (63, 4), (65, 4), (66, 5), (67, 5), (70, 5), (71, 6)] {
        assert_eq!(reason(jwt.verify(&other(seconds), after(seconds)).await), Invalid::UnknownKey);
        assert_eq!(issuer.fetches(), fetches, "after {seconds} s");
    }
    assert_eq!(reason(jwt.verify(&made_up, after(90)).await), Invalid::UnknownKey);
    assert_eq!(issuer.fetches(), 6, "it was asked for that one half a minute ago");
    // Also where it is the first token of all, which needs no second look.
    let jwt = super::jwt(&issuer);
    assert_eq!(reason(jwt.verify(&made_up, now()).await), Invalid::UnknownKey);
    assert_eq!(issuer.fetches(), 7);
}

/// Whatever is made up meanwhile, and however often.
#[tokio::test]
async fn made_up_keys_hold_a_new_one_up_for_seconds_only() {
    let (issuer, jwt, old, token) = setup().await;
    assert!(jwt.verify(&token, now()).await.is_ok());
    let new = Signer::p256("new");
    let newer = new.token("ES256", &long_claims(&issuer));
    let made_up: Vec<_> = (0..20)
        .map(|number| Signer::ed(format!("made-up-{number}").leak()).token("EdDSA", &long_claims(&issuer)))
        .collect();
    for seconds in 1..=40 {
        if seconds == 22 {
            issuer.has(&[old.jwk(), new.jwk()]);
        }
        for made_up in &made_up {
            assert_eq!(reason(jwt.verify(made_up, after(seconds)).await), Invalid::UnknownKey);
        }
        let is_found = jwt.verify(&newer, after(seconds)).await.is_ok();
        assert!(is_found == (seconds >= 26), "after {seconds} s");
    }
    assert!(issuer.fetches() <= 9, "{} fetches", issuer.fetches());
}

#[tokio::test]
async fn requests_share_a_fetch() {
    let (issuer, jwt, key, token) = setup().await;
    let keys = json!({"keys": [key.jwk()]});
    issuer.answer(KEYS, Answer::After(Duration::from_millis(300), keys));
    let verdicts = futures::future::join_all((0..50).map(|_| jwt.verify(&token, now()))).await;
    assert!(verdicts.iter().all(Result::is_ok));
    assert_eq!(issuer.fetches(), 1);
    let made_up = Signer::ed("made-up").token("EdDSA", &long_claims(&issuer));
    let verdicts = futures::future::join_all((0..50).map(|_| jwt.verify(&made_up, now()))).await;
    assert!(verdicts.iter().all(Result::is_err));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn whose_key_is_known_does_not_wait() {
    let (issuer, jwt, _, token) = setup().await;
    assert!(jwt.verify(&token, now()).await.is_ok());
    issuer.answer(KEYS, Answer::Hang);
    let made_up = Signer::ed("made-up").token("EdDSA", &long_claims(&issuer));
    let start = Instant::now();
    let known = async {
        // Later than the other, so that its fetch is under way.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(issuer.fetches(), 2);
        assert!(jwt.verify(&token, after(1)).await.is_ok());
        start.elapsed()
    };
    let (unknown, took) = tokio::join!(jwt.verify(&made_up, after(1)), known);
    assert!(unverifiable(unknown).contains("within 2 s"));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_caller_who_hangs_up_takes_no_keys_along() {
    let (issuer, jwt, key, token) = setup().await;
    issuer.answer(KEYS, Answer::After(Duration::from_millis(300), json!({"keys": [key.jwk()]})));
    let patience = Duration::from_millis(100);
    assert!(tokio::time::timeout(patience, jwt.verify(&token, now())).await.is_err());
    assert!(jwt.verify(&token, now()).await.is_ok());
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn an_issuer_that_fails_is_no_verdict() {
    let (issuer, _, key, token) = setup().await;
    let keys = json!({"keys": [key.jwk()]});
    for (path, answer, expected) in [
        (KEYS, Answer::Text(500, keys.to_string()), "its JWKS is answered with 500"),
        (KEYS, Answer::Text(404, String::new()), "its JWKS is answered with 404"),
        (KEYS, Answer::Text(201, keys.to_string()), "its JWKS is answered with 201"),
        (KEYS, Answer::Text(200, "<html>".into()), "its JWKS is none"),
        (KEYS, Answer::Text(200, String::new()), "its JWKS is none"),
        (KEYS, Answer::Json(json!([])), "its JWKS is none"),
        (KEYS, Answer::Json(json!({"keys": {}})), "its JWKS is none"),
        (KEYS, Answer::Redirect(format!("{}/elsewhere", issuer.name)), "its JWKS is answered with 302"),
        (KEYS, Answer::Padded(10_000_000, keys.clone(), true), "its JWKS has more than 512 KB"),
        (KEYS, Answer::Padded(10_000_000, keys.clone(), false), "its JWKS has more than 512 KB"),
        (KEYS, Answer::Padded(512 * 1024, keys.clone(), true), "its JWKS has more than 512 KB"),
        (KEYS, Answer::BreakOff, "its JWKS breaks off"),
        (DISCOVERY, Answer::Text(503, String::new()), "its openid-configuration is answered with 503"),
        (DISCOVERY, Answer::Text(200, "<html>".into()), "its openid-configuration is none"),
        (DISCOVERY, Answer::Json(json!({"issuer": issuer.name})), "its openid-configuration is none"),
        (DISCOVERY, Answer::Redirect(format!("{}{KEYS}", issuer.name)), "is answered with 302"),
    ] {
        let jwt = jwt(&issuer);
        issuer.answer("/elsewhere", Answer::Json(keys.clone()));
        let discovery = json!({"issuer": issuer.name, "jwks_uri": format!("{}{KEYS}", issuer.name)});
        issuer.answer(DISCOVERY, Answer::Json(discovery));
        issuer.answer(path, answer);
        let reason = unverifiable(jwt.verify(&token, now()).await);
        assert!(reason.contains(expected), "{reason}");
    }
    assert!(!issuer.asked().contains(&"/elsewhere".to_owned()));
}

#[tokio::test]
async fn keys_may_be_as_large_as_half_a_megabyte() {
    let (issuer, jwt, key, token) = setup().await;
    issuer.answer(KEYS, Answer::Padded(500 * 1024, json!({"keys": [key.jwk()]}), false));
    assert!(jwt.verify(&token, now()).await.is_ok());
}

#[tokio::test]
async fn a_slow_issuer_gets_two_seconds_for_all() {
    let (issuer, jwt, _, token) = setup().await;
    let discovery = json!({"issuer": issuer.name, "jwks_uri": format!("{}{KEYS}", issuer.name)});
    issuer.answer(DISCOVERY, Answer::After(Duration::from_millis(1_500), discovery));
    issuer.answer(KEYS, Answer::Hang);
    let start = Instant::now();
    assert_eq!(unverifiable(jwt.verify(&token, now()).await), "no answer within 2 s");
    assert!((1_900..2_900).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_issuer_that_is_down_is_not_asked_all_the_time() {
    let (issuer, jwt, _, token) = setup().await;
    issuer.answer(DISCOVERY, Answer::Text(500, String::new()));
    for (seconds, fetches) in [(0, 1), (0, 1), (4, 1), (5, 2), (9, 2)] {
        unverifiable(jwt.verify(&token, after(seconds)).await);
        assert_eq!(issuer.fetches(), fetches, "after {seconds} s");
    }
    let discovery = json!({"issuer": issuer.name, "jwks_uri": format!("{}{KEYS}", issuer.name)});
    issuer.answer(DISCOVERY, Answer::Json(discovery));
    assert!(jwt.verify(&token, after(10)).await.is_ok());
    // What failed is forgotten.
    let made_up = Signer::ed("made-up").token("EdDSA", &long_claims(&issuer));
    assert_eq!(reason(jwt.verify(&made_up, after(10)).await), Invalid::UnknownKey);
}

#[tokio::test]
async fn a_refused_connection_says_so() {
    let (mut issuer, jwt, _, token) = setup().await;
    issuer.stop().await;
    let reason = unverifiable(jwt.verify(&token, now()).await);
    assert!(reason.starts_with("its openid-configuration cannot be reached: "), "{reason}");
}

#[tokio::test]
async fn keys_survive_an_outage_of_a_day() {
    let (issuer, jwt, _, token) = setup().await;
    assert!(jwt.verify(&token, now()).await.is_ok());
    issuer.answer(DISCOVERY, Answer::Text(500, String::new()));
    let made_up = Signer::ed("new").token("EdDSA", &long_claims(&issuer));
    for seconds in [10 * MINUTE, 10 * MINUTE + 1, HOUR, 24 * HOUR - 1] {
        assert!(jwt.verify(&token, after(seconds)).await.is_ok(), "after {seconds} s");
        // It may be a new one.
        unverifiable(jwt.verify(&made_up, after(seconds)).await);
    }
    assert_eq!(issuer.fetches(), 4);
    unverifiable(jwt.verify(&token, after(24 * HOUR)).await);
    assert_eq!(issuer.fetches(), 4);
    unverifiable(jwt.verify(&token, after(24 * HOUR + 5)).await);
    assert_eq!(issuer.fetches(), 5);
}

#[tokio::test]
async fn a_new_key_during_an_outage_is_no_verdict() {
    let (issuer, jwt, _, token) = setup().await;
    assert!(jwt.verify(&token, now()).await.is_ok());
    issuer.answer(KEYS, Answer::Text(500, String::new()));
    let new = Signer::ed("new").token("EdDSA", &long_claims(&issuer));
    for (seconds, fetches) in [(1, 2), (5, 2), (6, 3), (10, 3), (31, 4)] {
        unverifiable(jwt.verify(&new, after(seconds)).await);
        assert!(jwt.verify(&token, after(seconds)).await.is_ok());
        assert_eq!(issuer.fetches(), fetches, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_clock_that_jumps_does_not_keep_keys_for_ever() {
    let (issuer, jwt, _, token) = setup().await;
    // It was wrong, and is set back: the keys would lie in the future for days.
    assert!(jwt.verify(&token, after(72 * HOUR)).await.is_ok());
    assert!(jwt.verify(&token, now()).await.is_ok());
    assert_eq!(issuer.fetches(), 2);
    issuer.has(&[]);
    assert_eq!(reason(jwt.verify(&token, after(-11 * MINUTE)).await), Invalid::UnknownKey);
    assert_eq!(issuer.fetches(), 3);
}

#[tokio::test]
async fn a_clock_that_jumps_during_an_outage_ends_it_no_later() {
    let (issuer, jwt, _, token) = setup().await;
    assert!(jwt.verify(&token, now()).await.is_ok());
    issuer.answer(DISCOVERY, Answer::Text(500, String::new()));
    for seconds in [-MINUTE, -HOUR, 2 * HOUR, -2 * HOUR, 0] {
        assert!(jwt.verify(&token, after(seconds)).await.is_ok(), "after {seconds} s");
    }
    unverifiable(jwt.verify(&token, after(-25 * HOUR)).await);
    unverifiable(jwt.verify(&token, after(25 * HOUR)).await);
}

#[tokio::test]
async fn discovery_is_of_the_issuer_of_the_settings() {
    let (issuer, _, _, token) = setup().await;
    let keys = format!("{}{KEYS}", issuer.name);
    for name in ["https://login.example.com".to_owned(), format!("{}/", issuer.name)] {
        issuer.answer(DISCOVERY, Answer::Json(json!({"issuer": name, "jwks_uri": keys})));
        let reason = unverifiable(jwt(&issuer).verify(&token, now()).await);
        assert!(reason.contains("of another issuer than JWT_ISSUER"), "{reason}");
    }
    for uri in ["http://login.example.com/keys", "file:///etc/passwd", "keys", "https://a:b@example.com", ""] {
        issuer.answer(DISCOVERY, Answer::Json(json!({"issuer": issuer.name, "jwks_uri": uri})));
        let reason = unverifiable(jwt(&issuer).verify(&token, now()).await);
        assert!(reason.contains("names a jwks_uri that is not https"), "{reason}");
    }
    assert!(!issuer.asked().contains(&KEYS.to_owned()));
}

#[tokio::test]
async fn an_issuer_may_have_a_path_and_a_slash_at_its_end() {
    let key = Signer::ed("k");
    let mut issuer = TestIssuer::start(&[&key]).await;
    let keys = format!("{}{KEYS}", issuer.name);
    issuer.name.push_str("/realms/x/");
    let discovery = json!({"issuer": issuer.name, "jwks_uri": keys});
    issuer.answer("/realms/x/.well-known/openid-configuration", Answer::Json(discovery));
    assert!(jwt(&issuer).verify(&key.token("EdDSA", &claims(&issuer)), now()).await.is_ok());
}

#[tokio::test]
async fn a_setting_spares_the_discovery() {
    let (issuer, _, _, token) = setup().await;
    let keys = format!("{}{KEYS}", issuer.name);
    assert!(jwt_with(&issuer, &[("JWT_JWKS_URL", &keys)]).verify(&token, now()).await.is_ok());
    assert_eq!(issuer.asked(), [KEYS]);
}
