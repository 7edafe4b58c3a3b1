//! A LiteLLM key opens what LiteLLM would open with it, on every release.

use chrono::{DateTime, Utc};
use local::fixtures::{self, Release, SCHEMA_VERSIONS};
use serde_json::Value;
use sqlx::Connection;
use tests::made::{self, Scratch};
use tests::{Database, rows};
use traceability_access::litellm;
use traceability_access::litellm::Denied;
use traceability_access::{ContentAccess, Principal};
use traceability_core::name_paths::NamePaths;
use traceability_core::scope::{OwnRows, Scope};
use traceability_litellm::keys::KeyRecord;
use traceability_queries::source::RequestSource;

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

async fn look_up(conn: &mut sqlx::PgConnection, facts: &RequestSource, hash: &str) -> Result<Principal, Denied> {
    let mut query = facts.key_query(hash, noon().naive_utc()).expect("the tables can be read");
    let key: Option<KeyRecord> = query.build_query_as().fetch_optional(conn).await.expect("an answer");
    let (principal, _) = litellm::principal(key.ok_or(Denied::Unknown)?, ContentAccess::All, noon())?;
    Ok(principal)
}

fn own(user: &str, teams: &[&str]) -> Scope {
    Scope::Own(OwnRows::default().of_users([user.to_owned()]).of_teams(teams.iter().map(|&team| team.to_owned())))
}

#[tokio::test]
async fn keys_are_judged_alike_on_every_release() {
    for version in 1..=SCHEMA_VERSIONS.len() {
        let mut scratch = Scratch::new(&format!("keys_{version}")).await;
        made::create_tables(&mut scratch.conn, version).await;
        scratch
            .run(
                r#"INSERT INTO "LiteLLM_UserTable" (user_id, user_role, teams) VALUES
                     ('alice', 'internal_user', '{led,joined,gone,others}'), ('bob', NULL, '{}'), ('root', 'proxy_admin', '{}'),
                     ('viewer', 'proxy_admin_viewer', '{}'), ('carol', 'customer', '{led}'), ('dan', 'of-the-future', '{led}');
                   INSERT INTO "LiteLLM_TeamTable" (team_id, members_with_roles, blocked) VALUES
                     ('led', '[{"role": "admin", "user_id": "alice"}, {"role": "admin", "user_id": "carol"}]', false),
                     ('joined', '[{"role": "user", "user_id": "alice"}]', false),
                     ('others', '[{"role": "admin", "user_id": "bob"}]', false),
                     ('odd', '{}', false), ('barred', '[]', true);
                   INSERT INTO "LiteLLM_VerificationToken" (token, user_id, team_id, expires, blocked, key_alias) VALUES
                     ('good', 'alice', 'led', NULL, NULL, 'a key'), ('timed', 'bob', NULL, '2026-11-20 12:00:00.001', false, ''),
                     ('over', 'bob', NULL, '2026-11-20 12:00:00', false, NULL), ('blocked', 'bob', NULL, NULL, true, NULL),
                     ('barred', 'bob', 'barred', NULL, false, NULL), ('admin', 'root', NULL, NULL, NULL, NULL),
                     ('viewer', 'viewer', NULL, NULL, NULL, NULL), ('customer', 'carol', 'led', NULL, NULL, NULL),
                     ('stranger', 'eve', NULL, NULL, NULL, NULL), ('service', NULL, 'led', NULL, NULL, NULL),
                     ('unnamed', '', 'led', NULL, NULL, NULL), ('future', 'dan', NULL, NULL, NULL, NULL);"#,
            )
            .await;
        let facts = RequestSource::probe(&mut scratch.conn, &NamePaths::default()).await.expect("there is a log");
        for (key, expected) in [
            ("good", Ok(own("alice", &["led"]))),
            ("timed", Ok(own("bob", &[]))),
            ("over", Err(Denied::Expired)),
            ("blocked", Err(Denied::Blocked)),
            ("barred", Err(Denied::Blocked)),
            ("admin", Ok(Scope::AllRows)),
            ("viewer", Ok(Scope::AllRows)),
            ("customer", Ok(own("carol", &[]))),
            ("stranger", Ok(own("eve", &[]))),
            ("service", Ok(Scope::Own(OwnRows::default()))),
            ("unnamed", Ok(Scope::Own(OwnRows::default()))),
            ("future", Ok(own("dan", &[]))),
            ("nobody's", Err(Denied::Unknown)),
            ("' OR true; --", Err(Denied::Unknown)),
        ] {
            let found = look_up(&mut scratch.conn, &facts, key).await.map(|principal| principal.scope);
            assert_eq!(found, expected, "{key} on version {version}");
        }
    }
}

#[tokio::test]
async fn what_newer_releases_know_of_keys_counts() {
    let mut scratch = Scratch::new("keys_newest").await;
    made::create_tables(&mut scratch.conn, SCHEMA_VERSIONS.len()).await;
    scratch
        .run(
            r#"INSERT INTO "LiteLLM_UserTable" (user_id, user_role, teams) VALUES ('alice', 'internal_user', '{open,closed}');
               INSERT INTO "LiteLLM_TeamTable" (team_id, members_with_roles, team_member_permissions) VALUES
                 ('open', '[{"role": "user", "user_id": "alice"}]', '{/key/info,/spend/logs}'),
                 ('closed', '[{"role": "user", "user_id": "alice"}]', '{/key/info}'),
                 ('never', '[{"role": "user", "user_id": "bob"}]', '{/spend/logs}');
               INSERT INTO "LiteLLM_VerificationToken" (token, user_id, key_type, allowed_routes) VALUES
                 ('plain', 'alice', 'default', '{}'), ('models', 'alice', 'llm_api', '{}'), ('reads', 'alice', 'read_only', '{}'),
                 ('chat', 'alice', NULL, '{/chat/completions}'), ('logs', 'alice', NULL, '{/spend/logs}'),
                 ('info', 'alice', NULL, '{info_routes}');"#,
        )
        .await;
    let facts = RequestSource::probe(&mut scratch.conn, &NamePaths::default()).await.expect("there is a log");
    for (key, expected) in [
        ("plain", Ok(())),
        ("models", Err(Denied::NotForLogs)),
        ("reads", Ok(())),
        ("chat", Err(Denied::NotForLogs)),
        ("logs", Ok(())),
        ("info", Err(Denied::NotForLogs)),
    ] {
        let found = look_up(&mut scratch.conn, &facts, key).await.map(|principal| principal.scope);
        assert_eq!(found, expected.map(|()| own("alice", &["open"])), "{key}");
    }
}

#[tokio::test]
async fn a_replaced_key_is_good_for_its_grace() {
    let database = Database::empty("keys_grace").await;
    let mut conn = database.connect().await;
    fixtures::load_schema(&mut conn, Release::V1_109_1).await.expect("the schema loads");
    sqlx::raw_sql(
        r#"INSERT INTO "LiteLLM_VerificationToken" (token, user_id) VALUES ('new', 'alice'), ('both', 'bob');
           INSERT INTO "LiteLLM_DeprecatedVerificationToken" (id, token, active_token_id, revoke_at) VALUES
             ('1', 'old', 'new', '2026-11-20 12:00:01'), ('2', 'ended', 'new', '2026-11-20 12:00:00'),
             ('3', 'both', 'new', '2027-01-01');"#,
    )
    .execute(&mut conn)
    .await
    .expect("the keys are there");
    let facts = RequestSource::probe(&mut conn, &NamePaths::default()).await.expect("there is a log");
    for (key, expected) in [
        ("new", Ok(own("alice", &[]))),
        ("old", Ok(own("alice", &[]))),
        ("ended", Err(Denied::Unknown)),
        ("both", Ok(own("bob", &[]))),
    ] {
        assert_eq!(look_up(&mut conn, &facts, key).await.map(|principal| principal.scope), expected, "{key}");
    }
    conn.close().await.expect("closed");
}

/// The keys that LiteLLM itself gave out, in the very words of their holders.
#[tokio::test]
async fn litellms_own_keys_open_their_owners_rows() {
    // The key table of the oldest release is not that of its keys.
    for release in [Release::V1_80_0, Release::V1_109_1] {
        let database = Database::of_release(release).await;
        let _turn = database.exclusively().await;
        let mut conn = database.connect().await;
        let facts = RequestSource::probe(&mut conn, &NamePaths::default()).await.expect("there is a log");
        let file: Value = serde_json::from_str(release.keys()).expect("keys.json is JSON");
        let (users, tokens) =
            (rows::of_table(release, "LiteLLM_UserTable"), rows::of_table(release, "LiteLLM_VerificationToken"));
        let mut found = 0;
        for key in file["keys"].as_array().expect("keys") {
            let hash = litellm::hash(key["key"].as_str().expect("a key"));
            assert_eq!(hash, key["token"].as_str().expect("its hash"), "a key's hash");
            let Some(token) = tokens.iter().find(|token| token["token"] == hash.as_str()) else { continue };
            let user = rows::text(token, "user_id");
            let role = user
                .and_then(|user| users.iter().find(|row| row["user_id"] == user))
                .and_then(|row| rows::text(row, "user_role"));
            let expected = match (role, user) {
                (Some("proxy_admin"), _) => Scope::AllRows,
                (_, Some(user)) => own(user, &[]),
                (_, None) => Scope::Own(OwnRows::default()),
            };
            let opened = look_up(&mut conn, &facts, &hash).await.map(|principal| principal.scope);
            let is_blocked = token["blocked"] == true;
            assert_eq!(opened, if is_blocked { Err(Denied::Blocked) } else { Ok(expected) }, "{token}");
            found += 1;
        }
        assert!(found > 5, "only {found} keys of {release:?}");
        conn.close().await.expect("closed");
    }
}
