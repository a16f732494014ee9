//! The whole service as production wires it, on a database of its own, with a time that the test sets.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipse::application::access::feed::AccessFeed;
use ipse::application::factors::Factors;
use ipse::application::jobs::{Jobs, Lane, Purge};
use ipse::application::keys::Keys;
use ipse::application::ports::{Clock as _, Store};
use ipse::application::service_accounts::ServiceAccounts;
use ipse::composition::{App, Overrides, StartError};
use ipse::config::{LoadOptions, Settings};
use ipse::domain::Timestamp;
use ipse::domain::access::role::RoleGrant;
use ipse::domain::account::email::EmailAddress;
use ipse::domain::account::user::{StateReason, User};
use ipse::domain::mail::Mail;
use ipse::infrastructure::store::DatabaseUrl;
use time::Duration;
use time::macros::datetime;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

use super::clock::TestClock;
use super::database::{Backend, Database, Outsider};
use super::entropy::SeededEntropy;
use super::letterbox::Letterbox;
use super::person::{Device, Person};
use super::registrar::Registrar;
use super::wire::{Answer, Call};

/// The key that seals private keys and mail.
pub(crate) const MASTER_KEY: [u8; 32] = *b"0123456789abcdefghijklmnopqrstuv";
/// The claim `iss`, and an audience of every token.
pub(crate) const ISSUER: &str = "https://id.example";
/// Another audience that tokens may be for.
pub(crate) const AUDIENCE: &str = "orders";
/// Whom the gRPC listener believes about the addresses of clients: every test.
const PROXY: &str = "127.0.0.1";

/// When each test begins.
pub(crate) const START: Timestamp = datetime!(2026-03-01 12:00 UTC);

/// One service and its surroundings.
pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) letterbox: Arc<Letterbox>,
    pub(crate) settings: Settings,
    pub(crate) entropy: Arc<SeededEntropy>,
    replica: Replica,
    /// Dropped last: it is erased.
    pub(crate) database: Database,
}

/// One process of the service.
pub(crate) struct Replica {
    pub(crate) address: SocketAddr,
    /// The address of the HTTP side port.
    pub(crate) side_port: SocketAddr,
    pub(crate) channel: Channel,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) purge: Arc<Purge>,
    pub(crate) service_accounts: Arc<ServiceAccounts>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) factors: Arc<Factors>,
    pub(crate) feed: Arc<AccessFeed>,
    stop: CancellationToken,
    served: JoinHandle<Result<(), StartError>>,
}

impl World {
    /// A service with the defaults of production.
    pub(crate) async fn start(backend: Backend) -> Self {
        Self::with(backend, &[]).await
    }

    /// A service with these settings beside the required ones, each as `NAME=value`.
    pub(crate) async fn with(backend: Backend, settings: &[&str]) -> Self {
        Self::on(Database::migrated(backend).await, settings).await
    }

    /// A service with these settings on this database, which has the newest schema.
    pub(crate) async fn on(database: Database, settings: &[&str]) -> Self {
        let settings = load(&database, settings);
        let clock = Arc::new(TestClock::at(START));
        let letterbox = Arc::new(Letterbox::new());
        let entropy = Arc::new(SeededEntropy::new(1));
        let overrides = overrides(&clock, &entropy, &letterbox);
        let replica = Replica::start(App::build(&settings, overrides).await.unwrap()).await;
        Self { clock, letterbox, settings, entropy, replica, database }
    }

    /// Another process on the same database.
    pub(crate) async fn another_replica(&self) -> Replica {
        self.another_replica_with(&self.settings).await
    }

    /// Another process on the same database, with other settings.
    pub(crate) async fn another_replica_with(&self, settings: &Settings) -> Replica {
        let overrides = overrides(&self.clock, &self.entropy, &self.letterbox);
        Replica::start(Box::pin(App::build(settings, overrides)).await.unwrap()).await
    }

    /// Stops the service and starts it again.
    pub(crate) async fn restart(mut self) -> Self {
        let next = self.another_replica().await;
        std::mem::replace(&mut self.replica, next).stop().await;
        self
    }

    /// Stops the service and starts it again with these settings beside the required ones.
    pub(crate) async fn restart_with(mut self, settings: &[&str]) -> Self {
        self.settings = load(&self.database, settings);
        self.restart().await
    }

    /// The process that people talk to.
    pub(crate) fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The database, as the service sees it.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.replica.store
    }

    /// Somebody who has no account yet.
    pub(crate) fn stranger(&self, name: &str) -> Person<'_> {
        Person::new(self, name)
    }

    /// Somebody with an account and a proven address.
    pub(crate) async fn person(&self, name: &str) -> Person<'_> {
        let person = self.stranger(name);
        person.register().await.unwrap();
        person.verify(&person.mailed_token().await).await.unwrap();
        assert_eq!(person.mail_kinds().await, ["welcome"]);
        person
    }

    /// Somebody with an account and a role that comes with the service, signed in.
    pub(crate) async fn person_with_role(&self, name: &str, role: &str) -> Device<'_> {
        let person = self.person(name).await;
        self.give_role(&person.email, role).await;
        person.log_in().await.unwrap()
    }

    /// An administrator, signed in.
    pub(crate) async fn administrator(&self) -> Device<'_> {
        self.person_with_role("root", "administrator").await
    }

    /// An administrator who handles accounts.
    pub(crate) async fn registrar(&self) -> Registrar<'_> {
        Registrar(self.administrator().await)
    }

    /// Gives somebody a role, past the rules of who may.
    pub(crate) async fn give_role(&self, email: &str, role: &str) {
        let tx = self.store().write().await.unwrap();
        let email = EmailAddress::parse(email).unwrap();
        let user = tx.users().find_by_email(&email).await.unwrap().expect("the account exists");
        let roles = tx.roles().list_roles(None, 1000).await.unwrap();
        let role = roles.iter().find(|known| known.name.as_str() == role).expect("the role exists");
        let grant = RoleGrant { role_id: role.id, subject: user.id.into(), create_time: user.create_time };
        tx.roles().put_grant(&grant).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Lets the process that people talk to take in what happened to tokens.
    pub(crate) async fn look(&self) {
        self.replica.look().await;
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Delivers what is due, and takes all mail out of the letterbox.
    pub(crate) async fn mails(&self) -> Vec<Mail> {
        self.deliver_mail().await;
        self.letterbox.take(|_| true)
    }

    /// Delivers what is due.
    pub(crate) async fn deliver_mail(&self) {
        self.replica.deliver_mail().await;
    }

    /// Does what was ordered for accounts and is due.
    pub(crate) async fn do_jobs(&self) {
        while self.replica.jobs.run_next(Lane::Accounts).await.unwrap() {}
    }

    /// Erases what is over. How many rows.
    pub(crate) async fn purge(&self) -> usize {
        let mut all = 0;
        loop {
            match self.replica.purge.erase_batch().await.unwrap() {
                0 => return all,
                some => all += some,
            }
        }
    }

    /// Changes a stored account as an operator would.
    pub(crate) async fn change_user(&self, email: &str, change: impl FnOnce(&mut User)) {
        let tx = self.store().write().await.unwrap();
        let email = EmailAddress::parse(email).unwrap();
        let mut user = tx.users().find_by_email(&email).await.unwrap().expect("the account exists");
        let revision = user.revision;
        change(&mut user);
        user.revision = revision + 1;
        assert!(tx.users().update_user(&user).await.unwrap());
        tx.commit().await.unwrap();
    }

    /// Suspends an account, past the rules of who may; its sessions are left to others.
    pub(crate) async fn suspend(&self, email: &str) {
        self.change_user(email, |user| user.suspend(StateReason::default(), user.update_time).unwrap()).await;
    }

    /// The answer to a call as bytes. All such calls have one request id, so that answers alike are the same bytes.
    pub(crate) async fn answer(&self, path: &str, message: &impl prost::Message) -> Answer {
        let call = Call::new(path, &message.encode_to_vec()).with(&[("x-request-id", b"the-same")]);
        call.send(self.replica.address).await.unwrap()
    }

    /// Keeps the service from writing until the transaction is rolled back or dropped.
    pub(crate) async fn lock_writes(&self) -> Outsider {
        let mut outsider = self.database.outsider().await;
        let lock = match self.database.backend {
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN; LOCK TABLE throttles IN EXCLUSIVE MODE",
        };
        outsider.execute(lock).await;
        outsider
    }

    /// Stops the service and waits until it has ended well.
    pub(crate) async fn end(self) {
        self.replica.stop().await;
    }

    /// How many rows a table has.
    pub(crate) async fn count(&self, table: &str) -> usize {
        let query = format!("SELECT CAST(count(*) AS text) AS value FROM {table}");
        self.database.outsider().await.values(&query).await[0].parse().unwrap()
    }
}

impl Replica {
    async fn start(app: App) -> Self {
        app.begin().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let side_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let side_port = side_listener.local_addr().unwrap();
        let (store, feed) = (app.store(), app.feed());
        let (jobs, purge) = (app.jobs(), app.purge());
        let (keys, service_accounts, factors) = (app.keys(), app.service_accounts(), app.factors());
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(app, (listener, side_listener), stop.clone()));
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        Self { address, side_port, channel, store, jobs, purge, service_accounts, keys, factors, feed, stop, served }
    }

    /// Takes in what happened to tokens meanwhile, and trusts it for a second. In production this goes on all the time; here
    /// a process asks the database until this is called.
    pub(crate) async fn look(&self) {
        self.feed.look(self.store.as_ref()).await.unwrap();
    }

    /// Delivers what is due.
    pub(crate) async fn deliver_mail(&self) {
        for lane in [Lane::TokenMail, Lane::NoticeMail] {
            while self.jobs.run_next(lane).await.unwrap() {}
        }
    }

    /// Tells the process to stop.
    pub(crate) fn tell_to_stop(&self) {
        self.stop.cancel();
    }

    /// Stops the process and waits for its end.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        drop(self.channel);
        self.served.await.unwrap().unwrap();
    }
}

/// Serves until told to stop; the side port as long as the gRPC server.
async fn serve(app: App, listeners: (TcpListener, TcpListener), stop: CancellationToken) -> Result<(), StartError> {
    let ended = CancellationToken::new();
    let side_port = tokio::spawn(app.side_port().serve(listeners.1, ended.clone()));
    let served = app.serve(listeners.0, stop.cancelled_owned()).await;
    ended.cancel();
    side_port.await.unwrap();
    served
}

fn overrides(clock: &Arc<TestClock>, entropy: &Arc<SeededEntropy>, letterbox: &Arc<Letterbox>) -> Overrides {
    Overrides { clock: Some(clock.clone()), entropy: Some(entropy.clone()), mailer: Some(letterbox.clone()) }
}

/// The required settings and the given ones, which go before.
fn load(database: &Database, given: &[&str]) -> Settings {
    let url = match &database.settings.url {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(url) => url.expose().to_owned(),
    };
    let required = [
        format!("DATABASE_URL={url}"),
        format!("DATABASE_MAX_CONNECTIONS={}", database.settings.max_connections),
        format!("MASTER_KEY={}", STANDARD.encode(MASTER_KEY)),
        format!("ISSUER={ISSUER}"),
        format!("AUDIENCES={AUDIENCE}"),
        format!("TRUSTED_PROXIES={PROXY}"),
        "GATEWAYS=127.0.0.0/8".to_owned(),
        "MFA=optional".to_owned(),
        "PLAINTEXT=true".to_owned(),
        "SMTP_URL=smtps://mail.example".to_owned(),
        "MAIL_FROM=ipse@id.example".to_owned(),
    ];
    let settings = required.iter().map(String::as_str).chain(given.iter().copied());
    let settings: BTreeMap<&str, &str> = settings.map(|setting| setting.split_once('=').unwrap()).collect();
    let variable = |(name, value): (&str, &str)| (OsString::from(format!("IPSE_{name}")), OsString::from(value));
    let environment = settings.into_iter().map(variable).collect();
    Settings::load(LoadOptions { environment, ..LoadOptions::default() }).unwrap()
}
