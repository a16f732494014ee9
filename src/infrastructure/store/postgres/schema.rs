diesel::table! {
    users (id) {
        id -> Uuid,
        email_written -> Text,
        email_canonical -> Text,
        email_verified -> Bool,
        username -> Nullable<Text>,
        display_name -> Text,
        locale -> Nullable<Text>,
        attributes -> Text,
        state -> Text,
        suspend_time -> Nullable<Timestamptz>,
        state_reason -> Text,
        provisional -> Bool,
        wanted_username -> Nullable<Text>,
        disputed -> Bool,
        password_change_required -> Bool,
        mfa_enabled -> Bool,
        create_time -> Timestamptz,
        update_time -> Timestamptz,
        last_login_time -> Nullable<Timestamptz>,
        delete_time -> Nullable<Timestamptz>,
        purge_time -> Nullable<Timestamptz>,
        revision -> BigInt,
    }
}

diesel::table! {
    passwords (user_id) {
        user_id -> Uuid,
        hash -> Text,
        failures -> Integer,
        update_time -> Timestamptz,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        user_id -> Uuid,
        ip_address -> Text,
        user_agent -> Text,
        client_id -> Text,
        parent_id -> Nullable<Uuid>,
        client_label -> Text,
        audience -> Nullable<Text>,
        auth_time -> Timestamptz,
        amr -> Text,
        acr -> Text,
        proofs -> Text,
        create_time -> Timestamptz,
        last_seen_time -> Timestamptz,
        expire_time -> Timestamptz,
        idle_expire_time -> Timestamptz,
        end_time -> Nullable<Timestamptz>,
        end_reason -> Nullable<Text>,
        refresh_generation -> BigInt,
        refresh_digest -> Binary,
        previous_digest -> Nullable<Binary>,
        rotate_time -> Timestamptz,
        aal2_expire_time -> Nullable<Timestamptz>,
        over_time -> Timestamptz,
    }
}

diesel::table! {
    action_tokens (user_id, purpose) {
        user_id -> Uuid,
        purpose -> Text,
        new_email -> Nullable<Text>,
        digest -> Binary,
        create_time -> Timestamptz,
        expire_time -> Timestamptz,
    }
}

diesel::table! {
    throttles (key) {
        key -> Binary,
        count -> Integer,
        first_time -> Timestamptz,
        last_time -> Timestamptz,
    }
}

diesel::table! {
    jobs (id) {
        id -> Uuid,
        kind -> Text,
        lane -> Text,
        unique_key -> Nullable<Text>,
        payload -> Binary,
        sealed -> Bool,
        user_id -> Nullable<Uuid>,
        create_time -> Timestamptz,
        run_time -> Timestamptz,
        give_up_time -> Nullable<Timestamptz>,
        attempts -> Integer,
        lease -> Nullable<Uuid>,
        last_error -> Nullable<Text>,
        dead_time -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        public_jwk -> Text,
        sealed_private_key -> Binary,
        create_time -> Timestamptz,
        activate_time -> Timestamptz,
        retire_time -> Nullable<Timestamptz>,
        drop_time -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    roles (id) {
        id -> Uuid,
        name -> Text,
        description -> Text,
        permissions -> Text,
        mfa_required -> Bool,
        built_in -> Bool,
        create_time -> Timestamptz,
        update_time -> Timestamptz,
        revision -> BigInt,
    }
}

diesel::table! {
    role_grants (user_id, role_id) {
        role_id -> Uuid,
        user_id -> Uuid,
        create_time -> Timestamptz,
    }
}

diesel::table! {
    service_accounts (id) {
        id -> Uuid,
        name -> Text,
        description -> Text,
        disabled -> Bool,
        create_time -> Timestamptz,
        update_time -> Timestamptz,
        revision -> BigInt,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Uuid,
        service_account_id -> Uuid,
        display_name -> Text,
        digest -> Binary,
        scopes -> Text,
        create_time -> Timestamptz,
        expire_time -> Timestamptz,
        last_used_time -> Nullable<Timestamptz>,
        revoke_time -> Nullable<Timestamptz>,
        over_time -> Timestamptz,
    }
}

diesel::table! {
    service_role_grants (service_account_id, role_id) {
        role_id -> Uuid,
        service_account_id -> Uuid,
        create_time -> Timestamptz,
    }
}

diesel::table! {
    answered_requests (caller_id, request_id) {
        caller_id -> Uuid,
        request_id -> Uuid,
        digest -> Binary,
        sealed -> Nullable<Binary>,
        create_time -> Timestamptz,
    }
}

diesel::table! {
    server_secrets (name) {
        name -> Text,
        sealed -> Binary,
        create_time -> Timestamptz,
    }
}

diesel::table! {
    audit_events (sequence) {
        sequence -> BigInt,
        id -> Uuid,
        time -> Timestamptz,
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
        revoked_before -> Nullable<Timestamptz>,
        forget_after -> Timestamptz,
        create_time -> Timestamptz,
    }
}

diesel::table! {
    factors (id) {
        id -> Uuid,
        user_id -> Uuid,
        kind -> Text,
        display_name -> Text,
        failures -> Integer,
        create_time -> Timestamptz,
        last_used_time -> Nullable<Timestamptz>,
        revision -> BigInt,
        sealed_secret -> Nullable<Binary>,
        last_step -> Nullable<BigInt>,
        barred_step -> Nullable<BigInt>,
        credential_id -> Nullable<Binary>,
        public_key -> Nullable<Binary>,
        user_handle -> Nullable<Binary>,
        rp_id -> Nullable<Text>,
        sign_count -> Nullable<BigInt>,
        aaguid -> Nullable<Uuid>,
        transports -> Nullable<Text>,
        backup_eligible -> Nullable<Bool>,
        backed_up -> Nullable<Bool>,
        user_verified -> Nullable<Bool>,
    }
}

diesel::table! {
    recovery_codes (factor_id, hash) {
        factor_id -> Uuid,
        hash -> Text,
    }
}

diesel::table! {
    factor_enrolments (id) {
        id -> Uuid,
        user_id -> Uuid,
        session_id -> Uuid,
        kind -> Text,
        display_name -> Text,
        sealed_secret -> Nullable<Binary>,
        challenge -> Nullable<Binary>,
        user_handle -> Nullable<Binary>,
        failures -> Integer,
        create_time -> Timestamptz,
        expire_time -> Timestamptz,
    }
}

diesel::table! {
    challenges (digest) {
        digest -> Binary,
        purpose -> Text,
        user_id -> Nullable<Uuid>,
        session_id -> Nullable<Uuid>,
        proofs -> Text,
        audience -> Nullable<Text>,
        client_label -> Text,
        failures_before -> Integer,
        webauthn_challenge -> Nullable<Binary>,
        failures -> Integer,
        create_time -> Timestamptz,
        expire_time -> Timestamptz,
    }
}

diesel::table! {
    retired_ids (id) {
        id -> Uuid,
    }
}

diesel::table! {
    schema_migrations (name) {
        name -> Text,
        checksum -> Binary,
        apply_time -> Timestamptz,
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
