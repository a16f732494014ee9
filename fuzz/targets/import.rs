//! Files of people, of each format, through the command line into the whole service: what a rehearsal says comes true, what
//! was imported is found to be there, and nothing is a fault of the server.
#![no_main]

use std::cell::RefCell;

use ipse::presentation::cli::users::TransferFailed;
use ipse_fuzz::Input;
use ipse_fuzz::import::{SOURCES, import};
use ipse_fuzz::service::Service;
use libfuzzer_sys::fuzz_target;
use tonic::{Code, Status};

/// How many files one service gets: its database grows, and tokens last for a quarter of an hour.
const MOST: u32 = 3000;

thread_local!(static SERVICE: RefCell<Option<(Service, u32)>> = const { RefCell::new(None) });

fuzz_target!(|bytes: &[u8]| SERVICE.with_borrow_mut(|slot| {
    drop(slot.take_if(|(_, files)| *files > MOST));
    let (service, files) = slot.get_or_insert_with(|| (Service::start(), 0));
    *files += 1;
    let mut input = Input(bytes);
    let (source, hints) = (*input.choose(&SOURCES), input.byte());
    let import = |dry_run| import(service, source, hints, input.0, dry_run);
    let (rehearsed, imported) = (import(true), import(false));
    assert_eq!(refused(&rehearsed), refused(&imported), "{rehearsed:?}, but {imported:?}");
    let again = import(false);
    assert_eq!(refused(&imported), refused(&again), "{imported:?}, then {again:?}");
    if let Ok(lines) = again {
        let words = lines[1].split(|c: char| !c.is_ascii_digit());
        let counts: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
        assert_eq!(counts[0], counts[1], "all are stored before: {lines:?}");
    }
}));

/// How many rows are refused; nothing if the file is. Whatever else may go wrong must not.
fn refused(outcome: &Result<Vec<String>, TransferFailed>) -> Option<u64> {
    let is_fault = |status: &Status| !matches!(status.code(), Code::InvalidArgument | Code::ResourceExhausted);
    match outcome {
        Ok(_) => Some(0),
        Err(TransferFailed::SomeRefused(rows)) => Some(*rows),
        Err(TransferFailed::Refused(status) | TransferFailed::Interrupted { status, .. }) => {
            assert!(!is_fault(status), "{status:?}");
            None
        }
        Err(TransferFailed::Unexpected | TransferFailed::Unreachable(_) | TransferFailed::File(..)) => {
            panic!("{outcome:?}")
        }
        Err(_) => None,
    }
}
