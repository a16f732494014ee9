//! The encoding of a text: recognised by how it begins, or named by the user. What does not fit it is never replaced.

use std::fmt::Write as _;
use std::io::{self, Read, Write};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use sha2::{Digest as _, Sha256};

use super::Unfit;

const CHUNK_BYTES: usize = 64 * 1024;

/// An encoding, and how many bytes at the beginning only tell that it is this one.
pub(super) struct Form {
    encoding: &'static Encoding,
    mark: usize,
    is_named: bool,
}

/// What was read: how many bytes of UTF-8, and their digest.
pub(super) struct Decoded {
    pub(super) length: u64,
    pub(super) digest: String,
}

/// The encoding of a text that begins like this. A byte order mark tells it for sure; without one it is the one that was named,
/// or else the one that the zeros beside the first character, which is an ASCII one in JSON and CSV, tell of.
pub(super) fn recognise(head: &[u8], named: Option<&'static Encoding>) -> Result<Form, Unfit> {
    let form = |encoding, mark| Ok(Form { encoding, mark, is_named: false });
    match head {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, 1..=0xff, ..] | [1..=0xff, 0, 0, 0, ..] => {
            Err(Unfit::wrong("is text in UTF-32: save it in UTF-8"))
        }
        [0xef, 0xbb, 0xbf, ..] => form(UTF_8, 3),
        [0xff, 0xfe, ..] => form(UTF_16LE, 2),
        [0xfe, 0xff, ..] => form(UTF_16BE, 2),
        _ if named.is_some() => Ok(Form { encoding: named.unwrap_or(UTF_8), mark: 0, is_named: true }),
        [1..=0xff, 0, ..] => form(UTF_16LE, 0),
        [0, 1..=0xff, ..] => form(UTF_16BE, 0),
        _ => form(UTF_8, 0),
    }
}

impl Form {
    /// Whether the text can be read as it lies there.
    pub(super) fn is_utf8(&self) -> bool {
        self.encoding == UTF_8
    }

    pub(super) fn mark(&self) -> u64 {
        self.mark as u64
    }

    /// Reads a text to its end and writes it in UTF-8.
    pub(super) fn decode(&self, from: &mut dyn Read, to: &mut dyn Write) -> Result<Decoded, Unfit> {
        io::copy(&mut from.take(self.mark()), &mut io::sink())?;
        let mut target = Target { to, length: 0, lines: 0, digest: Sha256::new() };
        let mut decoder = self.encoding.new_decoder_without_bom_handling();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = match from.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            self.write(&mut decoder, &chunk[..read], &mut target)?;
            if read == 0 {
                return Ok(target.end());
            }
        }
    }

    /// Writes what a chunk says; an empty one is the last.
    fn write(&self, decoder: &mut Decoder, mut chunk: &[u8], target: &mut Target<'_>) -> Result<(), Unfit> {
        let is_last = chunk.is_empty();
        let mut text = vec![0; CHUNK_BYTES * 2];
        loop {
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(chunk, &mut text, is_last);
            target.write(&text[..written])?;
            chunk = &chunk[read..];
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => return Err(self.malformed(target.lines + 1)),
            }
        }
    }

    fn malformed(&self, line: u64) -> Unfit {
        let name = self.encoding.name();
        let advice = if self.is_named {
            "name the encoding that it has, or save it in UTF-8"
        } else if self.is_utf8() {
            "save it in UTF-8 (Excel: \"CSV UTF-8\"), or name its encoding, as in --encoding windows-1252"
        } else {
            "save it in UTF-8"
        };
        Unfit::Wrong(format!("is not {name} at line {line}: {advice}"))
    }
}

struct Target<'t> {
    to: &'t mut dyn Write,
    length: u64,
    lines: u64,
    digest: Sha256,
}

impl Target<'_> {
    fn write(&mut self, text: &[u8]) -> Result<(), Unfit> {
        if let Some(place) = text.iter().position(|byte| *byte == 0) {
            let line = self.lines + lines(&text[..place]) + 1;
            return Err(Unfit::Wrong(format!("has a zero byte at line {line}: it is no text, or damaged")));
        }
        self.to.write_all(text).map_err(|error| no_room(&error))?;
        self.length += text.len() as u64;
        self.lines += lines(text);
        self.digest.update(text);
        Ok(())
    }

    fn end(self) -> Decoded {
        let mut digest = String::new();
        for byte in self.digest.finalize() {
            let _ = write!(digest, "{byte:02x}");
        }
        Decoded { length: self.length, digest }
    }
}

/// Why a text cannot be copied.
pub(super) fn no_room(error: &io::Error) -> Unfit {
    let folder = std::env::temp_dir();
    Unfit::Wrong(format!("cannot be copied to {}: {error}; name a folder with room for it in TMPDIR", folder.display()))
}

fn lines(text: &[u8]) -> u64 {
    text.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}
