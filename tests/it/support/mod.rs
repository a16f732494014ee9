//! What tests stand on: databases, time, random bytes, and the whole service with people who use it.

pub(crate) mod auditor;
pub(crate) mod authenticator;
pub(crate) mod clock;
pub(crate) mod custodian;
pub(crate) mod database;
pub(crate) mod descriptors;
pub(crate) mod dump;
pub(crate) mod entropy;
pub(crate) mod factors;
pub(crate) mod forge;
pub(crate) mod gateway;
pub(crate) mod guard;
pub(crate) mod hex;
pub(crate) mod http;
pub(crate) mod key_holder;
pub(crate) mod letterbox;
pub(crate) mod operator;
pub(crate) mod passkeys;
pub(crate) mod person;
pub(crate) mod postgres;
pub(crate) mod refusal;
pub(crate) mod registrar;
pub(crate) mod relay;
pub(crate) mod token;
pub(crate) mod trail;
pub(crate) mod transfer;
pub(crate) mod wire;
pub(crate) mod wiretap;
pub(crate) mod world;

/// Registers tests for both backends: `test::sqlite` and `test::postgres` for each async function `test`, which is
/// given what `setup` makes of the backend.
macro_rules! on_both_backends {
    ($setup:expr => $($test:ident)*) => {
        $(mod $test {
            use super::*;
            use crate::support::database::Backend;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$test($setup(Backend::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$test($setup(Backend::Postgres).await).await;
            }
        })*
    };
}
pub(crate) use on_both_backends;
