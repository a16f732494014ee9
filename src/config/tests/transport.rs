//! Certificates, authorities and plaintext.

use rcgen::CertifiedKey;

use super::*;

#[test]
fn files_that_are_missing_or_wrong_are_not_named() {
    for key in ["database_tls_ca_file", "tls_cert_file", "tls_client_ca_file", "smtp_ca_file"] {
        let name = format!("IPSE_{}", key.to_uppercase());
        let missing = Case::production().set(&name, "/c4n4ry").error();
        assert_eq!(missing, format!("{name}: the file cannot be read: entity not found"));
        let wrong = Case::production().set_file(&name, "c4n4ry").error();
        assert_eq!(wrong, format!("{name}: must name a PEM file of certificates"));
    }
}

#[test]
fn a_certificate_and_its_key_go_together() {
    let tls = |chain: &CertifiedKey<rcgen::KeyPair>, key: &CertifiedKey<rcgen::KeyPair>| {
        Case::production()
            .unset("IPSE_PLAINTEXT")
            .set_file("IPSE_TLS_CERT_FILE", &chain.cert.pem())
            .set_file("IPSE_TLS_KEY_FILE", &key.signing_key.serialize_pem())
    };
    let pair = || generate_simple_self_signed(["id.example".to_owned()]).unwrap();
    let (one, other) = (pair(), pair());
    let files = tls(&one, &one).set_file("IPSE_TLS_CLIENT_CA_FILE", &other.cert.pem()).load().listener.endpoint.tls;
    assert!(files.is_some_and(|files| files.client_authorities.is_some()));

    let turned = Case::production()
        .unset("IPSE_PLAINTEXT")
        .set_file("IPSE_TLS_CERT_FILE", &(other.cert.pem() + &one.cert.pem()))
        .set_file("IPSE_TLS_KEY_FILE", &one.signing_key.serialize_pem());
    for (case, error) in [
        (turned, "IPSE_TLS_CERT_FILE: must begin with the certificate of the key: turn the chain around"),
        (tls(&one, &other), "IPSE_TLS_KEY_FILE: names a key that cannot be used or is not the certificate's"),
        (tls(&one, &one).unset("IPSE_TLS_KEY_FILE"), "IPSE_TLS_KEY_FILE: is required"),
        (tls(&one, &one).unset("IPSE_TLS_CERT_FILE"), "IPSE_TLS_KEY_FILE: needs IPSE_TLS_CERT_FILE"),
        (tls(&one, &one).set("IPSE_PLAINTEXT", "true"), "IPSE_PLAINTEXT: contradicts IPSE_TLS_CERT_FILE"),
        (
            tls(&one, &one).set_file("IPSE_TLS_KEY_FILE", "c4n4ry"),
            "IPSE_TLS_KEY_FILE: must name a PEM file of a private key, not encrypted",
        ),
        (
            Case::production().set_file("IPSE_TLS_CLIENT_CA_FILE", &one.cert.pem()),
            "IPSE_TLS_CLIENT_CA_FILE: needs IPSE_TLS_CERT_FILE",
        ),
    ] {
        assert_eq!(case.error(), error);
    }
}

#[test]
fn what_has_no_use_is_refused() {
    let authority = generate_simple_self_signed(["ca.example".to_owned()]).unwrap().cert.pem();
    let database = || Case::production().set_file("IPSE_DATABASE_TLS_CA_FILE", &authority);
    assert!(database().load().database.tls_ca_file.is_some());
    let error = database().set("IPSE_DATABASE_URL", "sqlite:x").error();
    assert_eq!(error, "IPSE_DATABASE_TLS_CA_FILE: has no use with SQLite");
    let role = || Case::production().set("IPSE_DATABASE_RUNTIME_ROLE", "ipse");
    assert_eq!(role().load().database.runtime_role.as_deref(), Some("ipse"));
    let error = role().set("IPSE_DATABASE_URL", "sqlite:x").error();
    assert_eq!(error, "IPSE_DATABASE_RUNTIME_ROLE: has no use with SQLite");
    let error = Case::dev().set_file("IPSE_SMTP_CA_FILE", &authority).error();
    assert_eq!(error, "IPSE_SMTP_CA_FILE: has no use without IPSE_SMTP_URL");
}

#[test]
fn dev_serves_plaintext_on_loopback_alone() {
    for address in ["127.0.0.1:0", "[::1]:50051", "127.1.2.3:1"] {
        Case::dev().set("IPSE_GRPC_LISTEN", address).load();
    }
    for address in ["0.0.0.0:50051", "[::]:50051", "192.0.2.1:50051"] {
        for plaintext in [Case::dev(), Case::dev().set("IPSE_PLAINTEXT", "true")] {
            let error = plaintext.set("IPSE_GRPC_LISTEN", address).error();
            assert!(error.starts_with("IPSE_GRPC_LISTEN: must be a loopback address with --dev"), "{error}");
        }
        Case::production().set("IPSE_GRPC_LISTEN", address).load();
    }
    assert!(Case::dev().set("IPSE_PLAINTEXT", "false").error().starts_with("IPSE_TLS_CERT_FILE: is required"));
    for address in ["localhost:50051", "127.0.0.1", ":50051", "127.0.0.1:65536"] {
        assert!(Case::dev().set("IPSE_GRPC_LISTEN", address).error().starts_with("IPSE_GRPC_LISTEN: must be"));
    }
}

#[test]
fn the_side_port_may_be_elsewhere_or_nowhere() {
    let address = |text: &str| Case::production().set("IPSE_HTTP_LISTEN", text).load().listener.http_address;
    assert_eq!(address("off"), None);
    assert_eq!(address("0.0.0.0:0").unwrap().to_string(), "0.0.0.0:0");
    for text in ["", "8080", "localhost:8080", "OFF", "none", "127.0.0.1"] {
        let error = Case::production().set("IPSE_HTTP_LISTEN", text).error();
        assert_eq!(error, "IPSE_HTTP_LISTEN: must be an address and a port such as 127.0.0.1:8080, or off");
    }
}
