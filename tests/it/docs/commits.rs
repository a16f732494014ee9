//! The commits that `docs/architecture.md` gives as examples.

use std::process::Command;

use super::{markdown, path, read};

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(path(".")).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Where there is no history (an archive, a shallow clone), there is nothing to compare with.
#[test]
fn the_commits_given_as_examples_are_in_the_history() {
    if git(&["rev-parse", "--is-shallow-repository"]).as_deref() != Some("false") {
        return;
    }
    let text = read("docs/architecture.md");
    let is_commit = |word: &&str| word.len() == 7 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let commits: Vec<&str> = markdown::code(&text).filter(is_commit).collect();
    assert!(commits.len() >= 6, "each recipe has a commit: {commits:?}");
    for commit in commits {
        assert!(git(&["merge-base", "--is-ancestor", commit, "HEAD"]).is_some(), "{commit} is not in the history");
    }
}
