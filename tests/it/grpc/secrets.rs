//! What a thief of the database gets: nothing that opens a door.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::support::dump::{contains, dump};
use crate::support::forge::Key;
use crate::support::letterbox::Service;
use crate::support::on_both_backends;
use crate::support::person::token_in;
use crate::support::world::{MASTER_KEY, World};

const WRONG_KEY: &str = "IPSE_MASTER_KEY: does not open the secrets of this database, nor does any of \
     IPSE_OTHER_MASTER_KEYS: give the key that sealed them";

on_both_backends! {
    World::start =>
    no_secret_is_in_the_database
    a_database_under_another_master_key_is_refused
}

async fn no_secret_is_in_the_database(world: World) {
    let (alice, bob) = (world.person("alice").await, world.stranger("bob"));
    let phone = alice.log_in().await.unwrap();
    let refreshed = phone.refresh().await.unwrap();
    let laptop = alice.log_in().await.unwrap();
    laptop.change_password(&alice.password, "another long way home").await.unwrap();
    let page_token = {
        alice.with_password("another long way home").log_in().await.unwrap();
        laptop.page(1, "").await.unwrap().next_page_token
    };
    alice.mails().await;
    // These mails wait in the database.
    world.letterbox.set(Service::Closed);
    bob.register().await.unwrap();
    alice.request_reset().await.unwrap();
    world.deliver_mail().await;
    let dump = dump(&world).await;
    world.letterbox.set(Service::Open);
    world.wait(time::Duration::minutes(5));
    let mailed: Vec<String> = world.mails().await.iter().map(token_in).collect();
    assert_eq!(mailed.len(), 2);

    let mut secrets: Vec<Vec<u8>> = vec![MASTER_KEY.into(), STANDARD.encode(MASTER_KEY).into()];
    secrets.extend([&*alice.password, &bob.password, "another long way home", &page_token].map(Into::into));
    for device in [&phone, &refreshed, &laptop] {
        let (access, refresh) = (&device.tokens.access_token, &device.tokens.refresh_token);
        secrets.extend(access.split('.').chain([refresh.as_str()]).map(Into::into));
        let bytes = URL_SAFE_NO_PAD.decode(refresh.strip_prefix("ipse_rt_").unwrap()).unwrap();
        // The id of the session and the generation are no secret; these 32 bytes and the tag are.
        secrets.extend([bytes[20..52].to_vec(), bytes[52..].to_vec()]);
    }
    for token in mailed {
        secrets.push(URL_SAFE_NO_PAD.decode(&token).unwrap());
        secrets.push(token.into_bytes());
    }
    let private = Key::of(&world).await.private;
    secrets.extend(private.windows(16).step_by(16).map(<[u8]>::to_vec));
    for secret in secrets {
        assert!(!contains(&dump, &secret), "{}", String::from_utf8_lossy(&secret));
    }
    for known in [alice.email.as_str(), "$argon2id$", "203.0.113.1"] {
        assert!(contains(&dump, known.as_bytes()), "the dump is one of this database: {known}");
    }
}

async fn a_database_under_another_master_key_is_refused(world: World) {
    let mut settings = world.settings.clone();
    let key = ipse::domain::secret::SecretKey::new(*b"another key of thirty-two bytes.");
    settings.master_keys.current = ipse::infrastructure::master_key::MasterKey::Given(key);
    let refused = ipse::composition::App::build(&settings, ipse::composition::Overrides::default()).await;
    let why = refused.err().expect("the keys cannot be opened").to_string();
    assert_eq!(why, WRONG_KEY);
}
