//! Where JSON values end: found by brackets and quotes alone. Whether a value is well formed is for its reader to tell.

use serde::de::IgnoredAny;

use super::entries::{Layout, Text};
use super::{Cursor, Input, Place, Unfit};

/// What a line has where a text breaks off.
pub(super) const ENDLESS: &str = "holds the beginning of a value that does not end: copy the file anew";

/// How far the reading of an array has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Before its first bracket.
    Before,
    /// After one of its elements.
    Within,
    /// After all of the text.
    After,
}

impl Layout {
    /// How a text of JSON rows is divided: by how it begins.
    pub(in crate::presentation::cli::users) fn of_json(input: &Input) -> Result<Self, Unfit> {
        let mut cursor = input.from(Place::default())?;
        match pass_space(&mut cursor)? {
            None => Ok(Self::Lines),
            Some(b'[') => Ok(Self::Array(None)),
            Some(b'{') => Ok(if spans_lines(&mut cursor) { Self::Values } else { Self::Lines }),
            Some(_) if has_object(&mut cursor)? => Ok(Self::Lines),
            Some(_) => Err(Unfit::wrong(
                "holds no JSON: no line of it begins with a brace; if it is something else, say --format",
            )),
        }
    }
}

impl Layout {
    /// How the people of another system are divided: the list of them is the member of this name of the object that the text
    /// is, always or if it is the first member, or else they are rows of JSON.
    pub(in crate::presentation::cli::users) fn of_people(
        input: &Input,
        member: &'static str,
        is_always: bool,
    ) -> Result<Self, Unfit> {
        let mut cursor = input.from(Place::default())?;
        if pass_space(&mut cursor)? != Some(b'{') {
            return Self::of_json(input);
        }
        cursor.pass(b'{');
        pass_space(&mut cursor)?;
        let mut first = Text::default();
        let begins = value(&mut cursor, &mut first).is_ok() && first.bytes() == format!("\"{member}\"").as_bytes();
        if is_always || begins { Ok(Self::Array(Some(member))) } else { Self::of_json(input) }
    }
}

/// Whether the first value is a whole one, of more than one line.
fn spans_lines(cursor: &mut Cursor) -> bool {
    let (mut text, first) = (Text::default(), cursor.line());
    let is_divided = value(cursor, &mut text).is_ok() && cursor.line() > first;
    is_divided && serde_json::from_slice::<IgnoredAny>(text.bytes()).is_ok()
}

fn has_object(cursor: &mut Cursor) -> Result<bool, Unfit> {
    loop {
        match pass_space(cursor)? {
            Some(b'{') => return Ok(true),
            Some(_) => line(cursor, &mut Text::default())?,
            None => return Ok(false),
        }
    }
}

/// Passes over white space; the next byte after it.
pub(super) fn pass_space(cursor: &mut Cursor) -> Result<Option<u8>, Unfit> {
    Ok(cursor.pass_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))?)
}

/// Reads what is left of a line, up to its end.
pub(super) fn line(cursor: &mut Cursor, text: &mut Text) -> Result<(), Unfit> {
    while let Some(byte) = cursor.take()? {
        if byte == b'\n' {
            break;
        }
        text.push(byte);
    }
    Ok(())
}

/// Reads a value up to its last byte.
pub(super) fn value(cursor: &mut Cursor, text: &mut Text) -> Result<(), Unfit> {
    let first = cursor.line();
    let (mut depth, mut is_string, mut is_escaped) = (0_u64, false, false);
    while let Some(byte) = cursor.peek()? {
        let is_over = depth == 0 && !is_string;
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            _ if is_string => {}
            b'[' | b'{' => depth += 1,
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b']' | b'}' if is_over => break,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        cursor.pass(byte);
        text.push(byte);
        if depth == 0 && !is_string && matches!(byte, b'"' | b']' | b'}') {
            return Ok(());
        }
    }
    match (depth, is_string, text.bytes()) {
        (0, false, []) => Err(Unfit::at_line(cursor.line(), "has something else where a value should begin")),
        (0, false, _) => Ok(()),
        _ => Err(Unfit::at_line(first, ENDLESS)),
    }
}

/// Goes to the next element of an array, if there is one, or else to the end of the text.
pub(super) fn next_element(cursor: &mut Cursor, member: Option<&str>, stage: &mut Stage) -> Result<bool, Unfit> {
    let is_first = match stage {
        Stage::Before => true,
        Stage::Within => false,
        Stage::After => return Ok(false),
    };
    if is_first {
        if let Some(name) = member {
            expect(cursor, b'{', "does not begin with a brace")?;
            find_member(cursor, name)?;
        }
        expect(cursor, b'[', "does not begin with a bracket where the list of people should be")?;
        *stage = Stage::Within;
    }
    let next = pass_space(cursor)?;
    match next {
        Some(b']') => cursor.pass(b']'),
        Some(b',') if !is_first => {
            cursor.pass(b',');
            pass_space(cursor)?;
            return Ok(true);
        }
        Some(_) if is_first => return Ok(true),
        Some(_) => return Err(Unfit::at_line(cursor.line(), "has neither a comma nor a bracket after an element")),
        None => return Err(Unfit::at_line(cursor.line(), "ends before its list of people does: copy the file anew")),
    }
    if member.is_some() {
        pass_members(cursor)?;
    }
    match pass_space(cursor)? {
        None => *stage = Stage::After,
        Some(_) => return Err(Unfit::at_line(cursor.line(), "continues after what should be its end")),
    }
    Ok(false)
}

/// Goes to the value of a member of an object whose brace is passed.
fn find_member(cursor: &mut Cursor, name: &str) -> Result<(), Unfit> {
    let quoted = format!("\"{name}\"");
    loop {
        if pass_space(cursor)? == Some(b'}') {
            return Err(Unfit::Wrong(format!("has no list {quoted} in its outermost object")));
        }
        let mut key = Text::default();
        value(cursor, &mut key)?;
        expect(cursor, b':', "has no colon after the name of a member")?;
        pass_space(cursor)?;
        if key.bytes() == quoted.as_bytes() {
            return Ok(());
        }
        value(cursor, &mut Text::default())?;
        if pass_space(cursor)? == Some(b',') {
            cursor.pass(b',');
        }
    }
}

/// Passes over the other members of an object, and its brace.
fn pass_members(cursor: &mut Cursor) -> Result<(), Unfit> {
    while pass_space(cursor)? == Some(b',') {
        cursor.pass(b',');
        pass_space(cursor)?;
        value(cursor, &mut Text::default())?;
        expect(cursor, b':', "has no colon after the name of a member")?;
        pass_space(cursor)?;
        value(cursor, &mut Text::default())?;
    }
    expect(cursor, b'}', "has neither a comma nor a brace after a member")
}

fn expect(cursor: &mut Cursor, byte: u8, otherwise: &str) -> Result<(), Unfit> {
    if pass_space(cursor)? != Some(byte) {
        return Err(Unfit::at_line(cursor.line(), otherwise));
    }
    cursor.pass(byte);
    Ok(())
}
