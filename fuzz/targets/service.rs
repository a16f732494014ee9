//! Calls of every RPC with any message, to the whole service: no answer is a fault of the server, each is one of the
//! contract, and no page token is taken that was not given out.
#![no_main]

use std::cell::RefCell;
use std::collections::BTreeSet;

use ipse_fuzz::Input;
use ipse_fuzz::call::Call;
use ipse_fuzz::message;
use ipse_fuzz::service::Service;
use libfuzzer_sys::fuzz_target;
use tonic::{Code, Status};

/// How many inputs one service gets at the most, and at the least if it no longer knows its administrator.
const MOST: u32 = 5000;
const LEAST: u32 = 500;

struct Target {
    service: Service,
    inputs: u32,
    is_turned_away: bool,
    page_tokens: BTreeSet<String>,
}

thread_local!(static TARGET: RefCell<Option<Target>> = const { RefCell::new(None) });

fuzz_target!(|bytes: &[u8]| TARGET.with_borrow_mut(|slot| {
    let is_over = |target: &Target| target.inputs > MOST || (target.is_turned_away && target.inputs > LEAST);
    drop(slot.take_if(|target| is_over(target)));
    let target = slot.get_or_insert_with(|| Target {
        service: Service::start(),
        inputs: 0,
        is_turned_away: false,
        page_tokens: BTreeSet::new(),
    });
    target.inputs += 1;
    let tokens = &target.service.tokens;
    let mut known = BTreeSet::from([tokens.refresh_token.clone(), tokens.access_token.clone()]);
    let mut input = Input(bytes);
    for _ in 0..4 {
        if !input.0.is_empty() {
            let call = Call::make(&mut input, &known, &target.service);
            let answer = call.send(&target.service);
            target.judge(&call, answer, &mut known);
        }
    }
}));

impl Target {
    fn judge(&mut self, call: &Call, answer: Result<Option<Vec<u8>>, Status>, known: &mut BTreeSet<String>) {
        let name = call.method.full_name();
        let answer = match answer {
            Ok(Some(answer)) => message::read(call.method.output(), &answer).expect("an answer of the contract"),
            Ok(None) => return,
            Err(status) => {
                let is_fault =
                    matches!(status.code(), Code::Unknown | Code::Internal | Code::DataLoss | Code::Unimplemented);
                assert!(!is_fault, "{name}: {status:?}");
                let is_administrators = call.bearer.as_ref() == Some(&self.service.tokens.access_token);
                self.is_turned_away |= is_administrators && status.code() == Code::Unauthenticated;
                return;
            }
        };
        let asked =
            message::read(call.method.input(), &call.message).expect("only messages of the contract are answered");
        let (mut told, mut said) = (Vec::new(), Vec::new());
        message::texts(&answer, &mut told);
        message::texts(&asked, &mut said);
        let is_given_out = |token: &String| token.is_empty() || self.page_tokens.contains(token);
        assert!(said.iter().all(|(field, text)| field != "page_token" || is_given_out(text)), "{name}: {said:?}");
        let tokens = told.iter().filter(|(field, _)| field == "next_page_token");
        self.page_tokens.extend(tokens.map(|(_, text)| text.clone()));
        known.extend(told.into_iter().map(|(_, text)| text).take(64));
    }
}
