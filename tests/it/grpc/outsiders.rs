//! What somebody without the mailbox can tell of an address: nothing, whatever they call and in whichever order. Every pair of
//! calls, one after the other, at addresses in every state; the answers are compared byte by byte, headers included.

use ipse::domain::account::user::UserState;
use ipse::proto::{LoginRequest, RegisterRequest, RequestPasswordResetRequest, ResendVerificationRequest};
use prost::Message as _;
use time::Duration;

use crate::support::on_both_backends;
use crate::support::wire::{Answer, Call};
use crate::support::world::World;

on_both_backends! {
    World::start =>
    no_two_calls_tell_whether_an_address_has_an_account
    no_two_calls_tell_it_when_they_come_at_once
}

const PASSWORD: &str = "what somebody else would choose";
const STATES: [&str; 8] = ["nobody", "pending", "active", "named", "suspended", "changing", "deleted", "locked"];

/// What an outsider may call, and with what. `{}` stands for the name of the address that they want to know of.
const PROBES: [(&str, &str, &str, &str); 8] = [
    ("Register", "{}@example.com", PASSWORD, ""),
    ("Register", "{}@example.com", "yet another one of their own", "wanted-{}"),
    // Somebody's own address, with the name that was asked for with the other one.
    ("Register", "mine-{}@example.com", PASSWORD, "wanted-{}"),
    // A name that is in use: by the owner of one of these addresses.
    ("Register", "{}@example.com", PASSWORD, "famous"),
    ("ResendVerification", "{}@example.com", "", ""),
    ("RequestPasswordReset", "{}@example.com", "", ""),
    ("Login", "{}@example.com", PASSWORD, ""),
    ("Login", "wanted-{}", PASSWORD, ""),
];

/// Each ordered pair of probes once: the words of two letters of a de Bruijn sequence.
fn sequence(first: usize) -> Vec<usize> {
    let count = PROBES.len();
    let words = (0..count).flat_map(|one| std::iter::once(one).chain((one + 1..count).flat_map(move |two| [one, two])));
    let mut cycle: Vec<usize> = words.collect();
    assert_eq!(cycle.len(), count * count);
    let begin = cycle.iter().position(|probe| *probe == first).unwrap();
    cycle.rotate_left(begin);
    cycle.push(cycle[0]);
    cycle
}

async fn probe(world: &World, number: usize, name: &str) -> Answer {
    let (method, address, password, username) = PROBES[number];
    let [address, username] = [address, username].map(|text| text.replace("{}", name));
    let password = password.to_owned();
    let message = match method {
        "Register" => {
            RegisterRequest { email: address, password, username, ..RegisterRequest::default() }.encode_to_vec()
        }
        "ResendVerification" => ResendVerificationRequest { email: address, request_id: String::new() }.encode_to_vec(),
        "RequestPasswordReset" => {
            RequestPasswordResetRequest { email: address, request_id: String::new() }.encode_to_vec()
        }
        _ => LoginRequest { identifier: address, password, ..LoginRequest::default() }.encode_to_vec(),
    };
    let path = format!("/ipse.v1.AuthService/{method}");
    let call = Call::new(&path, &message).with(&[("x-request-id", b"the-same")]);
    call.send(world.replica().address).await.unwrap()
}

/// People in every state that an account can have, and one who has none.
async fn people(world: &World, prefix: &str) -> Vec<String> {
    let names: Vec<_> = STATES.iter().map(|state| format!("{prefix}-{state}")).collect();
    for (state, name) in STATES.iter().zip(&names) {
        let username = if *state == "named" { "famous" } else { "" };
        let person = world.stranger(name).known_as(username);
        match *state {
            "nobody" => continue,
            "pending" => person.register().await.unwrap(),
            _ => {
                person.register().await.unwrap();
                person.verify(&person.mailed_token().await).await.unwrap();
            }
        }
        match *state {
            "suspended" => world.suspend(&person.email).await,
            "changing" => world.change_user(&person.email, |user| user.password_change_required = true).await,
            "deleted" => world.change_user(&person.email, |user| user.state = UserState::Deleted).await,
            _ => {}
        }
    }
    let locked = format!(
        "UPDATE passwords SET failures = 100 WHERE user_id = \
         (SELECT id FROM users WHERE email_written = '{prefix}-locked@example.com')"
    );
    world.database.outsider().await.execute(&locked).await;
    world.mails().await;
    world.wait(Duration::hours(2));
    names
}

async fn assert_nothing_is_told(world: &World, first: usize, pause: Duration) {
    let names = people(world, &format!("p{first}")).await;
    let mut before = usize::MAX;
    for number in sequence(first) {
        let expected = probe(world, number, &names[0]).await;
        for (state, name) in STATES.iter().zip(&names).skip(1) {
            let answer = probe(world, number, name).await;
            assert_eq!(answer, expected, "{state}: {:?} after {:?}", PROBES[number], PROBES.get(before));
        }
        before = number;
        world.wait(pause);
    }
}

/// With time between them, so that nothing has to wait and every budget has room.
async fn no_two_calls_tell_whether_an_address_has_an_account(world: World) {
    assert_nothing_is_told(&world, 0, Duration::hours(2)).await;
}

/// Without, so that waiting times and used-up budgets must not tell it either.
async fn no_two_calls_tell_it_when_they_come_at_once(world: World) {
    assert_nothing_is_told(&world, 6, Duration::ZERO).await;
}
