//! `docs/errors.md`, written from the comments of `error.proto`.

use std::fmt::Write as _;

use super::{bless, read};

const CONTRACT: &str = "proto/ipse/v1/error.proto";

const HEAD: &str = "\
# Errors

<!-- Written from proto/ipse/v1/error.proto by `IPSE_BLESS=1 cargo test --test it docs`; change it there. -->

Every error has a gRPC code and one reason to switch on: `reason` of the `google.rpc.ErrorInfo` in its details, whose
`domain` is `ipse.v1`. A client that does not know a reason goes by the code. Every `ErrorInfo` also has the metadata key
`request_id`, which finds the call in the server's log; more metadata is named below. A reason keeps its meaning for ever.

Retry a call by itself only if its reason says so, with the waiting time of `google.rpc.RetryInfo` where there is one, and
a `request_id` if it changes something. Refresh the access token by itself for `TOKEN_EXPIRED` alone.
";

/// A reason, as its comment tells.
struct Reason {
    name: String,
    code: String,
    details: String,
    when: String,
    advice: String,
}

fn reasons(contract: &str) -> Vec<Reason> {
    let mut comment: Vec<&str> = Vec::new();
    let mut reasons = Vec::new();
    for line in contract.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("//") {
            comment.push(text.trim());
            continue;
        }
        if let Some(name) = line.strip_prefix("ERROR_REASON_").and_then(|rest| rest.split_once(" = ")) {
            reasons.push(reason(name.0, &comment.join(" ")));
        }
        comment.clear();
    }
    reasons.retain(|reason| reason.name != "UNSPECIFIED");
    reasons
}

/// A comment is `CODE[ with DETAILS]. When. To do: what.`
fn reason(name: &str, comment: &str) -> Reason {
    let (head, rest) = comment.split_once(". ").unwrap_or((comment.trim_end_matches('.'), ""));
    let (code, details) = head.split_once(' ').unwrap_or((head, ""));
    let (when, advice) = rest.split_once(" To do: ").unwrap_or((rest, ""));
    assert!(name == "UNSPECIFIED" || !advice.is_empty(), "{CONTRACT}: {name} does not say what is to do (`To do: …`)");
    let [code, details, when, advice] = [code, details, when, advice].map(str::to_owned);
    Reason { name: name.to_owned(), code, details, when, advice }
}

fn document(reasons: &[Reason]) -> String {
    let mut codes: Vec<&str> = Vec::new();
    for reason in reasons {
        if !codes.contains(&reason.code.as_str()) {
            codes.push(&reason.code);
        }
    }
    let mut text = HEAD.to_owned();
    for code in codes {
        let _ = write!(text, "\n## {code}\n");
        for Reason { name, details, when, advice, .. } in reasons.iter().filter(|reason| reason.code == code) {
            let details = if details.is_empty() { String::new() } else { format!(" Comes {details}.") };
            let mut advice = advice.chars();
            let advice = advice.next().map(|first| first.to_uppercase().chain(advice).collect::<String>());
            let _ = write!(text, "\n### {name}\n\n{when}{details}\n\n**What to do:** {}\n", advice.unwrap_or_default());
        }
    }
    text
}

#[test]
fn the_document_of_errors_is_that_of_the_contract() {
    let reasons = reasons(&read(CONTRACT));
    assert!(reasons.len() > 30, "the reasons were not found");
    bless("docs/errors.md", &document(&reasons));
}

#[test]
fn a_comment_has_code_details_and_advice() {
    let [Reason { name, code, details, when, advice }] = &reasons(
        "enum E {\n  // ABORTED with RetryInfo. It failed. Metadata: `a`.\n  // To do: try\n  // again.\n  ERROR_REASON_X = 1;\n}",
    )[..] else {
        panic!("not one reason")
    };
    assert_eq!(
        [name, code, details, when, advice],
        ["X", "ABORTED", "with RetryInfo", "It failed. Metadata: `a`.", "try again."]
    );
}
