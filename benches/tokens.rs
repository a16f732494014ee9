//! What tokens cost: the signatures alone, or a running server that checks and issues them.
//!
//! usage: `cargo bench --bench tokens`
//!
//! compares jsonwebtoken, which reads a key for each signature, with a key that AWS-LC read once, in turns: medians in
//! microseconds, and their ratio. `src/infrastructure/jwt/signer.rs` says what follows from it.
//!
//! usage: `IPSE_TOKEN=… IPSE_API_KEY=… cargo bench --bench tokens -- http://127.0.0.1:50051 http://127.0.0.1:50052`
//!
//! compares calls of a server with calls of it that do nothing. `IPSE_TOKEN` is an access token that may introspect others,
//! `IPSE_API_KEY` that of any service account; the second server is another replica. What is compared runs in turns, and
//! each rate is divided by that of the calls that do nothing of the same round, so that a machine that slows down for a
//! while changes no ratio for long. Medians are printed: of the calls in a second, and of the ratios.
//! `tests/measure/introspection.py` starts the servers for it and judges the ratios.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::env;
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::try_join_all;
use ipse::proto::token_service_client::TokenServiceClient;
use ipse::proto::{ExchangeApiKeyRequest, IntrospectTokenRequest};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use tokio::time::Instant;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const CONNECTIONS: usize = 8;
const STREAMS: usize = 16;
const ROUNDS: usize = 9;
const TURN: Duration = Duration::from_secs(2);
/// Signatures in a turn, and turns of each kind.
const SIGNATURES: u32 = 100;
const SIGNATURE_TURNS: usize = 51;

type Failure = Box<dyn Error + Send + Sync>;
type Bearer = MetadataValue<Ascii>;

/// What is compared: calls that do nothing, a token that comes again and again, the exchange of an API key, tokens that the
/// server issued and is asked about for the first time, and such tokens of another replica.
const TURNS: [&str; 5] = ["no-op", "introspect-seen", "exchange", "introspect-new", "introspect-foreign"];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // Cargo adds a flag of its own.
    let urls: Vec<_> = env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if urls.is_empty() {
        return compare_signatures();
    }
    let [here, elsewhere] = urls.try_into().map_err(|_| "which two servers?")?;
    let (here, elsewhere) = (connect(here).await?, connect(elsewhere).await?);
    let (bearer, api_key) =
        (format!("Bearer {}", env::var("IPSE_TOKEN")?).parse::<Bearer>()?, env::var("IPSE_API_KEY")?);
    let seen = exchange(here[0].clone(), &api_key).await?;
    let mut rates = [const { Vec::new() }; TURNS.len()];
    for _ in 0..ROUNDS {
        rates[0].push(turn(&here, |channel| async move { no_op(channel).await.map(|()| true) }).await?);

        let wanted = Arc::new((bearer.clone(), seen.clone()));
        let introspect_seen = move |channel| {
            let wanted = wanted.clone();
            async move { introspect(channel, &wanted.0, &wanted.1).await.map(|()| true) }
        };
        rates[1].push(turn(&here, introspect_seen).await?);

        let (rate, tokens) = exchange_turn(&here, &api_key).await?;
        rates[2].push(rate);
        rates[3].push(introspect_turn(&here, &bearer, tokens).await?);
        let (_, tokens) = exchange_turn(&elsewhere, &api_key).await?;
        rates[4].push(introspect_turn(&here, &bearer, tokens).await?);
    }
    let nothing = rates[0].clone();
    for (name, rates) in TURNS.iter().zip(rates) {
        let ratios = rates.iter().zip(&nothing).map(|(rate, nothing)| rate / nothing).collect();
        println!("{name} {:.0} {:.2}", median(rates), median(ratios));
    }
    Ok(())
}

/// Signs a message, in base64url.
type Sign = Box<dyn Fn(&[u8]) -> Result<String, Failure>>;

/// A signing key in the three forms that are compared.
struct Signer {
    algorithm: Algorithm,
    prepared: Sign,
    prepared_public: ParsedPublicKey,
    private: EncodingKey,
    public: DecodingKey,
}

fn signers() -> Result<[Signer; 3], Failure> {
    let es256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let eddsa = Ed25519KeyPair::generate()?;
    let rs256 = RsaKeyPair::generate(KeySize::Rsa3072)?;
    // The library takes RSA keys without the 26 bytes that PKCS #8 puts before them.
    let (rs256_private, rs256_public) = (rs256.as_der()?.as_ref()[26..].to_vec(), rs256.public_key().as_ref().to_vec());
    let random = SystemRandom::new();
    Ok([
        Signer {
            algorithm: Algorithm::ES256,
            prepared_public: ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, es256.public_key().as_ref())?,
            private: EncodingKey::from_ec_der(es256.to_pkcs8v1()?.as_ref()),
            public: DecodingKey::from_ec_der(es256.public_key().as_ref()),
            prepared: Box::new(move |message| Ok(URL_SAFE_NO_PAD.encode(es256.sign(&random, message)?))),
        },
        Signer {
            algorithm: Algorithm::EdDSA,
            prepared_public: ParsedPublicKey::new(&ED25519, eddsa.public_key().as_ref())?,
            private: EncodingKey::from_ed_der(eddsa.to_pkcs8()?.as_ref()),
            public: DecodingKey::from_ed_der(eddsa.public_key().as_ref()),
            prepared: Box::new(move |message| Ok(URL_SAFE_NO_PAD.encode(eddsa.try_sign(message)?))),
        },
        Signer {
            algorithm: Algorithm::RS256,
            prepared_public: ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &rs256_public)?,
            private: EncodingKey::from_rsa_der(&rs256_private),
            public: DecodingKey::from_rsa_der(&rs256_public),
            prepared: Box::new(move |message| {
                let mut signature = vec![0; rs256.public_modulus_len()];
                rs256.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)?;
                Ok(URL_SAFE_NO_PAD.encode(signature))
            }),
        },
    ])
}

/// Signs and verifies a message of the length of a token, each by turns with a prepared key and through the library.
fn compare_signatures() -> Result<(), Failure> {
    let message = "a".repeat(500).into_bytes();
    for Signer { algorithm, prepared, prepared_public, private, public } in signers()? {
        let sign = || crypto::sign(&message, &private, algorithm);
        print_compared(&format!("sign {algorithm:?}"), || prepared(&message).map(|_| ()), || Ok(sign().map(|_| ())?))?;
        let signature = prepared(&message)?;
        let verify_prepared = || Ok(prepared_public.verify_sig(&message, &URL_SAFE_NO_PAD.decode(&signature)?)?);
        let verify = || {
            let is_good = crypto::verify(&signature, &message, &public, algorithm)?;
            if is_good { Ok(()) } else { Err("a good signature was refused".into()) }
        };
        print_compared(&format!("verify {algorithm:?}"), verify_prepared, verify)?;
    }
    Ok(())
}

fn print_compared(
    name: &str,
    prepared: impl Fn() -> Result<(), Failure>,
    through_library: impl Fn() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let turn = |call: &dyn Fn() -> Result<(), Failure>| {
        let begun = Instant::now();
        (0..SIGNATURES).try_for_each(|_| call())?;
        Ok::<_, Failure>(begun.elapsed().as_secs_f64() * 1e6 / f64::from(SIGNATURES))
    };
    let (mut own, mut library, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SIGNATURE_TURNS {
        own.push(turn(&prepared)?);
        library.push(turn(&through_library)?);
        ratios.push(library[library.len() - 1] / own[own.len() - 1]);
    }
    println!("{name} {:.1} {:.1} {:.2}", median(own), median(library), median(ratios));
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn connect(url: String) -> Result<Vec<Channel>, Failure> {
    let endpoint = Endpoint::from_shared(url)?;
    Ok(try_join_all((0..CONNECTIONS).map(|_| endpoint.connect())).await?)
}

/// Exchanges an API key again and again. How many times a second, and the tokens.
async fn exchange_turn(channels: &[Channel], api_key: &str) -> Result<(f64, Vec<String>), Failure> {
    let issued = Arc::new((api_key.to_owned(), Mutex::new(Vec::new())));
    let keep = issued.clone();
    let exchange_one = move |channel| {
        let issued = keep.clone();
        async move {
            let token = exchange(channel, &issued.0).await?;
            issued.1.lock().map_err(|_| Status::internal("poisoned"))?.push(token);
            Ok(true)
        }
    };
    let rate = turn(channels, exchange_one).await?;
    let tokens = std::mem::take(&mut *issued.1.lock().map_err(|_| "poisoned")?);
    Ok((rate, tokens))
}

/// Introspects each of the tokens once. How many a second.
async fn introspect_turn(channels: &[Channel], bearer: &Bearer, tokens: Vec<String>) -> Result<f64, Failure> {
    let unseen = Arc::new((bearer.clone(), tokens, AtomicUsize::new(0)));
    let introspect_next = move |channel| {
        let unseen = unseen.clone();
        async move {
            let Some(token) = unseen.1.get(unseen.2.fetch_add(1, Ordering::Relaxed)) else { return Ok(false) };
            introspect(channel, &unseen.0, token).await.map(|()| true)
        }
    };
    turn(channels, introspect_next).await
}

/// Calls again and again on all streams, until the turn is over or a call says that there is nothing more to do. How many
/// calls a second.
async fn turn<C, F>(channels: &[Channel], call: C) -> Result<f64, Failure>
where
    C: Fn(Channel) -> F + Clone + Send + 'static,
    F: Future<Output = Result<bool, Status>> + Send,
{
    let begun = Instant::now();
    let streams = (0..CONNECTIONS * STREAMS).map(|number| {
        let (channel, call) = (channels[number % CONNECTIONS].clone(), call.clone());
        tokio::spawn(async move {
            let mut count = 0_u32;
            while begun.elapsed() < TURN && call(channel.clone()).await? {
                count += 1;
            }
            Ok::<_, Status>(count)
        })
    });
    let counts = try_join_all(streams).await?.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(f64::from(counts.iter().sum::<u32>()) / begun.elapsed().as_secs_f64())
}

async fn no_op(channel: Channel) -> Result<(), Status> {
    HealthClient::new(channel).check(HealthCheckRequest::default()).await?;
    Ok(())
}

async fn introspect(channel: Channel, bearer: &Bearer, token: &str) -> Result<(), Status> {
    let mut request = Request::new(IntrospectTokenRequest { token: token.to_owned(), audience: String::new() });
    request.metadata_mut().insert("authorization", bearer.clone());
    let answer = TokenServiceClient::new(channel).introspect_token(request).await?.into_inner();
    if answer.active { Ok(()) } else { Err(Status::internal("a good token was called dead")) }
}

async fn exchange(channel: Channel, api_key: &str) -> Result<String, Status> {
    let request = ExchangeApiKeyRequest { api_key: api_key.to_owned(), ..ExchangeApiKeyRequest::default() };
    Ok(TokenServiceClient::new(channel).exchange_api_key(request).await?.into_inner().access_token)
}
