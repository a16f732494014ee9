//! Passwords that were found in breaches: a file of sorted SHA-1 hashes as Have I Been Pwned publishes it, looked up on disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// The length of a hash in hexadecimal digits.
const HASH_DIGITS: usize = 40;
/// The longest line: a hash, a colon, a count of 20 digits, and the end of the line.
const MAX_LINE_BYTES: usize = 63;

type Hash = [u8; HASH_DIGITS];

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BreachedPasswordsError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is not the list.
    #[error("must have lines of a SHA-1 hash in hexadecimal digits, a colon and a count, ordered by hash")]
    Form,
}

/// The list. It is as large as its makers like, and none of it is kept in memory.
#[derive(Debug)]
pub struct BreachedPasswords {
    file: File,
    size: u64,
}

/// A line of the list.
struct Line {
    begin: u64,
    end: u64,
    hash: Hash,
}

impl BreachedPasswords {
    /// Opens the file and looks at its first, middle and last lines. Whatever takes its place later is not seen.
    pub fn open(path: &Path) -> Result<Self, BreachedPasswordsError> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let list = Self { file, size };
        let first = list.line_after(0)?.ok_or(BreachedPasswordsError::Form)?;
        let last = list.line_after(size.saturating_sub(MAX_LINE_BYTES as u64))?;
        let middle = list.line_after(size / 2)?;
        let samples: Vec<Hash> = [Some(first), middle, last].into_iter().flatten().map(|line| line.hash).collect();
        if samples.is_sorted() { Ok(list) } else { Err(BreachedPasswordsError::Form) }
    }

    /// Whether the password, or the same one in lower case, is on the list.
    pub(super) fn contain(&self, password: &str) -> Result<bool, BreachedPasswordsError> {
        Ok(self.find(password)? || self.find(&password.to_lowercase())?)
    }

    /// Halves the file until what is left has no line any more.
    fn find(&self, password: &str) -> Result<bool, BreachedPasswordsError> {
        let wanted = hash(password);
        let (mut low, mut high) = (0, self.size);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.line_after(middle)?.filter(|line| line.begin < high) {
                Some(line) if line.hash == wanted => return Ok(true),
                Some(line) if line.hash < wanted => low = line.end,
                _ => high = middle,
            }
        }
        Ok(false)
    }

    /// The first line that begins at a place or after it.
    fn line_after(&self, place: u64) -> Result<Option<Line>, BreachedPasswordsError> {
        // From the byte before, so that a line which begins right at the place is seen to begin there.
        let from = place.saturating_sub(1);
        let mut buffer = [0; 2 * MAX_LINE_BYTES];
        let read = self.read_at(&mut buffer, from)?;
        let text = &buffer[..read];
        let begin = if place == 0 {
            0
        } else {
            match text.iter().take(MAX_LINE_BYTES).position(|byte| *byte == b'\n') {
                Some(end) => end + 1,
                None if read < MAX_LINE_BYTES => return Ok(None),
                None => return Err(BreachedPasswordsError::Form),
            }
        };
        let rest = &text[begin..];
        if rest.is_empty() {
            return Ok(None);
        }
        let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        let begin = from + begin as u64;
        Ok(Some(Line { begin, end: begin + length as u64, hash: hash_in(&rest[..length])? }))
    }

    fn read_at(&self, buffer: &mut [u8], place: u64) -> io::Result<usize> {
        let mut read = 0;
        while read < buffer.len() {
            match self.file.read_at(&mut buffer[read..], place + read as u64) {
                Ok(0) => break,
                Ok(count) => read += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }
}

fn hash_in(line: &[u8]) -> Result<Hash, BreachedPasswordsError> {
    let (digits, rest) = line.split_at_checked(HASH_DIGITS).ok_or(BreachedPasswordsError::Form)?;
    let is_form = digits.iter().all(u8::is_ascii_hexdigit) && rest.iter().all(|byte| b":0123456789\r\n".contains(byte));
    // A hash of another kind continues here.
    let ends = rest.first().is_none_or(|byte| b":\r\n".contains(byte));
    let hash: Hash = digits.try_into().map_err(|_| BreachedPasswordsError::Form)?;
    if is_form && ends { Ok(hash.map(|byte| byte.to_ascii_uppercase())) } else { Err(BreachedPasswordsError::Form) }
}

/// The hash as the list writes it. SHA-1 protects nothing here: it is the name under which the list knows a password.
fn hash(password: &str) -> Hash {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    let mut hash = [0; HASH_DIGITS];
    for (pair, byte) in hash.chunks_exact_mut(2).zip(digest.as_ref()) {
        let digit = |nibble: u8| b"0123456789ABCDEF"[usize::from(nibble)];
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    hash
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn listed(passwords: &[String], line: impl Fn(usize, &str) -> String) -> tempfile::NamedTempFile {
        let mut hashes: Vec<_> =
            passwords.iter().map(|password| String::from_utf8(hash(password).to_vec()).unwrap()).collect();
        hashes.sort_unstable();
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines: String = hashes.iter().enumerate().map(|(number, hash)| line(number, hash)).collect();
        fs::write(file.path(), lines).unwrap();
        file
    }

    #[test]
    fn a_hash_is_the_one_that_the_list_has() {
        // The first example of FIPS 180-4.
        assert_eq!(hash("abc"), *b"A9993E364706816ABA3E25717850C26C9CD0D89D");
    }

    #[test]
    fn every_password_on_a_list_of_any_length_is_found_and_no_other() {
        for count in [1, 2, 3, 10, 257] {
            let passwords: Vec<_> = (0..count).map(|number| format!("password {number}")).collect();
            for (end, counted) in [("\r\n", true), ("\n", true), ("\n", false)] {
                let file = listed(&passwords, |number, hash| {
                    let hash = if number % 2 == 0 { hash.to_owned() } else { hash.to_lowercase() };
                    let digits: String = std::iter::repeat_n('1', 1 + number % 19).collect();
                    if counted { format!("{hash}:{digits}{end}") } else { hash + end }
                });
                let list = BreachedPasswords::open(file.path()).unwrap();
                for password in &passwords {
                    assert!(list.contain(password).unwrap(), "{password} of {count}");
                    assert!(list.contain(&password.to_uppercase()).unwrap());
                }
                for number in 0..300 {
                    assert!(!list.contain(&format!("another {number}")).unwrap());
                }
            }
        }
    }

    #[test]
    fn a_list_without_an_end_of_its_last_line_is_read() {
        let passwords = ["one".to_owned(), "two".to_owned()];
        let file = listed(&passwords, |number, hash| format!("{hash}:1{}", if number == 0 { "\n" } else { "" }));
        let list = BreachedPasswords::open(file.path()).unwrap();
        assert!(list.contain("one").unwrap() && list.contain("two").unwrap() && !list.contain("three").unwrap());
    }

    #[test]
    fn what_is_not_the_list_is_refused() {
        let passwords: Vec<_> = (0..50).map(|number| format!("password {number}")).collect();
        let unordered = listed(&passwords, |number, hash| format!("{:X}{}:1\n", 15 - number % 16, &hash[1..]));
        let ntlm = listed(&passwords, |_, hash| format!("{}:1\n", &hash[..32]));
        let sha256 = listed(&passwords, |_, hash| format!("{hash}{}:1\n", &hash[..24]));
        let words = listed(&passwords, |number, _| format!("password {number} that is as long as a hash would be\n"));
        let empty = listed(&[], |_, _| String::new());
        for file in [unordered, ntlm, sha256, words, empty] {
            let refused = BreachedPasswords::open(file.path()).unwrap_err();
            assert!(matches!(refused, BreachedPasswordsError::Form), "{refused}");
        }
        assert!(matches!(BreachedPasswords::open(Path::new("/nowhere")), Err(BreachedPasswordsError::Read(_))));
    }
}
