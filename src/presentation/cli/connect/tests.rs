//! The command line against the server's own listener, with certificates of every kind.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::presentation::net::TrustedProxies;
use crate::presentation::net::door::{self, Door};
use crate::presentation::net::networks::Networks;
use crate::presentation::net::opening::Protocol;
use crate::presentation::net::tls::{Certificates, KeyPairFiles, TlsFiles};

/// Who vouches for certificates, and where the files are.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
    count: AtomicUsize,
}

impl Authority {
    fn new() -> Self {
        Self::named("authority")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: TempDir::new().unwrap(), count: AtomicUsize::new(0) }
    }

    fn write(&self, pem: &str) -> PathBuf {
        let path = self.folder.path().join(self.count.fetch_add(1, Ordering::Relaxed).to_string());
        fs::write(&path, pem).unwrap();
        path
    }

    fn file(&self) -> PathBuf {
        self.write(&self.issuer.pem())
    }

    /// A certificate for `localhost` and these purposes, changed in some way.
    fn issue(&self, purposes: &[ExtendedKeyUsagePurpose], change: impl FnOnce(&mut CertificateParams)) -> KeyPairFiles {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.extended_key_usages = purposes.to_vec();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        KeyPairFiles { certificate: self.write(&certificate.pem()), key: self.write(&key.serialize_pem()) }
    }

    fn for_servers(&self) -> KeyPairFiles {
        self.issue(&[ExtendedKeyUsagePurpose::ServerAuth], |_| {})
    }

    fn for_clients(&self) -> KeyPairFiles {
        self.issue(&[ExtendedKeyUsagePurpose::ClientAuth], |_| {})
    }
}

/// Serves the health service as the server does, with these files and to these load balancers.
async fn serve(tls: Option<TlsFiles>, balancers: Networks) -> Endpoint {
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("", tonic_health::ServingStatus::Serving).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = Door {
        protocol: Protocol::Http2,
        certificates: tls.clone().map(|files| Arc::new(Certificates::load(files).unwrap())),
        most: 16,
        proxies: TrustedProxies::default(),
        balancers: balancers.clone(),
        stopped: CancellationToken::new(),
    };
    let connections = door::accept(listener, door);
    tokio::spawn(transport::Server::builder().add_service(service).serve_with_incoming(connections));
    Endpoint { address, tls, balancers }
}

async fn serve_tls(key_pair: KeyPairFiles, client_authorities: Option<PathBuf>) -> Endpoint {
    serve(Some(TlsFiles { key_pair, client_authorities }), Networks::default()).await
}

/// Connects by the URL with this scheme and host.
async fn by_url(endpoint: &Endpoint, place: &str, files: &ClientFiles) -> Result<ServingStatus, String> {
    let url = format!("{place}:{}", endpoint.address.port()).parse().unwrap();
    outcome(connect(&Server::Url(url), files).await)
}

async fn by_settings(endpoint: &Endpoint, files: &ClientFiles) -> Result<ServingStatus, String> {
    outcome(connect(&Server::Settings(endpoint.clone()), files).await)
}

/// What is served, or what a user reads.
fn outcome(connected: Result<Connected, Unreachable>) -> Result<ServingStatus, String> {
    match connected {
        Ok(connected) => Ok(connected.health.unwrap()),
        Err(Unreachable::Transport(_, fault)) => Err(fault.to_string()),
        Err(other) => Err(other.to_string()),
    }
}

fn with(authorities: PathBuf, key_pair: Option<KeyPairFiles>) -> ClientFiles {
    ClientFiles { authorities: Some(authorities), key_pair }
}

const SERVING: Result<ServingStatus, String> = Ok(ServingStatus::Serving);

#[tokio::test]
async fn a_server_is_reached_by_its_settings_wherever_it_listens() {
    let authority = Authority::new();
    let plain = serve(None, Networks::default()).await;
    let secure = serve_tls(authority.for_servers(), None).await;
    for endpoint in [plain, secure] {
        assert_eq!(by_settings(&endpoint, &ClientFiles::default()).await, SERVING);
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), endpoint.address.port());
        assert_eq!(by_settings(&Endpoint { address, ..endpoint }, &ClientFiles::default()).await, SERVING);
    }
}

#[tokio::test]
async fn a_server_that_takes_us_for_a_load_balancer_is_told_that_we_are_none() {
    let loopback = Networks::new(vec!["127.0.0.0/8".parse().unwrap()]);
    let endpoint = serve(None, loopback).await;
    assert_eq!(by_settings(&endpoint, &ClientFiles::default()).await, SERVING);
    let silent = Endpoint { balancers: Networks::default(), ..endpoint };
    assert!(by_settings(&silent, &ClientFiles::default()).await.unwrap_err().contains("closed by the server"));
}

#[tokio::test]
async fn under_mutual_tls_a_certificate_for_servers_opens_the_servers_own_door() {
    let authority = Authority::new();
    let endpoint = serve_tls(authority.for_servers(), Some(authority.file())).await;
    assert_eq!(by_settings(&endpoint, &ClientFiles::default()).await, SERVING);
    let shown = ClientFiles { authorities: None, key_pair: Some(authority.for_clients()) };
    assert_eq!(by_settings(&endpoint, &shown).await, SERVING);
    let another = ClientFiles { authorities: None, key_pair: Some(authority.for_servers()) };
    assert!(by_settings(&endpoint, &another).await.unwrap_err().contains("not made for clients"));
}

#[tokio::test]
async fn a_private_authority_and_a_client_certificate_are_given_by_file() {
    let authority = Authority::new();
    let open = serve_tls(authority.for_servers(), None).await;
    assert_eq!(by_url(&open, "https://localhost", &with(authority.file(), None)).await, SERVING);
    let mutual = serve_tls(authority.for_servers(), Some(authority.file())).await;
    let shown = with(authority.file(), Some(authority.for_clients()));
    assert_eq!(by_url(&mutual, "https://localhost", &shown).await, SERVING);
}

#[tokio::test]
async fn what_is_wrong_with_a_server_is_said() {
    let (authority, other, namesake) = (Authority::new(), Authority::named("other"), Authority::new());
    let purposes = &[ExtendedKeyUsagePurpose::ServerAuth];
    let expired = authority.issue(purposes, |params| params.not_after = date_time_ymd(2020, 3, 1));
    let early = authority.issue(purposes, |params| params.not_before = date_time_ymd(2999, 1, 1));
    for (key_pair, place, authorities, said) in [
        (expired, "https://localhost", &authority, "has expired (on 2020-03-01)"),
        (early, "https://localhost", &authority, "is not yet valid (before 2999-01-01)"),
        (authority.for_servers(), "https://localhost", &other, "unknown issuer"),
        (authority.for_servers(), "https://localhost", &namesake, "unknown issuer"),
        (authority.for_servers(), "https://127.0.0.1", &authority, "is for another name than the URL has"),
        (authority.for_clients(), "https://localhost", &authority, "cannot be trusted"),
        (authority.for_servers(), "http://localhost", &authority, "This port speaks TLS"),
    ] {
        let endpoint = serve_tls(key_pair, None).await;
        let refused = by_url(&endpoint, place, &with(authorities.file(), None)).await.unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
    let plain = serve(None, Networks::default()).await;
    let refused = by_url(&plain, "https://localhost", &with(authority.file(), None)).await.unwrap_err();
    assert!(refused.contains("closed by the server") || refused.contains("does not speak TLS"), "{refused}");
    let replaced = serve_tls(authority.for_servers(), None).await;
    let stale =
        Endpoint { tls: Some(TlsFiles { key_pair: authority.for_servers(), client_authorities: None }), ..replaced };
    let refused = by_settings(&stale, &ClientFiles::default()).await.unwrap_err();
    assert!(refused.contains("not the one in IPSE_TLS_CERT_FILE"), "{refused}");
}

#[tokio::test]
async fn what_a_server_has_against_our_certificate_is_said() {
    let (authority, other, namesake) = (Authority::new(), Authority::named("other"), Authority::new());
    let endpoint = serve_tls(authority.for_servers(), Some(authority.file())).await;
    let purposes = &[ExtendedKeyUsagePurpose::ClientAuth];
    let expired = authority.issue(purposes, |params| params.not_after = date_time_ymd(2020, 3, 1));
    let early = authority.issue(purposes, |params| params.not_before = date_time_ymd(2999, 1, 1));
    for (shown, said) in [
        (None, "--cert-file and --key-file"),
        (Some(expired), "it has expired, or is not yet valid"),
        (Some(early), "it has expired, or is not yet valid"),
        (Some(other.for_clients()), "an authority that the server does not know"),
        (Some(namesake.for_clients()), "an authority that the server does not know"),
        (Some(authority.for_servers()), "it is not made for clients"),
    ] {
        let refused = by_url(&endpoint, "https://localhost", &with(authority.file(), shown)).await.unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
}

#[tokio::test]
async fn files_that_are_none_are_named() {
    let authority = Authority::new();
    let endpoint = serve_tls(authority.for_servers(), None).await;
    let key = authority.for_clients().key;
    for (files, said) in [
        (with("/nothing".into(), None), "/nothing cannot be used"),
        (with(key.clone(), None), "must be a PEM file of certificates"),
        (
            with(authority.file(), Some(KeyPairFiles { certificate: authority.file(), key: authority.file() })),
            "must be a PEM file of a private key",
        ),
        (
            with(authority.file(), Some(KeyPairFiles { key, ..authority.for_clients() })),
            "the key is not that of the certificate",
        ),
    ] {
        let refused = by_url(&endpoint, "https://localhost", &files).await.unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
}

#[tokio::test]
async fn no_token_goes_to_another_machine_without_tls() {
    let to = async |url: &str| connect(&Server::Url(url.parse().unwrap()), &ClientFiles::default()).await;
    for url in ["http://db.example:50051", "http://192.0.2.1", "http://[2001:db8::1]:1", "http://localhost.example"] {
        assert!(matches!(to(url).await, Err(Unreachable::Exposed)), "{url}");
    }
    for url in ["http://localhost:1", "http://127.0.0.1:1", "https://[::ffff:127.0.0.1]:1"] {
        assert!(matches!(to(url).await, Err(Unreachable::Transport(_, Fault::Refused))), "{url}");
    }
}
