//! How a file is packed: by gzip, or in a way that is refused by its name.

use std::fs::File;
use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::Unfit;

/// As many bytes as tell what a file is.
const HEAD_BYTES: u64 = 1024;

/// How files begin that are no text, and what to do with them.
const OTHERS: [(&[u8], &str); 7] = [
    (
        b"PK\x03\x04",
        "is a workbook of a spreadsheet (.xlsx, .ods) or a ZIP archive: save the sheet as CSV in UTF-8, or unzip it",
    ),
    (b"\xd0\xcf\x11\xe0", "is a workbook of an old spreadsheet (.xls): save the sheet as CSV in UTF-8"),
    (b"\x28\xb5\x2f\xfd", "is packed by zstd: unpack it first (unzstd)"),
    (b"\xfd7zXZ\0", "is packed by xz: unpack it first (unxz)"),
    (b"BZh", "is packed by bzip2: unpack it first (bunzip2)"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive: unpack it first"),
    (b"SQLite format 3\0", "is an SQLite database: imports take JSON or CSV"),
];

const GZIP: &[u8] = b"\x1f\x8b";

pub(super) type Bytes = Box<dyn Read>;

/// Looks at the beginning of a file, which can be read as a whole nevertheless.
pub(super) fn peek(file: File) -> io::Result<(Bytes, Vec<u8>)> {
    look(Box::new(file))
}

fn look(mut bytes: Bytes) -> io::Result<(Bytes, Vec<u8>)> {
    let mut head = Vec::new();
    bytes.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok((Box::new(Cursor::new(head.clone()).chain(bytes)), head))
}

/// Whether a file that begins like this is packed by gzip.
pub(super) fn is_packed(head: &[u8]) -> Result<bool, Unfit> {
    match OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
        Some((_, what)) => Err(Unfit::wrong(*what)),
        None => Ok(head.starts_with(GZIP)),
    }
}

/// The contents of what is packed by gzip, with their beginning.
pub(super) fn unpack(packed: Bytes) -> Result<(Bytes, Vec<u8>), Unfit> {
    let (bytes, head) = look(Box::new(Gunzip(MultiGzDecoder::new(packed))))?;
    if is_packed(&head)? {
        return Err(Unfit::wrong("is packed by gzip twice: unpack it once (gunzip)"));
    }
    Ok((bytes, head))
}

/// Contents that end or break too early are told as what they are.
struct Gunzip(MultiGzDecoder<Bytes>);

impl Read for Gunzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                let what = "it is packed by gzip, but incomplete or damaged: make or copy it anew";
                io::Error::new(io::ErrorKind::InvalidData, what)
            }
            _ => error,
        })
    }
}
