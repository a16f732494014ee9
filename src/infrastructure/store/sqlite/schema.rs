diesel::table! {
    users (id) {
        id -> Binary,
        email_written -> Text,
        email_canonical -> Text,
        email_verified -> Bool,
        username -> Nullable<Text>,
        display_name -> Text,
        locale -> Nullable<Text>,
        attributes -> Text,
        state -> Text,
        suspend_time -> Nullable<BigInt>,
        state_reason -> Text,
        provisional -> Bool,
        wanted_username -> Nullable<Text>,
        disputed -> Bool,
        password_change_required -> Bool,
        mfa_enabled -> Bool,
        create_time -> BigInt,
        update_time -> BigInt,
        last_login_time -> Nullable<BigInt>,
        delete_time -> Nullable<BigInt>,
        purge_time -> Nullable<BigInt>,
        revision -> BigInt,
    }
}

diesel::table! {
    passwords (user_id) {
        user_id -> Binary,
        hash -> Text,
        failures -> Integer,
        update_time -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Binary,
        user_id -> Binary,
        ip_address -> Text,
        user_agent -> Text,
        client_id -> Text,
        parent_id -> Nullable<Binary>,
        client_label -> Text,
        audience -> Nullable<Text>,
        auth_time -> BigInt,
        amr -> Text,
        acr -> Text,
        proofs -> Text,
        create_time -> BigInt,
        last_seen_time -> BigInt,
        expire_time -> BigInt,
        idle_expire_time -> BigInt,
        end_time -> Nullable<BigInt>,
        end_reason -> Nullable<Text>,
        refresh_generation -> BigInt,
        refresh_digest -> Binary,
        previous_digest -> Nullable<Binary>,
        rotate_time -> BigInt,
        aal2_expire_time -> Nullable<BigInt>,
        over_time -> BigInt,
    }
}

diesel::table! {
    action_tokens (user_id, purpose) {
        user_id -> Binary,
        purpose -> Text,
        new_email -> Nullable<Text>,
        digest -> Binary,
        create_time -> BigInt,
        expire_time -> BigInt,
    }
}

diesel::table! {
    throttles (key) {
        key -> Binary,
        count -> Integer,
        first_time -> BigInt,
        last_time -> BigInt,
    }
}

diesel::table! {
    jobs (id) {
        id -> Binary,
        kind -> Text,
        lane -> Text,
        unique_key -> Nullable<Text>,
        payload -> Binary,
        sealed -> Bool,
        user_id -> Nullable<Binary>,
        create_time -> BigInt,
        run_time -> BigInt,
        give_up_time -> Nullable<BigInt>,
        attempts -> Integer,
        lease -> Nullable<Binary>,
        last_error -> Nullable<Text>,
        dead_time -> Nullable<BigInt>,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        public_jwk -> Text,
        sealed_private_key -> Binary,
        create_time -> BigInt,
        activate_time -> BigInt,
        retire_time -> Nullable<BigInt>,
        drop_time -> Nullable<BigInt>,
    }
}

diesel::table! {
    roles (id) {
        id -> Binary,
        name -> Text,
        description -> Text,
        permissions -> Text,
        mfa_required -> Bool,
        built_in -> Bool,
        create_time -> BigInt,
        update_time -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    role_grants (user_id, role_id) {
        role_id -> Binary,
        user_id -> Binary,
        create_time -> BigInt,
    }
}

diesel::table! {
    service_accounts (id) {
        id -> Binary,
        name -> Text,
        description -> Text,
        disabled -> Bool,
        create_time -> BigInt,
        update_time -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Binary,
        service_account_id -> Binary,
        display_name -> Text,
        digest -> Binary,
        scopes -> Text,
        create_time -> BigInt,
        expire_time -> BigInt,
        last_used_time -> Nullable<BigInt>,
        revoke_time -> Nullable<BigInt>,
        over_time -> BigInt,
    }
}

diesel::table! {
    service_role_grants (service_account_id, role_id) {
        role_id -> Binary,
        service_account_id -> Binary,
        create_time -> BigInt,
    }
}

diesel::table! {
    answered_requests (caller_id, request_id) {
        caller_id -> Binary,
        request_id -> Binary,
        digest -> Binary,
        sealed -> Nullable<Binary>,
        create_time -> BigInt,
    }
}

diesel::table! {
    server_secrets (name) {
        name -> Text,
        sealed -> Binary,
        create_time -> BigInt,
    }
}

diesel::table! {
    audit_events (sequence) {
        sequence -> BigInt,
        id -> Binary,
        time -> BigInt,
        #[sql_name = "type"]
        kind -> Text,
        actor -> Text,
        subject -> Text,
        outcome -> Text,
        reason -> Text,
        ip_address -> Nullable<Text>,
        user_agent -> Text,
        request_id -> Text,
        trace_id -> Text,
        details -> Text,
    }
}

diesel::table! {
    access_changes (sequence) {
        sequence -> BigInt,
        kind -> Text,
        target -> Text,
        revoked_before -> Nullable<BigInt>,
        forget_after -> BigInt,
        create_time -> BigInt,
    }
}

diesel::table! {
    factors (id) {
        id -> Binary,
        user_id -> Binary,
        kind -> Text,
        display_name -> Text,
        failures -> Integer,
        create_time -> BigInt,
        last_used_time -> Nullable<BigInt>,
        revision -> BigInt,
        sealed_secret -> Nullable<Binary>,
        last_step -> Nullable<BigInt>,
        barred_step -> Nullable<BigInt>,
        credential_id -> Nullable<Binary>,
        public_key -> Nullable<Binary>,
        user_handle -> Nullable<Binary>,
        rp_id -> Nullable<Text>,
        sign_count -> Nullable<BigInt>,
        aaguid -> Nullable<Binary>,
        transports -> Nullable<Text>,
        backup_eligible -> Nullable<Bool>,
        backed_up -> Nullable<Bool>,
        user_verified -> Nullable<Bool>,
    }
}

diesel::table! {
    recovery_codes (factor_id, hash) {
        factor_id -> Binary,
        hash -> Text,
    }
}

diesel::table! {
    factor_enrolments (id) {
        id -> Binary,
        user_id -> Binary,
        session_id -> Binary,
        kind -> Text,
        display_name -> Text,
        sealed_secret -> Nullable<Binary>,
        challenge -> Nullable<Binary>,
        user_handle -> Nullable<Binary>,
        failures -> Integer,
        create_time -> BigInt,
        expire_time -> BigInt,
    }
}

diesel::table! {
    challenges (digest) {
        digest -> Binary,
        purpose -> Text,
        user_id -> Nullable<Binary>,
        session_id -> Nullable<Binary>,
        proofs -> Text,
        audience -> Nullable<Text>,
        client_label -> Text,
        failures_before -> Integer,
        webauthn_challenge -> Nullable<Binary>,
        failures -> Integer,
        create_time -> BigInt,
        expire_time -> BigInt,
    }
}

diesel::table! {
    retired_ids (id) {
        id -> Binary,
    }
}

diesel::table! {
    schema_migrations (name) {
        name -> Text,
        checksum -> Binary,
        apply_time -> BigInt,
    }
}

diesel::joinable!(api_keys -> service_accounts (service_account_id));
diesel::joinable!(passwords -> users (user_id));
diesel::joinable!(role_grants -> roles (role_id));
diesel::joinable!(role_grants -> users (user_id));
diesel::joinable!(service_role_grants -> roles (role_id));
diesel::joinable!(sessions -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(sessions, users, roles, role_grants);
diesel::allow_tables_to_appear_in_same_query!(roles, service_role_grants);
diesel::allow_tables_to_appear_in_same_query!(factors, recovery_codes);
diesel::allow_tables_to_appear_in_same_query!(challenges, users);
diesel::allow_tables_to_appear_in_same_query!(passwords, users);
diesel::allow_tables_to_appear_in_same_query!(api_keys, service_accounts);
