//! API keys as those handle them who keep them.

use ipse::domain::credential::api_key_secret::ApiKeySecret;
use ipse::proto::ApiKey;
use ipse::proto::ErrorReason::{
    CredentialsInvalid, FieldInvalid, PageTokenInvalid, PermissionMissing, QuotaExceeded, RequestIdReused,
    ResourceNotFound, StepUpRequired,
};
use prost_types::Timestamp as ProtoTime;
use time::Duration;

use crate::support::custodian::{Custodian, new_key};
use crate::support::dump::{contains, dump};
use crate::support::on_both_backends;
use crate::support::refusal::{reason, refusal};
use crate::support::world::{START, World};

on_both_backends! {
    World::start =>
    a_key_is_told_once
    a_key_expires_when_it_says
    a_key_carries_no_more_than_its_account
    keys_are_listed_newest_first_page_by_page
    an_account_has_a_hundred_live_keys
    a_key_is_revoked_for_good
    a_repeat_tells_the_secret_again
    no_key_is_in_the_database
    keys_that_are_long_over_are_forgotten
    keys_are_made_and_revoked_soon_after_a_sign_in
    whoever_changes_a_key_is_told_by_mail
}

/// A time as many days after the beginning of the test.
fn day(days: i64) -> ProtoTime {
    ProtoTime { seconds: (START + Duration::days(days)).unix_timestamp(), nanos: 0 }
}

async fn a_key_is_told_once(world: World) {
    let root = Custodian::root(&world).await;
    let account = root.create("orders").await.unwrap();
    let wish = ApiKey { display_name: "Till 3, Zürich".to_owned(), ..new_key(&account.id, &[]) };
    let (key, secret) = root.create_key_as("", wish).await.unwrap();
    assert_eq!((&key.service_account_id, key.display_name.as_str()), (&account.id, "Till 3, Zürich"));
    assert_eq!((key.create_time, key.expire_time), (Some(day(0)), Some(day(90))));
    assert_eq!((key.last_used_time, key.revoke_time), (None, None));
    assert_eq!((secret.len(), key.prefix.len()), (110, 37));
    assert!(secret.starts_with(&format!("{}_", key.prefix)));
    assert_eq!(key.prefix, format!("ipse_{}", key.id.replace('-', "")));
    let listed = root.keys(&account.id, 0, "").await.unwrap();
    assert!(!format!("{listed:?}").contains(&secret[38..]), "the list tells no secret");
    assert_eq!(listed.api_keys, std::slice::from_ref(&key));
    let (other, other_secret) = root.create_key(&account.id, &[]).await.unwrap();
    assert!(other.id != key.id && other_secret[38..] != secret[38..]);
}

async fn a_key_expires_when_it_says(world: World) {
    let root = Custodian::root(&world).await;
    let account = root.create("orders").await.unwrap();
    let expiring = |expire_time| ApiKey { expire_time: Some(expire_time), ..new_key(&account.id, &[]) };
    let second = |days| ProtoTime { seconds: day(days).seconds + 1, nanos: 0 };
    for fine in [second(0), day(1), day(366)] {
        assert_eq!(root.create_key_as("", expiring(fine)).await.unwrap().0.expire_time, Some(fine));
    }
    for other in
        [day(0), day(-1), second(366), ProtoTime { seconds: i64::MAX, nanos: 0 }, ProtoTime { seconds: 0, nanos: -1 }]
    {
        let refused = refusal(root.create_key_as("", expiring(other)).await);
        assert_eq!(
            (refused.reason, refused.fields),
            (FieldInvalid, vec!["api_key.expire_time".to_owned()]),
            "{other:?}"
        );
    }
}

async fn a_key_carries_no_more_than_its_account(world: World) {
    let root = Custodian::root(&world).await;
    let account = root.create("orders").await.unwrap();
    root.operator().create("desk", &["orders.*", "crm.read"]).await.unwrap();
    root.give_role(&account.id, "desk").await.unwrap();
    let (key, _) = root.create_key(&account.id, &["orders.read", "crm.read", "orders.read"]).await.unwrap();
    assert_eq!(key.scopes, ["crm.read", "orders.read"]);
    assert_eq!(root.create_key(&account.id, &["orders.*"]).await.unwrap().0.scopes, ["orders.*"]);
    for (scopes, missing) in [(&["crm.write"][..], "crm.write"), (&["orders.read", "crm.*"], "crm.*"), (&["*"], "*")] {
        let refused = refusal(root.create_key(&account.id, scopes).await);
        assert_eq!((refused.reason, refused.metadata["permission"].as_str()), (PermissionMissing, missing));
    }
    for scopes in [&[""][..], &["orders"], &["orders.read "], &["orders.read"; 17]] {
        let refused = refusal(root.create_key(&account.id, scopes).await);
        assert_eq!((refused.reason, refused.fields), (FieldInvalid, vec!["api_key.scopes".to_owned()]), "{scopes:?}");
    }
}

async fn keys_are_listed_newest_first_page_by_page(world: World) {
    let root = Custodian::root(&world).await;
    let (account, other) = (root.create("orders").await.unwrap(), root.create("tills").await.unwrap());
    let mut made = Vec::new();
    for _ in 0..5 {
        world.wait(Duration::SECOND);
        made.insert(0, root.create_key(&account.id, &[]).await.unwrap().0);
    }
    root.create_key(&other.id, &[]).await.unwrap();
    let first = root.keys(&account.id, 3, "").await.unwrap();
    let second = root.keys(&account.id, 3, &first.next_page_token).await.unwrap();
    assert_eq!((&first.api_keys[..], &second.api_keys[..]), (&made[..3], &made[3..]));
    assert_eq!(second.next_page_token, "");
    assert_eq!(reason(root.keys(&other.id, 3, &first.next_page_token).await), PageTokenInvalid, "of another account");
}

async fn an_account_has_a_hundred_live_keys(world: World) {
    let root = Custodian::root(&world).await;
    let account = root.create("orders").await.unwrap();
    let short = ApiKey { expire_time: Some(day(1)), ..new_key(&account.id, &[]) };
    root.create_key_as("", short).await.unwrap();
    let mut keys = Vec::new();
    for _ in 0..99 {
        keys.push(root.create_key(&account.id, &[]).await.unwrap().0);
    }
    let refused = refusal(root.create_key(&account.id, &[]).await);
    assert_eq!(
        (refused.reason, refused.quota.as_deref()),
        (QuotaExceeded, Some("API keys of one account, at most 100"))
    );
    root.revoke_key(&keys[0].id).await.unwrap();
    root.create_key(&account.id, &[]).await.unwrap();
    assert_eq!(reason(root.create_key(&account.id, &[]).await), QuotaExceeded);
    world.wait(Duration::days(1));
    let root = Custodian(world.stranger("root").log_in().await.unwrap());
    root.create_key(&account.id, &[]).await.unwrap();
    assert_eq!(reason(root.create_key(&account.id, &[]).await), QuotaExceeded);
}

async fn a_key_is_revoked_for_good(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "service", &[]).await;
    let revoked = root.revoke_key(&program.key.id).await.unwrap();
    assert_eq!(revoked, ApiKey { revoke_time: Some(day(0)), ..program.key.clone() });
    world.wait(Duration::minutes(1));
    assert_eq!(root.revoke_key(&program.key.id).await.unwrap(), revoked, "it stays as it is");
    assert_eq!(root.keys(&program.account.id, 0, "").await.unwrap().api_keys, [revoked]);
    assert_eq!(reason(program.exchange().await), CredentialsInvalid);
    root.disable(&program.account.id).await.unwrap();
    root.enable(&program.account.id).await.unwrap();
    assert_eq!(reason(program.exchange().await), CredentialsInvalid);
    let unknown = refusal(root.revoke_key(&program.account.id).await);
    assert_eq!((unknown.reason, unknown.resource.unwrap().0.as_str()), (ResourceNotFound, "ApiKey"));
}

const REQUEST: &str = "0b0e7b4e-8c1a-4d5e-9f10-111111111111";

async fn a_repeat_tells_the_secret_again(world: World) {
    let root = Custodian::root(&world).await;
    let account = root.create("orders").await.unwrap();
    let made = root.create_key_as(REQUEST, new_key(&account.id, &[])).await.unwrap();
    world.wait(Duration::minutes(1));
    assert_eq!(root.create_key_as(REQUEST, new_key(&account.id, &[])).await.unwrap(), made);
    assert_eq!(world.count("api_keys").await, 1);
    let other = ApiKey { display_name: "other".to_owned(), ..new_key(&account.id, &[]) };
    assert_eq!(reason(root.create_key_as(REQUEST, other).await), RequestIdReused);
}

async fn keys_are_made_and_revoked_soon_after_a_sign_in(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "administrator", &[]).await;
    let own = Custodian(root.0.bearing(&program.exchange().await.unwrap().access_token));
    world.wait(Duration::minutes(5) + Duration::SECOND);
    for custodian in [&root, &own] {
        let refused = refusal(custodian.create_key(&program.account.id, &[]).await);
        assert_eq!((refused.reason, refused.metadata["max_age"].as_str()), (StepUpRequired, "300"));
        assert_eq!(reason(custodian.revoke_key(&program.key.id).await), StepUpRequired);
    }
    // A service proves who it is with its key.
    let own = Custodian(root.0.bearing(&program.exchange().await.unwrap().access_token));
    let made = own.create_key(&program.account.id, &[]).await.unwrap();
    let root = Custodian(world.stranger("root").log_in().await.unwrap());
    root.revoke_key(&made.0.id).await.unwrap();
}

async fn whoever_changes_a_key_is_told_by_mail(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "administrator", &[]).await;
    let owner = world.stranger("root");
    let mails = owner.mails().await;
    let told: Vec<_> = mails.iter().filter(|mail| mail.content.kind() == "api_key_changed").collect();
    let [mail] = &told[..] else { panic!("{mails:?}") };
    let secret = program.secret.rsplit('_').next().unwrap();
    assert!(!format!("{mail:?}").contains(secret));
    root.revoke_key(&program.key.id).await.unwrap();
    assert_eq!(owner.mail_kinds().await, ["api_key_changed"]);
    root.revoke_key(&program.key.id).await.unwrap();
    assert!(owner.mails().await.is_empty(), "nothing was changed");
    // What the caller's program calls itself goes to nobody who has not proven to read the mail.
    world.change_user(&owner.email, |user| user.email_verified = false).await;
    root.create_key(&program.account.id, &[]).await.unwrap();
    assert!(owner.mails().await.is_empty());
}

async fn no_key_is_in_the_database(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "service", &[]).await;
    let (_, repeatable) = root.create_key_as(REQUEST, new_key(&program.account.id, &[])).await.unwrap();
    let token = program.exchange().await.unwrap().access_token;
    world.replica().service_accounts.record_key_uses().await.unwrap();
    let dump = dump(&world).await;
    for secret in [&program.secret, &repeatable] {
        let random: Vec<u8> =
            (38..102).step_by(2).map(|at| u8::from_str_radix(&secret[at..at + 2], 16).unwrap()).collect();
        for part in [secret.as_bytes(), &secret.as_bytes()[38..], &random] {
            assert!(!contains(&dump, part), "{}", String::from_utf8_lossy(part));
        }
        let digest = ApiKeySecret::parse(secret).unwrap().digest();
        assert!(contains(&dump, digest.as_bytes()), "the dump is one of this database");
    }
    assert!(token.split('.').all(|part| !contains(&dump, part.as_bytes())));
}

async fn keys_that_are_long_over_are_forgotten(world: World) {
    let root = Custodian::root(&world).await;
    let program = root.program(&world, "service", &[]).await;
    world.wait(Duration::SECOND);
    root.revoke_key(&program.key.id).await.unwrap();
    let (expiring, _) = root.create_key(&program.account.id, &[]).await.unwrap();
    let listed = async |days| {
        world.wait(Duration::days(days));
        world.purge().await;
        let root = Custodian(world.stranger("root").log_in().await.unwrap());
        let keys = root.keys(&program.account.id, 0, "").await.unwrap().api_keys;
        keys.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(90).await, [expiring.id.clone(), program.key.id.clone()]);
    assert_eq!(listed(1).await, std::slice::from_ref(&expiring.id));
    assert_eq!(listed(89).await, std::slice::from_ref(&expiring.id));
    assert!(listed(1).await.is_empty());
}
