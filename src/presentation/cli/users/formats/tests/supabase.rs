use serde_json::{Value, json};

use super::super::System;
use super::{attributes, read, refused, seconds, user};
use crate::proto::UserState;

fn supabase() -> Value {
    json!({"instance_id": "00000000-0000-0000-0000-000000000000", "id": "0f3e6c86-58f5-4a13-9c35-2f6f4f1d2a11",
        "aud": "authenticated", "role": "authenticated", "email": "ida@example.org", "encrypted_password": "$2a$10$x",
        "email_confirmed_at": "2020-09-13 12:26:40.5+00", "raw_app_meta_data": {"provider": "email"},
        "raw_user_meta_data": {"full_name": "Ida Berg"}, "is_super_admin": null, "created_at": "2020-09-13T12:26:40+00:00",
        "updated_at": "2020-09-13T12:26:40+00:00", "last_sign_in_at": null, "phone": null, "banned_until": null,
        "deleted_at": null, "is_sso_user": false, "is_anonymous": false, "confirmation_token": "abc"})
}

#[test]
fn people_of_supabase() {
    let (record, left_out) = read(System::Supabase, &supabase());
    let ida = user(&record);
    assert_eq!((record.password_hash.as_str(), ida.email_verified, ida.state), ("$2a$10$x", true, 0));
    assert_eq!((ida.display_name.as_str(), seconds(ida.create_time.as_ref())), ("Ida Berg", 1_600_000_000));
    assert_eq!(
        (attributes(&record), &left_out[1..]),
        (json!({"full_name": "Ida Berg"}), &["  raw_app_meta_data: 1 row".to_owned()][..])
    );

    for (until, state) in [
        ("2026-03-01T12:00:01Z", UserState::Suspended),
        ("2026-03-01T12:00:00Z", UserState::Unspecified),
        ("2020-01-01T00:00:00Z", UserState::Unspecified),
    ] {
        let mut row = supabase();
        row["banned_until"] = until.into();
        assert_eq!(user(&read(System::Supabase, &row).0).state(), state, "{until}");
    }
    let mut row = supabase();
    row["deleted_at"] = "2020-09-13T12:26:41Z".into();
    row["email_confirmed_at"] = Value::Null;
    let (record, _) = read(System::Supabase, &row);
    assert_eq!((user(&record).state(), user(&record).email_verified), (UserState::Deleted, false));
    assert_eq!(seconds(user(&record).delete_time.as_ref()), 1_600_000_001);
    row["created_at"] = "yesterday".into();
    assert_eq!(refused(System::Supabase, &row).0, "created_at");
}

#[test]
fn second_factors_of_supabase() {
    let mut row = supabase();
    row["factors"] = json!([{"factor_type": "totp", "status": "verified", "secret": "GEZDGNBVGY3TQOJQ", "friendly_name": "phone",
        "created_at": "2020-09-13T12:26:40Z"}, {"factor_type": "totp", "status": "unverified", "secret": "GEZDGNBVGY3TQOJQ"}]);
    let (record, left_out) = read(System::Supabase, &row);
    assert_eq!((record.factors.len(), record.factors[0].display_name.as_str()), (1, "phone"));
    assert_eq!(left_out[1], "  factors of type totp: 1 row");
    for factor in
        [json!({"factor_type": "phone", "status": "verified"}), json!({"factor_type": "totp", "status": "verified"})]
    {
        row["factors"] = json!([factor]);
        assert_eq!(refused(System::Supabase, &row).0, "factors.factor_type");
    }
}
