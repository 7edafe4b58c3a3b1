//! What the claims say.

use super::*;

/// The verdict on claims that are signed well.
async fn verdict(settings: &[(&str, &str)], name: &str, value: Value) -> Result<Identity, Refused> {
    let key = Signer::ed("k");
    let issuer = TestIssuer::start(&[&key]).await;
    let token = key.token("EdDSA", &claims_but(&issuer, name, value));
    jwt_with(&issuer, settings).verify(&token, now()).await
}

async fn accepted(settings: &[(&str, &str)], name: &str, value: Value) -> Identity {
    verdict(settings, name, value).await.expect("accepted")
}

#[tokio::test]
async fn an_issuer_is_exactly_that_of_the_settings() {
    let key = Signer::ed("k");
    let issuer = TestIssuer::start(&[&key]).await;
    let slash = format!("{}/", issuer.name);
    for other in
        [json!(null), json!(""), json!("https://login.example.com"), json!(slash), json!([issuer.name]), json!(7)]
    {
        let token = key.token("EdDSA", &claims_but(&issuer, "iss", other));
        assert_eq!(reason(jwt(&issuer).verify(&token, now()).await), Invalid::Issuer);
    }
}

#[tokio::test]
async fn an_audience_is_one_of_the_settings() {
    let settings = [("JWT_AUDIENCE", "traces,https://api.example.com")];
    for good in [json!("traces"), json!(["traces"]), json!(["x", "https://api.example.com"])] {
        accepted(&settings, "aud", good).await;
    }
    for bad in [
        json!(null),
        json!(""),
        json!([]),
        json!("other"),
        json!("Traces"),
        json!("x traces"),
        json!("x,traces"),
        json!("[traces]"),
        json!(["other"]),
        json!(["traces", 7]),
        json!({"traces": "traces"}),
        json!(7),
    ] {
        assert_eq!(reason(verdict(&settings, "aud", bad.clone()).await), Invalid::Audience, "{bad}");
    }
}

/// Cognito's access tokens have no audience, but name the client that asked for them.
#[tokio::test]
async fn a_client_stands_for_an_absent_audience_of_cognitos_only() {
    let issuer = TestIssuer::start(&[]).await;
    let cognito = "https://cognito-idp.eu-north-1.amazonaws.com/eu-north-1_example";
    for (iss, aud, client, expected) in [
        (cognito, json!(null), json!("traces"), true),
        (cognito, json!(null), json!("other"), false),
        (cognito, json!(null), json!(["traces"]), false),
        (cognito, json!("other"), json!("traces"), false),
        ("https://login.example.com", json!(null), json!("traces"), false),
    ] {
        let mut claims = claims_but(&issuer, "aud", aud.clone());
        claims["client_id"] = client.clone();
        claims["iss"] = json!(iss);
        let settings = [("JWT_ISSUER", iss), ("JWT_VERIFIED_BY_GATEWAY", "true")];
        let verified = jwt_with(&issuer, &settings).of_gateway(&object(claims), now());
        assert_eq!(verified.is_ok(), expected, "{iss} {aud} {client}");
    }
}

#[tokio::test]
async fn a_token_ends() {
    let exp = |seconds| json!(after(seconds).timestamp());
    for (settings, exp, expected) in [
        (&[][..], exp(1), None),
        (&[], exp(-59), None),
        (&[], exp(-60), Some(Invalid::Expired)),
        (&[], exp(-100_000), Some(Invalid::Expired)),
        (&[("JWT_LEEWAY_SECONDS", "0")], exp(1), None),
        (&[("JWT_LEEWAY_SECONDS", "0")], exp(0), Some(Invalid::Expired)),
        (&[("JWT_LEEWAY_SECONDS", "300")], exp(-299), None),
        (&[], json!(0), Some(Invalid::Expired)),
        (&[], json!(-1e12), Some(Invalid::Expired)),
        (&[], json!(1e300), Some(Invalid::Time)),
        (&[], json!(u64::MAX), Some(Invalid::Time)),
        (&[], json!(null), Some(Invalid::NoExpiry)),
        (&[], json!("4102444800"), Some(Invalid::Time)),
        (&[], json!(true), Some(Invalid::Time)),
        // In milliseconds, a mistake that is made: tens of thousands of years.
        (&[], json!(4_102_444_800_000_u64), None),
    ] {
        let verdict = verdict(settings, "exp", exp.clone()).await;
        assert_eq!(verdict.err(), expected.map(Refused::Invalid), "{exp}");
    }
    #[expect(clippy::cast_precision_loss, reason = "far from 2^53")]
    let half = after(60).timestamp() as f64 + 0.5;
    assert_eq!(accepted(&[], "exp", json!(half)).await.expires, after(60));
}

#[tokio::test]
async fn a_token_that_held_expires_by_the_clock_that_is_passed_in() {
    let key = Signer::ed("k");
    let issuer = TestIssuer::start(&[&key]).await;
    let (jwt, token) = (jwt(&issuer), key.token("EdDSA", &claims(&issuer)));
    assert!(jwt.verify(&token, now()).await.is_ok());
    assert!(jwt.verify(&token, after(359)).await.is_ok());
    assert_eq!(reason(jwt.verify(&token, after(360)).await), Invalid::Expired);
    assert_eq!(reason(jwt.verify(&token, after(-61)).await), Invalid::NotYet);
}

#[tokio::test]
async fn a_token_begins() {
    let at = |seconds| json!(after(seconds).timestamp());
    for claim in ["nbf", "iat"] {
        for (value, expected) in [
            (at(-100), None),
            (at(60), None),
            (at(61), Some(Invalid::NotYet)),
            (at(100_000_000), Some(Invalid::NotYet)),
            (json!(null), None),
            (json!("soon"), Some(Invalid::Time)),
            (json!({}), Some(Invalid::Time)),
        ] {
            let verdict = verdict(&[], claim, value.clone()).await;
            assert_eq!(verdict.err(), expected.map(Refused::Invalid), "{claim} {value}");
        }
    }
}

#[tokio::test]
async fn a_token_is_somebodys() {
    for none in [json!(null), json!(""), json!(7)] {
        assert_eq!(reason(verdict(&[], "sub", none).await), Invalid::NoSubject);
    }
}

#[tokio::test]
async fn a_claim_that_is_a_list_for_no_reason_is_refused() {
    for (name, list) in [("sub", json!(["mette"])), ("exp", json!([after(300).timestamp()])), ("nbf", json!([0]))] {
        reason(verdict(&[], name, list).await);
    }
}

#[tokio::test]
async fn a_user_is_who_the_settings_say() {
    let settings = [("JWT_USER_CLAIM", "email")];
    let identity = accepted(&settings, "email", json!("søren@example.com")).await;
    assert_eq!(identity.user.as_deref(), Some("søren@example.com"));
    assert!(identity.subject.ends_with("#mette"));
    for none in [json!(null), json!(""), json!(7), json!(["a"]), json!({"a": "b"})] {
        assert_eq!(accepted(&settings, "email", none).await.user, None);
    }
}

#[tokio::test]
async fn teams_come_in_many_shapes() {
    let settings = [("JWT_TEAMS_CLAIM", "teams")];
    for (value, expected) in [
        (json!(["a", "b"]), &["a", "b"][..]),
        (json!(["a b", "c,d"]), &["a b", "c,d"]),
        (json!(["a", ""]), &["a"]),
        (json!("a"), &["a"]),
        (json!("a, b,,c"), &["a", "b", "c"]),
        (json!(" a b\tc "), &["a", "b", "c"]),
        // Only the gateway writes lists so.
        (json!("[a]"), &["[a]"]),
        (json!([]), &[]),
        (json!(""), &[]),
        (json!(null), &[]),
        (json!(["a", 7]), &[]),
        (json!([["a"]]), &[]),
        (json!({"a": "b"}), &[]),
        (json!(7), &[]),
        (json!(true), &[]),
    ] {
        assert_eq!(accepted(&settings, "teams", value.clone()).await.teams, expected, "{value}");
    }
    // Without the setting there are none.
    assert!(accepted(&[], "teams", json!(["a"])).await.teams.is_empty());
}

#[tokio::test]
async fn a_claim_has_a_name_or_a_path() {
    for (setting, name, value, expected) in [
        ("https://example.com/teams", "https://example.com/teams", json!(["a"]), &["a"][..]),
        ("realm_access.roles", "realm_access", json!({"roles": ["a"]}), &["a"]),
        ("a.b.c", "a", json!({"b": {"c": "d"}}), &["d"]),
        // As it is written, first.
        ("a.b", "a.b", json!("literal"), &["literal"]),
        ("a.b", "a", json!({"c": "d"}), &[]),
        ("a.b", "a", json!("b"), &[]),
        ("a.0", "a", json!(["b"]), &[]),
        (".", "a", json!("b"), &[]),
        ("a.", "a", json!("b"), &[]),
    ] {
        let identity = accepted(&[("JWT_TEAMS_CLAIM", setting)], name, value).await;
        assert_eq!(identity.teams, expected, "{setting}");
    }
}

#[tokio::test]
async fn an_admin_has_one_of_the_roles() {
    let role = ("JWT_ROLE_CLAIM", "roles");
    for (settings, value, expected) in [
        (&[role][..], json!(["x", "proxy_admin"]), true),
        (&[role], json!("proxy_admin_viewer"), true),
        (&[role], json!("user proxy_admin"), true),
        (&[role], json!("proxy_admins"), false),
        (&[role], json!("Proxy_Admin"), false),
        (&[role], json!(["x proxy_admin"]), false),
        (&[role], json!({"proxy_admin": true}), false),
        (&[role], json!(null), false),
        (&[role, ("JWT_ADMIN_ROLES", "boss, chief")], json!("chief"), true),
        (&[role, ("JWT_ADMIN_ROLES", "boss, chief")], json!("proxy_admin"), false),
        (&[], json!("proxy_admin"), false),
    ] {
        assert_eq!(accepted(settings, "roles", value.clone()).await.is_admin, expected, "{value}");
    }
}

fn gateway(settings: &[(&str, &str)]) -> Jwt {
    let settings = [("JWT_VERIFIED_BY_GATEWAY", "true")].into_iter().chain(settings.iter().copied()).collect();
    Jwt::new(JwtConfig::from_environment(&settings).expect("good settings"))
}

fn gateway_claims(changed: &[(&str, &str)]) -> Map<String, Value> {
    let exp = after(300).timestamp().to_string();
    let claims = [("iss", "https://login.example.com"), ("aud", "traces"), ("sub", "mette"), ("exp", &exp)];
    claims.iter().chain(changed).map(|(name, value)| ((*name).into(), json!(value))).collect()
}

#[test]
fn claims_of_the_gateway_are_texts() {
    let jwt = gateway(&[("JWT_TEAMS_CLAIM", "teams"), ("JWT_ROLE_CLAIM", "roles")]);
    assert!(jwt.trusts_gateway());
    for (teams, expected) in [
        ("[a b]", &["a", "b"][..]),
        ("[a]", &["a"]),
        ("[]", &[]),
        ("a", &["a"]),
        ("a,b", &["a", "b"]),
        ("[a, b]", &["a", "b"]),
        ("", &[]),
    ] {
        let claims = gateway_claims(&[("teams", teams), ("roles", "[x proxy_admin]")]);
        let identity = jwt.of_gateway(&claims, now()).expect("good claims");
        assert_eq!(identity.teams, expected, "{teams}");
        assert!(identity.is_admin);
        assert_eq!(identity.subject, "https://login.example.com#mette");
        assert_eq!((identity.user.as_deref(), identity.expires), (Some("mette"), after(300)));
    }
}

#[test]
fn claims_of_the_gateway_may_be_json() {
    let jwt = gateway(&[("JWT_TEAMS_CLAIM", "teams")]);
    let mut claims = gateway_claims(&[]);
    claims.insert("exp".into(), json!(after(10).timestamp()));
    claims.insert("teams".into(), json!(["a b"]));
    let identity = jwt.of_gateway(&claims, now()).expect("good claims");
    assert_eq!((identity.teams, identity.expires), (vec!["a b".to_owned()], after(10)));
}

#[test]
fn claims_of_the_gateway_end_too() {
    let jwt = gateway(&[]);
    for (name, value, expected) in [
        ("exp", after(-60).timestamp().to_string(), Invalid::Expired),
        ("exp", "soon".into(), Invalid::Time),
        ("exp", "inf".into(), Invalid::Time),
        ("exp", "NaN".into(), Invalid::Time),
        ("nbf", after(61).timestamp().to_string(), Invalid::NotYet),
        ("iat", after(61).timestamp().to_string(), Invalid::NotYet),
        ("sub", String::new(), Invalid::NoSubject),
        ("iss", String::new(), Invalid::Issuer),
    ] {
        assert_eq!(reason(jwt.of_gateway(&gateway_claims(&[(name, &value)]), now())), expected, "{name} {value}");
    }
    assert_eq!(reason(jwt.of_gateway(&Map::new(), now())), Invalid::Issuer);
    let claims = object(json!({"iss": "x", "sub": "y"}));
    assert_eq!(reason(jwt.of_gateway(&claims, now())), Invalid::NoExpiry);
    // How some of its parts write large numbers.
    let exponent = format!("{:e}", after(60).timestamp());
    assert!(jwt.of_gateway(&gateway_claims(&[("exp", &exponent)]), now()).is_ok());
}

#[test]
fn settings_narrow_what_the_gateway_lets_through() {
    let jwt = gateway(&[("JWT_ISSUER", "https://login.example.com"), ("JWT_AUDIENCE", "traces")]);
    for aud in ["traces", "[x traces]"] {
        assert!(jwt.of_gateway(&gateway_claims(&[("aud", aud)]), now()).is_ok(), "{aud}");
    }
    assert_eq!(reason(jwt.of_gateway(&gateway_claims(&[("aud", "[x y]")]), now())), Invalid::Audience);
    assert_eq!(reason(jwt.of_gateway(&gateway_claims(&[("iss", "https://x")]), now())), Invalid::Issuer);
}

#[tokio::test]
async fn tokens_are_verified_in_one_place() {
    let key = Signer::ed("k");
    let issuer = TestIssuer::start(&[&key]).await;
    let here = jwt(&issuer);
    assert!(!here.trusts_gateway());
    // Else whoever can write an event's claims would be anybody.
    assert_eq!(reason(here.of_gateway(&object(claims(&issuer)), now())), Invalid::Elsewhere);
    let there = jwt_with(&issuer, &[("JWT_VERIFIED_BY_GATEWAY", "true")]);
    assert_eq!(reason(there.verify(&key.token("EdDSA", &claims(&issuer)), now()).await), Invalid::Elsewhere);
    assert_eq!(issuer.fetches(), 0);
}
