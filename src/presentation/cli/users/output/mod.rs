//! Exports to files and pipes.

mod json_factor;
mod json_writer;
mod target;

use std::io::{self, BufWriter, Write as _};

#[cfg(test)]
pub(super) use self::json_writer::write;
pub(super) use self::target::{Target, is_standard_output};
use super::{ExportArgs, Format, Remote, TransferFailed, csv_record};
use crate::presentation::cli::progress::Progress;
use crate::proto::{ExportUsersRequest, UserRecord};

/// Exports to a file through a server: what to print at the end.
pub async fn export(arguments: &ExportArgs, remote: &Remote) -> Result<Vec<String>, TransferFailed> {
    let path = &arguments.file;
    let format = Format::of(arguments.format, path)?;
    let is_output = is_standard_output(path);
    let target = Target::open(path).map_err(TransferFailed::file(path))?;
    let request = ExportUsersRequest { filter: arguments.filter.clone(), include_hashes: arguments.include_hashes };
    let mut responses = remote.client().await?.export_users(remote.request(request)).await?.into_inner();
    let mut output = Output::begin(target, format).map_err(TransferFailed::file(path))?;
    let mut progress = Progress::begin(None, 0);
    while let Some(response) = responses.message().await? {
        let rows = response.rows.len() as u64;
        response.rows.into_iter().try_for_each(|row| output.add(row)).map_err(TransferFailed::file(path))?;
        progress.advance(rows, 0);
    }
    output.finish().map_err(TransferFailed::file(path))?;
    let speed = progress.end();
    if is_output {
        // What is printed would follow the rows.
        crate::presentation::cli::tell(&speed);
        return Ok(Vec::new());
    }
    Ok(vec![speed])
}

enum Output {
    Ndjson(BufWriter<Target>),
    Csv(Box<csv::Writer<Target>>),
}

impl Output {
    fn begin(target: Target, format: Format) -> io::Result<Self> {
        Ok(match format {
            Format::Ndjson => Self::Ndjson(BufWriter::new(target)),
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(target);
                writer.write_record(csv_record::COLUMNS)?;
                Self::Csv(Box::new(writer))
            }
        })
    }

    fn add(&mut self, row: UserRecord) -> io::Result<()> {
        match self {
            Self::Ndjson(writer) => {
                let mut line = json_writer::write(row)?;
                line.push(b'\n');
                writer.write_all(&line)
            }
            Self::Csv(writer) => Ok(writer.write_record(csv_record::write(row))?),
        }
    }

    fn finish(self) -> io::Result<()> {
        let target = match self {
            Self::Ndjson(writer) => writer.into_inner().map_err(io::IntoInnerError::into_error)?,
            Self::Csv(writer) => writer.into_inner().map_err(csv::IntoInnerError::into_error)?,
        };
        target.finish()
    }
}
