use std::collections::HashSet;

use futures_util::future::join_all;
use ipse::proto::ErrorReason::{
    FieldInvalid, PageTokenInvalid, PermissionMissing, RefreshTokenInvalid, ResourceNotFound, TokenInvalid,
};
use ipse::proto::Session;
use time::Duration;

use crate::support::on_both_backends;
use crate::support::person::Device;
use crate::support::refusal::{reason, refusal};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    the_list_has_the_live_sessions_newest_first
    pages_have_no_gap_and_no_repetition
    a_new_sign_in_does_not_disturb_the_pages
    a_page_has_a_size
    page_tokens_are_the_servers_own
    a_session_ends_for_good
    the_current_session_may_be_ended_too
    what_is_not_ones_own_session_is_refused_whether_or_not_it_exists
    all_other_sessions_end_together
    the_fifty_first_sign_in_ends_the_oldest_session
}

fn ids(sessions: &[Session]) -> Vec<&str> {
    sessions.iter().map(|session| session.id.as_str()).collect()
}

/// Signs in this often, a minute apart; the devices, newest first.
async fn devices<'w>(world: &'w World, name: &str, count: usize) -> Vec<Device<'w>> {
    let person = world.person(name).await;
    let mut devices = Vec::new();
    for _ in 0..count {
        world.wait(Duration::minutes(1));
        devices.insert(0, person.log_in().await.unwrap());
    }
    devices
}

async fn the_list_has_the_live_sessions_newest_first(world: World) {
    let devices = devices(&world, "alice", 4).await;
    world.person("bob").await.log_in().await.unwrap();
    devices[2].log_out().await.unwrap();
    let sessions = devices[1].sessions().await.unwrap();
    assert_eq!(ids(&sessions), [0, 1, 3].map(|number| devices[number].tokens.session_id.as_str()));
    let current: Vec<bool> = sessions.iter().map(|session| session.current).collect();
    assert_eq!(current, [false, true, false]);
    let me = devices[1].me().await.unwrap();
    assert_eq!(me.session.as_ref(), Some(&sessions[1]));
    assert!(sessions.iter().all(|session| session.user_id == me.user.as_ref().unwrap().id));

    world.wait(Duration::days(14) - Duration::minutes(1));
    let refreshed = devices[3].refresh().await;
    assert_eq!(reason(refreshed), RefreshTokenInvalid, "the oldest one was idle for too long");
    let refreshed = devices[0].refresh().await.unwrap();
    world.wait(Duration::minutes(1));
    assert_eq!(ids(&refreshed.sessions().await.unwrap()), [&devices[0].tokens.session_id]);
}

async fn pages_have_no_gap_and_no_repetition(world: World) {
    let person = world.person("alice").await;
    // All at the same time, so that the time alone does not order them.
    for _ in 0..7 {
        person.log_in().await.unwrap();
    }
    let device = person.log_in().await.unwrap();
    let whole = device.sessions().await.unwrap();
    assert_eq!(whole.len(), 8);
    for size in 1..=9 {
        let (mut walked, mut token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = device.page(size, &token).await.unwrap();
            assert!(page.sessions.len() <= usize::try_from(size).unwrap());
            walked.extend(page.sessions);
            pages += 1;
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(walked, whole, "pages of {size}");
        assert_eq!(pages, 8_usize.div_ceil(usize::try_from(size).unwrap()), "no empty page at the end");
    }
}

async fn a_new_sign_in_does_not_disturb_the_pages(world: World) {
    let devices = devices(&world, "alice", 4).await;
    let first = devices[0].page(2, "").await.unwrap();
    let newest = world.stranger("alice").log_in().await.unwrap();
    devices[3].log_out().await.unwrap();
    let second = devices[0].page(2, &first.next_page_token).await.unwrap();
    assert_eq!(ids(&second.sessions), [&devices[2].tokens.session_id]);
    assert_eq!(second.next_page_token, "");
    assert_eq!(newest.sessions().await.unwrap().len(), 4);
}

async fn a_page_has_a_size(world: World) {
    let alice = devices(&world, "alice", 3).await.remove(0);
    for (size, count) in [(0, 3), (1, 1), (3, 3), (1000, 3), (1001, 3), (i32::MAX, 3)] {
        assert_eq!(alice.page(size, "").await.unwrap().sessions.len(), count, "{size}");
    }
    for size in [-1, i32::MIN] {
        let refusal = refusal(alice.page(size, "").await);
        assert_eq!((refusal.reason, refusal.fields), (FieldInvalid, vec!["page_size".to_owned()]));
    }
}

async fn page_tokens_are_the_servers_own(world: World) {
    let (alice, bob) = (devices(&world, "alice", 3).await.remove(0), devices(&world, "bob", 3).await.remove(0));
    let token = alice.page(1, "").await.unwrap().next_page_token;
    assert!(token.len() <= 512 && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{token}");
    alice.page(2, &token).await.unwrap();
    let mut refused = vec!["garbage".to_owned(), token[1..].to_owned(), format!("{token}A"), "A".repeat(513)];
    refused.extend((0..token.len()).step_by(5).map(|index| {
        let letter = if &token[index..=index] == "A" { "B" } else { "A" };
        format!("{}{letter}{}", &token[..index], &token[index + 1..])
    }));
    for refused in refused {
        assert_eq!(reason(alice.page(1, &refused).await), PageTokenInvalid, "{refused}");
    }
    assert_eq!(reason(bob.page(1, &token).await), PageTokenInvalid, "a token of somebody else");
}

async fn a_session_ends_for_good(world: World) {
    let devices = devices(&world, "alice", 3).await;
    devices[0].revoke(&devices[1].tokens.session_id).await.unwrap();
    assert_eq!(reason(devices[1].me().await), TokenInvalid);
    assert_eq!(reason(devices[1].refresh().await), RefreshTokenInvalid);
    devices[2].me().await.unwrap();
    assert_eq!(reason(devices[0].revoke(&devices[1].tokens.session_id).await), ResourceNotFound);
}

async fn the_current_session_may_be_ended_too(world: World) {
    let alice = devices(&world, "alice", 1).await.remove(0);
    alice.revoke(&alice.tokens.session_id).await.unwrap();
    assert_eq!(reason(alice.me().await), TokenInvalid);
}

async fn what_is_not_ones_own_session_is_refused_whether_or_not_it_exists(world: World) {
    let (alice, bob) = (devices(&world, "alice", 2).await, devices(&world, "bob", 1).await.remove(0));
    alice[1].log_out().await.unwrap();
    let foreign = bob.tokens.session_id.clone();
    let over = refusal(alice[0].revoke(&alice[1].tokens.session_id).await);
    assert_eq!(over.reason, ResourceNotFound);
    assert_eq!(over.resource, Some(("Session".to_owned(), alice[1].tokens.session_id.clone())));
    for id in [&foreign, "01890a5d-ac96-774b-bcce-b302099a8057"] {
        let refusal = refusal(alice[0].revoke(id).await);
        assert_eq!((refusal.reason, refusal.metadata["permission"].as_str()), (PermissionMissing, "sessions.revoke"));
    }
    bob.me().await.unwrap();
    for malformed in ["", "garbage", &foreign.replace('-', ""), &format!("{{{foreign}}}"), &format!("{foreign}\0")] {
        let refusal = refusal(alice[0].revoke(malformed).await);
        assert_eq!((refusal.reason, refusal.fields), (FieldInvalid, vec!["session_id".to_owned()]), "{malformed:?}");
    }
}

async fn all_other_sessions_end_together(world: World) {
    let (alice, bob) = (devices(&world, "alice", 4).await, devices(&world, "bob", 1).await.remove(0));
    alice[3].log_out().await.unwrap();
    assert_eq!(alice[1].revoke_others().await.unwrap(), 2);
    assert_eq!(alice[1].revoke_others().await.unwrap(), 0);
    for ended in [0, 2] {
        assert_eq!(reason(alice[ended].me().await), TokenInvalid);
        assert_eq!(reason(alice[ended].refresh().await), RefreshTokenInvalid);
    }
    alice[1].refresh().await.unwrap().me().await.unwrap();
    bob.me().await.unwrap();
}

async fn the_fifty_first_sign_in_ends_the_oldest_session(world: World) {
    // The access tokens of all of them are still valid at the end.
    let alice = world.person("alice").await;
    let mut devices = Vec::new();
    for _ in 0..52 {
        world.wait(Duration::seconds(1));
        devices.push(alice.log_in().await.unwrap());
    }
    let sessions = devices[51].page(1000, "").await.unwrap().sessions;
    let live: HashSet<_> = ids(&sessions).into_iter().collect();
    assert_eq!(live.len(), 50);
    for (number, device) in devices.iter().enumerate() {
        assert_eq!(live.contains(device.tokens.session_id.as_str()), number >= 2, "{number}");
    }
    assert_eq!(reason(devices[1].me().await), TokenInvalid);
    devices[2].me().await.unwrap();

    world.wait(Duration::seconds(1));
    for newest in join_all((0..8).map(|_| alice.log_in())).await {
        newest.unwrap().me().await.unwrap();
    }
    assert_eq!(devices[51].page(1000, "").await.unwrap().sessions.len(), 50, "parallel sign-ins make room too");
}
