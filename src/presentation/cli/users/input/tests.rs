use std::fs;
use std::io::{Read as _, Write as _};

use encoding_rs::{UTF_8, WINDOWS_1252};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn open(bytes: &[u8], encoding: Option<&'static Encoding>) -> Result<Input, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    Input::open(&path, encoding).map_err(|error| crate::presentation::cli::one_line(&error))
}

fn text(bytes: &[u8], encoding: Option<&'static Encoding>) -> Result<String, String> {
    let input = open(bytes, encoding)?;
    let (mut text, mut cursor) = (Vec::new(), input.from(Place::default()).unwrap());
    while let Some(byte) = cursor.take().unwrap() {
        text.push(byte);
    }
    assert_eq!(text.len() as u64, input.length());
    Ok(String::from_utf8(text).unwrap())
}

fn wide(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

const TEXT: &str = "email,display_name\r\na@b.de,Zoë 😀\r\n";

#[test]
fn every_form_of_a_text_is_read_alike() {
    let marked = format!("\u{feff}{TEXT}");
    let halves = TEXT.split_at(9);
    let joined = [gzip(halves.0.as_bytes()), gzip(halves.1.as_bytes())].concat();
    let plain = open(TEXT.as_bytes(), None).unwrap();
    for (name, bytes) in [
        ("with a byte order mark", marked.clone().into_bytes()),
        ("UTF-16LE with a mark", wide(&marked, u16::to_le_bytes)),
        ("UTF-16BE with a mark", wide(&marked, u16::to_be_bytes)),
        ("UTF-16LE", wide(TEXT, u16::to_le_bytes)),
        ("UTF-16BE", wide(TEXT, u16::to_be_bytes)),
        ("gzip", gzip(TEXT.as_bytes())),
        ("gzip of two parts", joined),
        ("gzip of UTF-16", gzip(&wide(&marked, u16::to_le_bytes))),
    ] {
        assert_eq!(text(&bytes, None).as_deref(), Ok(TEXT), "{name}");
        assert_eq!(open(&bytes, None).unwrap().digest(), plain.digest(), "{name}");
    }
    assert_eq!(text(b"", None).as_deref(), Ok(""));
    assert_ne!(open(b"email\n", None).unwrap().digest(), plain.digest());
}

#[test]
fn an_encoding_that_is_named_is_taken_where_no_mark_tells_another() {
    let euro = b"Zo\xeb,\x80";
    assert_eq!(text(euro, Some(WINDOWS_1252)).as_deref(), Ok("Zoë,€"));
    assert_eq!(text("\u{feff}Zoë".as_bytes(), Some(WINDOWS_1252)).as_deref(), Ok("Zoë"));
    assert!(text(euro, Some(UTF_8)).unwrap_err().contains("is not UTF-8 at line 1: name"));
}

/// Longer than what is decoded at a time, with characters of several bytes at every place.
#[test]
fn long_texts_are_read_to_their_last_byte() {
    for shift in 0..4 {
        let long = format!("{}{}", "x".repeat(shift), "é😀".repeat(40_000));
        for bytes in [long.clone().into_bytes(), wide(&long, u16::to_le_bytes), gzip(long.as_bytes())] {
            assert!(text(&bytes, None).as_deref() == Ok(&long), "{shift}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused_by_its_name() {
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    for (bytes, what) in [
        (b"email\nZo\xeb\n".to_vec(), "is not UTF-8 at line 2: save it in UTF-8 (Excel"),
        (b"\xef\xbb\xbfa\r\nb\r\n\xff".to_vec(), "is not UTF-8 at line 3"),
        ([wide("ab", u16::to_le_bytes), vec![0, 0xd8, b'x', 0]].concat(), "is not UTF-16LE at line 1"),
        ([wide("\u{feff}a\n", u16::to_be_bytes), vec![0]].concat(), "is not UTF-16BE at line 2"),
        (b"\xff\xfe\0\0a\0\0\0".to_vec(), "is text in UTF-32"),
        (b"\0\0\0[\0\0\0]".to_vec(), "is text in UTF-32"),
        (b"email\na\0b\n".to_vec(), "has a zero byte at line 2"),
        (b"PK\x03\x04\x14\0\x06\0".to_vec(), "is a workbook of a spreadsheet (.xlsx, .ods)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), "old spreadsheet"),
        (b"\x28\xb5\x2f\xfd\x04\x58".to_vec(), "is packed by zstd"),
        (b"BZh91AY".to_vec(), "is packed by bzip2"),
        (gzip(b"PK\x03\x04"), "is a workbook"),
        (gzip(&gzip(b"{}")), "twice"),
        (half(&gzip(TEXT.repeat(50).as_bytes())), "incomplete or damaged"),
    ] {
        let told = text(&bytes, None).expect_err(what);
        assert!(told.contains(what), "{told}");
    }
    let mut damaged = gzip(TEXT.as_bytes());
    let end = damaged.len() - 6;
    damaged[end] ^= 1;
    assert!(text(&damaged, None).unwrap_err().contains("incomplete or damaged"));
}

#[test]
fn a_pipe_is_read_as_a_file_is() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    for bytes in [TEXT.as_bytes().to_vec(), gzip(TEXT.as_bytes()), wide(TEXT, u16::to_le_bytes), b"{".to_vec()] {
        let writer = {
            let (pipe, bytes) = (pipe.clone(), bytes.clone());
            // A byte at a time, as a slow program writes.
            std::thread::spawn(move || {
                let mut pipe = fs::OpenOptions::new().write(true).open(pipe).unwrap();
                for byte in bytes {
                    pipe.write_all(&[byte]).unwrap();
                }
            })
        };
        let input = Input::open(&pipe, None).unwrap();
        writer.join().unwrap();
        assert_eq!(input.digest(), open(&bytes, None).unwrap().digest());
        let mut again = Vec::new();
        Window::new(input.file.try_clone().unwrap(), 0).read_to_end(&mut again).unwrap();
        assert_eq!(again.len() as u64, input.length());
    }
}

/// The lines, numbers and texts of all entries, read in one go and, each time from the end of an entry on, again.
fn entries(layout: Layout, bytes: &[u8]) -> Result<Vec<(u64, u64, String)>, String> {
    let input = open(bytes, None)?;
    let all = |from| {
        let mut entries = Entries::open(&input, layout, from)?;
        let mut found = Vec::new();
        while let Some(entry) = entries.next()? {
            found.push(entry);
        }
        Ok(found)
    };
    let failed = |unfit: Unfit| unfit.of(Path::new("file")).to_string();
    let found = all(None).map_err(failed)?;
    for (place, entry) in found.iter().enumerate() {
        assert_eq!(all(Some(entry.end)).map_err(failed)?, found[place + 1..]);
    }
    assert_eq!(Entries::judge(&input, layout).map_err(failed)?, found.len() as u64);
    let shown = |entry: Entry| {
        let text = entry.text.map_or("too long".to_owned(), |text| String::from_utf8(text).unwrap());
        (entry.line, entry.number, text)
    };
    Ok(found.into_iter().map(shown).collect())
}

/// The line, the number and the text of an entry.
type Shown = (u64, u64, String);

fn of_json(bytes: &[u8]) -> Result<(Layout, Vec<Shown>), String> {
    let layout = Layout::of_json(&open(bytes, None)?).map_err(|unfit| unfit.of(Path::new("file")).to_string())?;
    Ok((layout, entries(layout, bytes)?))
}

fn entry(line: u64, number: u64, text: &str) -> (u64, u64, String) {
    (line, number, text.to_owned())
}

#[test]
fn json_is_read_however_it_is_laid_out() {
    for (text, layout, expected) in [
        ("", Layout::Lines, vec![]),
        (" \n\n", Layout::Lines, vec![]),
        ("{\"a\":1}\r\n\n {}\nx\n{}", Layout::Lines, vec![(1, "{\"a\":1}\r"), (3, "{}"), (4, "x"), (5, "{}")]),
        ("x\n{}", Layout::Lines, vec![(1, "x"), (2, "{}")]),
        ("{\"a\":\n{}\n{}", Layout::Lines, vec![(1, "{\"a\":"), (2, "{}"), (3, "{}")]),
        (
            "{\n \"a\":[1]\n}\n{\"b\":\"}\\\"\"}{}",
            Layout::Values,
            vec![(1, "{\n \"a\":[1]\n}"), (4, "{\"b\":\"}\\\"\"}"), (4, "{}")],
        ),
        ("[]", Layout::Array(None), vec![]),
        (
            "\n[ {\"a\":\",]\"}\n, 1,\"x\" ,[2]]\n",
            Layout::Array(None),
            vec![(2, "{\"a\":\",]\"}"), (3, "1"), (3, "\"x\""), (3, "[2]")],
        ),
    ] {
        let found = of_json(text.as_bytes()).unwrap();
        let found_texts: Vec<_> = found.1.iter().map(|(line, _, text)| (*line, text.as_str())).collect();
        assert_eq!((found.0, found_texts), (layout, expected), "{text}");
        assert!(found.1.iter().map(|(_, number, _)| *number).eq(1..=found.1.len() as u64));
    }
}

#[test]
fn broken_json_is_refused_as_a_whole() {
    for (text, what) in [
        ("[{},", "line 1, which has something else where a value should begin"),
        ("[{},\n]", "line 2, which has something else where a value should begin"),
        ("[{}\n{}]", "line 2, which has neither a comma nor a bracket"),
        ("[{}", "line 1, which ends before its list of people does"),
        ("[\n{\"a\":\"]", "line 2, which holds the beginning of a value that does not end"),
        ("[{\"a\":1]}]", "line 1, which has neither a comma nor a bracket"),
        ("[]\n{}", "line 2, which continues after what should be its end"),
        ("<!doctype html>\n<p>", "holds no JSON"),
        ("email,username\na@b.de,a\n", "holds no JSON"),
        ("{\n}\n]", "line 3, which has something else where a value should begin"),
    ] {
        let told = of_json(text.as_bytes()).expect_err(text);
        assert!(told.contains(what), "{text}: {told}");
    }
}

#[test]
fn a_list_is_found_by_its_name() {
    let people = Layout::Array(Some("users"));
    let text = "{\"realm\":{\"users\":[0]},\n\"n\":1,\"users\":[\n{\"a\":1},{}],\"clients\":[{}],\"x\":null}\n";
    assert_eq!(entries(people, text.as_bytes()), Ok(vec![entry(3, 1, "{\"a\":1}"), entry(3, 2, "{}")]));
    assert_eq!(entries(people, b"{\"users\":[]}"), Ok(vec![]));
    for text in
        ["[]", "{}", "{\"users\":{}}", "{\"users\":[]", "{\"users\":[]}x", "{\"a\":1,\"b\":2}", "{\"users\":[1]]"]
    {
        assert!(entries(people, text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn entries_that_are_too_long_are_told_by_their_lines() {
    let long = format!("\"{}\"", "x".repeat(600 * 1024));
    assert_eq!(
        entries(Layout::Lines, format!("1\n{long}\n2").as_bytes()),
        Ok(vec![entry(1, 1, "1"), entry(2, 2, "too long"), entry(3, 3, "2")])
    );
    assert_eq!(
        entries(Layout::Array(None), format!("[1,\n{long},2]").as_bytes()),
        Ok(vec![entry(1, 1, "1"), entry(2, 2, "too long"), entry(2, 3, "2")])
    );
    let (delimiter, _) = Delimiter::of(&open(b"a,b", None).unwrap()).unwrap();
    assert_eq!(
        entries(Layout::Table(delimiter), format!("a\n{long}\n2").as_bytes()),
        Ok(vec![entry(2, 2, "too long"), entry(3, 3, "2")])
    );
}

/// The names of the columns; and the line, the number and the values of each record.
type Table = (Vec<String>, Vec<(u64, u64, Vec<String>)>);

fn table(text: &str) -> Result<Table, String> {
    let failed = |unfit: Unfit| unfit.of(Path::new("file")).to_string();
    let (delimiter, header) = Delimiter::of(&open(text.as_bytes(), None)?).map_err(failed)?;
    let list = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let records = entries(Layout::Table(delimiter), text.as_bytes())?;
    let records = records
        .into_iter()
        .map(|(line, number, text)| (line, number, list(&values(text.as_bytes(), delimiter).unwrap())));
    Ok((list(&header), records.collect()))
}

#[test]
fn tables_are_read_as_spreadsheets_save_them() {
    let (header, rows) = (["email", "name"], [["a@b.de", "A, \"B\"; C"], ["c@d.de", "1"]]);
    for (name, text) in [
        ("RFC 4180", "email,name\r\na@b.de,\"A, \"\"B\"\"; C\"\r\nc@d.de,1\r\n"),
        ("European Excel", "email;name\r\na@b.de;\"A, \"\"B\"\"; C\"\r\nc@d.de;1\r\n"),
        ("Unicode text", "email\tname\r\na@b.de\t\"A, \"\"B\"\"; C\"\r\nc@d.de\t1\r\n"),
        ("LibreOffice with all texts quoted", "\"email\"|\"name\"\n\"a@b.de\"|\"A, \"\"B\"\"; C\"\n\"c@d.de\"|1"),
        ("Excel on an old Mac", "email,name\ra@b.de,\"A, \"\"B\"\"; C\"\rc@d.de,1\r"),
        ("a delimiter that is declared", "sep=;\r\nemail;name\r\na@b.de;\"A, \"\"B\"\"; C\"\r\nc@d.de;1\r\n"),
        ("a tab that is declared", "SEP=\t\nemail\tname\na@b.de\t\"A, \"\"B\"\"; C\"\nc@d.de\t1\n"),
        ("another one that is declared", "sep=:\nemail:name\na@b.de:\"A, \"\"B\"\"; C\"\nc@d.de:1\n"),
        ("quotes around commas in the header", "\"email\";\"name\"\na@b.de;\"A, \"\"B\"\"; C\"\nc@d.de;1\n"),
    ] {
        let (found, records) = table(text).unwrap();
        let records: Vec<_> = records.into_iter().map(|(.., values)| values).collect();
        assert_eq!(
            (found, records),
            (header.map(str::to_owned).to_vec(), rows.map(|row| row.map(str::to_owned).to_vec()).to_vec()),
            "{name}"
        );
    }
}

#[test]
fn lines_and_rows_of_a_table_are_counted_apart() {
    let places = |text| table(text).unwrap().1.into_iter().map(|(line, number, _)| (line, number)).collect::<Vec<_>>();
    assert_eq!(places("a,b\r\n1,\"x\r\n\r\ny\"\r\n2,\r\n\r\n3,\r\n"), [(2, 2), (5, 3), (7, 5)]);
    assert_eq!(places("\n\na\n1\n"), [(4, 4)]);
    assert_eq!(places("a;b\n;\n1;2\n\"\";\n ; \n3;4\n;\n"), [(3, 3), (6, 6)]);
    assert_eq!(places("sep=,\na\n1\n"), [(3, 2)]);
    assert_eq!(places("a"), []);
    assert_eq!(table("").unwrap(), (vec![], vec![]));
}

#[test]
fn a_table_whose_quotes_do_not_match_is_refused_as_a_whole() {
    for (text, what) in [
        ("a,b\n1,\"x\n2,y\n", "line 2, which opens a quote that nothing closes"),
        ("a,b\n1,\"x\n2,\"y\"\n", "line 3, which has something between a closing quote and the next value"),
        ("a,b\n\"1\" ,x\n", "line 2, which has something between"),
    ] {
        let told = table(text).expect_err(text);
        assert!(told.contains(what), "{text}: {told}");
    }
    // Quotes within a value that does not begin with one are a part of it.
    assert_eq!(table("a\n6\" x\n").unwrap().1, [(2, 2, vec!["6\" x".to_owned()])]);
}

#[test]
fn lines_that_break_off_are_refused_as_a_whole() {
    let judge = |text: &str| {
        let input = open(text.as_bytes(), None).unwrap();
        let verdict = Entries::judge(&input, Layout::Lines);
        verdict.map_err(|unfit| unfit.of(Path::new("x")).to_string())
    };
    let refused = "x is broken at line 3, which holds the beginning of a value that does not end: copy the file anew; nothing was imported";
    for cut in ["{\"user\":{\"ema", "{\"user\":{}", "{", "[{}"] {
        assert_eq!(judge(&format!("{{}}\n\n{cut}")), Err(refused.to_owned()), "{cut}");
        assert_eq!(judge(&format!("{{}}\n\n{cut}\n")), Ok(2), "the row alone is at fault");
    }
    for whole in ["{}", "{},", "# a comment", "{'a': 1}", "nonsense"] {
        assert_eq!(judge(&format!("{{}}\n\n{whole}")), Ok(2), "{whole}");
    }
}
