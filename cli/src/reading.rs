//! Reading every record of every input.

use std::fmt;

use flowlog::{Counts, Field, Format, FormatField, Parser};

use crate::chunk::{Chunk, ChunkSource, Lines};
use crate::column::{Column, Partition, Row};
use crate::error::Error;
use crate::inputs::{Input, Opened};
use crate::parallel::add_counts;
use crate::parquet_rows::ParquetRows;
use crate::progress::Progress;
use crate::selection::{Gateways, LeftOut, Selection, Selector};

/// How many bad lines are repeated in messages.
pub(crate) const MOST_BAD_LINES: usize = 5;

/// How the inputs are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// The format of every text input; told by its beginning, if there is none.
    pub format: Option<Format>,
    /// Whether a bad line ends the reading.
    pub is_strict: bool,
    /// Which records count.
    pub selection: Selection,
    /// The columns that are asked for, and what asks for each. None stands for all of them,
    /// whichever they are.
    pub columns: Option<Vec<(Column, &'static str)>>,
    /// Fields that are read beside the columns, by those inputs that have them.
    pub also: Vec<Field>,
    /// Columns that are asked for by name, though all of them are read.
    pub asked: Vec<(Column, &'static str)>,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    /// What the lines were.
    pub counts: Counts,
    /// What did not count.
    pub left_out: LeftOut,
    /// The first bad lines, in words.
    pub bad_lines: Vec<String>,
    /// The gateways' addresses, if they were inferred.
    pub gateways: Gateways,
}

/// What the rows that count are passed to.
pub(crate) trait Visitor {
    /// An input of this format begins, or an input's format has changed on the way.
    fn start(&mut self, format: &Format) -> Result<(), Error>;

    /// A row that counts.
    fn visit(&mut self, row: &Row<'_>) -> Result<(), Error>;
}

/// An input whose format is known.
pub(crate) struct Started {
    /// What messages call it.
    pub name: String,
    /// What its path says.
    pub partitions: Vec<Partition>,
    /// Its format.
    pub format: Format,
    source: Box<dyn ChunkSource + Send>,
    chunk: Chunk,
    has_chunk: bool,
}

impl Started {
    /// The next piece of the input.
    fn next_chunk(&mut self) -> Result<Option<&Chunk>, Error> {
        if !std::mem::take(&mut self.has_chunk) && !self.source.fill(&mut self.chunk)? {
            return Ok(None);
        }
        Ok(Some(&self.chunk))
    }

    /// The next piece of the input, for keeps; `spare` lends its buffer.
    pub(crate) fn take_chunk(&mut self, mut spare: Chunk) -> Result<Option<Chunk>, Error> {
        if std::mem::take(&mut self.has_chunk) {
            return Ok(Some(std::mem::take(&mut self.chunk)));
        }
        Ok(self.source.fill(&mut spare)?.then_some(spare))
    }
}

impl Reading {
    /// Opens an input and tells its format. None if the input is empty.
    pub(crate) fn start(
        &self,
        input: &Input,
        progress: &Progress,
    ) -> Result<Option<Started>, Error> {
        let mut chunk = Chunk::default();
        let (source, has_chunk, format): (Box<dyn ChunkSource + Send>, _, _) =
            match input.open(&progress.count)? {
                Opened::Text(text) => {
                    let mut lines = Lines::new(&input.name, text);
                    if !lines.fill(&mut chunk)? {
                        return Ok(None);
                    }
                    let format = self.text_format(input, &chunk)?;
                    (Box::new(lines), true, format)
                }
                Opened::ParquetFile(file) => self.parquet(input, file)?,
                Opened::ParquetObject(object) => self.parquet(input, object)?,
            };
        let started = Started {
            name: input.name.clone(),
            partitions: input.partitions.clone(),
            format,
            source,
            chunk,
            has_chunk,
        };
        self.check_columns(&started.name, &started.partitions, &started.format)?;
        Ok(Some(started))
    }

    fn text_format(&self, input: &Input, first: &Chunk) -> Result<Format, Error> {
        if let Some(format) = &self.format {
            return Ok(format.clone());
        }
        let name = input.name.clone();
        Format::detect(first.bytes()).map_err(|source| Error::Format { name, source })
    }

    fn parquet<R: parquet::file::reader::ChunkReader + 'static>(
        &self,
        input: &Input,
        source: R,
    ) -> Result<(Box<dyn ChunkSource + Send>, bool, Format), Error> {
        let rows = ParquetRows::open(&input.name, source, &|field| self.is_wanted(field))?;
        let format = rows.format().clone();
        Ok((Box::new(rows), false, format))
    }

    fn is_wanted(&self, field: &FormatField) -> bool {
        let Some(columns) = &self.columns else { return true };
        let asked = columns.iter().map(|(column, _)| column.clone());
        let mut asked = asked.chain(self.selection.columns().into_iter().map(|(column, _)| column));
        match field {
            FormatField::Known(field) => self.checked_fields().is_some_and(|f| f.contains(field)),
            FormatField::Unknown(name) => asked
                .any(|column| matches!(column, Column::Named(named) if named.as_ref() == &**name)),
        }
    }

    /// The fields whose values must be of their type; all of them, if there is none.
    #[must_use]
    pub(crate) fn checked_fields(&self) -> Option<Vec<Field>> {
        let columns = self.columns.as_ref().filter(|_| !self.is_strict)?;
        let columns = columns.iter().map(|(column, _)| column.fields());
        let chosen = self.selection.columns();
        let chosen = chosen.iter().map(|(column, _)| column.fields());
        let mut fields: Vec<_> = columns.chain(chosen).flatten().collect();
        fields.extend(&self.also);
        fields.extend(self.selection.flow_fields());
        if self.selection.infers_addresses() {
            fields.extend([Field::TrafficPath, Field::ResourceId, Field::InterfaceId]);
        }
        fields.sort_unstable();
        fields.dedup();
        Some(fields)
    }

    /// A parser for an input.
    #[must_use]
    pub(crate) fn parser(&self, format: Format) -> Parser {
        match self.checked_fields() {
            Some(fields) => Parser::checking(format, &fields),
            None => Parser::new(format),
        }
    }

    /// Refuses an input that lacks what was asked for: silence would look like an answer.
    pub(crate) fn check_columns(
        &self,
        name: &str,
        partitions: &[Partition],
        format: &Format,
    ) -> Result<(), Error> {
        const FLOW_HINT: &str = "; --legs all counts every record as it is, by its own fields";
        const NO_HINT: &str = "";
        let asked = self.columns.iter().flatten().chain(&self.asked).cloned();
        for (column, asker) in asked.chain(self.selection.columns()) {
            if !column.is_in(format, partitions) {
                return Err(missing(name, format, format!("`{column}` ({asker})"), NO_HINT));
            }
        }
        for field in self.selection.flow_fields() {
            if format.position(*field).is_none() {
                let missing_field =
                    format!("`{field}` (which tells the legs of a connection apart)");
                return Err(missing(name, format, missing_field, FLOW_HINT));
            }
        }
        Ok(())
    }

    /// Passes every row that counts to the visitor.
    pub(crate) fn read(
        &self,
        inputs: &[Input],
        known: Gateways,
        progress: &Progress,
        visitor: &mut impl Visitor,
    ) -> Result<Summary, Error> {
        let mut selector = Selector::new(&self.selection, known);
        let mut summary = Summary::default();
        for input in inputs {
            if let Some(started) = self.start(input, progress)? {
                visitor.start(&started.format)?;
                self.read_input(started, &mut selector, &mut summary, progress, visitor)?;
            }
        }
        summary.left_out = selector.left_out;
        summary.gateways = selector.gateways;
        Ok(summary)
    }

    fn read_input(
        &self,
        mut started: Started,
        selector: &mut Selector<'_>,
        summary: &mut Summary,
        progress: &Progress,
        visitor: &mut impl Visitor,
    ) -> Result<(), Error> {
        let mut parser = self.parser(started.format.clone());
        let name = started.name.clone();
        let partitions = started.partitions.clone();
        while let Some(chunk) = started.next_chunk()? {
            let mut records = parser.records(chunk.bytes());
            while let Some(record) = records.next() {
                match record {
                    Ok(record) => {
                        if let Some(row) = selector.select(record, &partitions) {
                            visitor.visit(&row)?;
                        }
                    }
                    Err(source) if self.is_strict => {
                        return Err(Error::BadLine { name, source });
                    }
                    Err(bad) if summary.bad_lines.len() < MOST_BAD_LINES => {
                        summary.bad_lines.push(format!("{name}: {bad}"));
                    }
                    Err(_) => {}
                }
            }
            progress.show();
            if *parser.format() != started.format {
                started.format = parser.format().clone();
                self.check_columns(&started.name, &started.partitions, &started.format)?;
                visitor.start(&started.format)?;
            }
        }
        add_counts(&mut summary.counts, parser.counts());
        Ok(())
    }
}

fn missing(name: &str, format: &Format, missing: String, hint: &'static str) -> Error {
    let fields = format.fields().iter().map(FormatField::name);
    let fields = fields.collect::<Vec<_>>().join(", ");
    Error::Missing { name: name.to_owned(), missing, fields, hint }
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").field("name", &self.name).finish_non_exhaustive()
    }
}
