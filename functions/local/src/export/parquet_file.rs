//! Rows as the columns of a Parquet file.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::DateTime;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::columns::{Column, Kind};
use super::decimal::{PRECISION, SCALE, scaled};
use super::rows::{Row, UnfitPage, Writer, rows, value};

/// How many rows a group has at least, but for the last.
const GROUP_ROWS: usize = 20_000;
/// How many bytes of JSON are kept for a group, before it ends early.
const GROUP_BYTES: usize = 16 * 1024 * 1024;

/// Collects rows, and writes them in groups.
pub(super) struct ParquetFile {
    columns: Vec<Column>,
    file: SerializedFileWriter<Written>,
    written: Written,
    group: Group,
}

/// The values of the rows that are not written yet, by column.
#[derive(Default)]
struct Group {
    columns: Vec<Values>,
    rows: usize,
    bytes: usize,
}

/// The values of a column that are not null, and for each row whether there is one (1) or not (0).
#[derive(Default)]
struct Values {
    levels: Vec<i16>,
    cells: Cells,
}

enum Cells {
    Text(Vec<ByteArray>),
    Integers(Vec<i64>),
    Numbers(Vec<f64>),
    Dollars(Vec<FixedLenByteArray>),
    Booleans(Vec<bool>),
}

impl Default for Cells {
    fn default() -> Self {
        Self::Text(Vec::new())
    }
}

impl ParquetFile {
    pub(super) fn new(columns: Vec<Column>) -> Result<Self, UnfitPage> {
        let written = Written::default();
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let file = SerializedFileWriter::new(written.clone(), schema(&columns)?, Arc::new(properties))?;
        let group = Group::of(&columns);
        Ok(Self { columns, file, written, group })
    }

    fn write_group(&mut self) -> Result<(), UnfitPage> {
        let group = mem::replace(&mut self.group, Group::of(&self.columns));
        let mut writer = self.file.next_row_group()?;
        for values in &group.columns {
            if let Some(mut column) = writer.next_column()? {
                values.write(&mut column)?;
                column.close()?;
            }
        }
        writer.close()?;
        Ok(())
    }
}

impl Writer for ParquetFile {
    fn page(&mut self, page: &[u8]) -> Result<Vec<u8>, UnfitPage> {
        for row in rows(page)? {
            self.group.push(&row, &self.columns)?;
        }
        self.group.bytes += page.len();
        if self.group.rows >= GROUP_ROWS || self.group.bytes >= GROUP_BYTES {
            self.write_group()?;
        }
        Ok(self.written.take())
    }

    fn end(&mut self) -> Result<Vec<u8>, UnfitPage> {
        if self.group.rows > 0 {
            self.write_group()?;
        }
        self.file.finish()?;
        Ok(self.written.take())
    }
}

impl Group {
    fn of(columns: &[Column]) -> Self {
        let values = |column: &Column| Values { levels: Vec::new(), cells: Cells::of(column.kind) };
        Self { columns: columns.iter().map(values).collect(), rows: 0, bytes: 0 }
    }

    fn push(&mut self, row: &Row<'_>, columns: &[Column]) -> Result<(), UnfitPage> {
        for (values, column) in self.columns.iter_mut().zip(columns) {
            match value(row, &column.name) {
                None => values.levels.push(0),
                Some(json) => {
                    values.levels.push(1);
                    let pushed = values.cells.push(json, column.kind);
                    pushed.ok_or_else(|| UnfitPage::Value { column: column.name.clone() })?;
                }
            }
        }
        self.rows += 1;
        Ok(())
    }
}

impl Cells {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Text | Kind::Json => Self::Text(Vec::new()),
            Kind::Integer | Kind::Time => Self::Integers(Vec::new()),
            Kind::Number => Self::Numbers(Vec::new()),
            Kind::Dollars => Self::Dollars(Vec::new()),
            Kind::Boolean => Self::Booleans(Vec::new()),
        }
    }

    /// Adds a value, given as JSON; none where it is not of the kind.
    fn push(&mut self, json: &str, kind: Kind) -> Option<()> {
        match self {
            Self::Text(texts) => texts.push(match kind {
                Kind::Json => json.into(),
                _ => serde_json::from_str::<String>(json).ok()?.into_bytes().into(),
            }),
            Self::Integers(integers) => integers.push(match kind {
                Kind::Time => {
                    DateTime::parse_from_rfc3339(&serde_json::from_str::<String>(json).ok()?).ok()?.timestamp_micros()
                }
                _ => json.parse().ok()?,
            }),
            Self::Numbers(numbers) => numbers.push(json.parse().ok()?),
            Self::Dollars(dollars) => {
                let scaled = scaled(json)?.to_be_bytes().to_vec();
                dollars.push(ByteArray::from(scaled).into());
            }
            Self::Booleans(booleans) => booleans.push(json.parse().ok()?),
        }
        Some(())
    }
}

impl Values {
    fn write(&self, column: &mut SerializedColumnWriter<'_>) -> Result<(), UnfitPage> {
        match &self.cells {
            Cells::Text(cells) => self.batch::<ByteArrayType>(column, cells),
            Cells::Integers(cells) => self.batch::<Int64Type>(column, cells),
            Cells::Numbers(cells) => self.batch::<DoubleType>(column, cells),
            Cells::Dollars(cells) => self.batch::<FixedLenByteArrayType>(column, cells),
            Cells::Booleans(cells) => self.batch::<BoolType>(column, cells),
        }
    }

    fn batch<T: DataType>(&self, column: &mut SerializedColumnWriter<'_>, cells: &[T::T]) -> Result<(), UnfitPage> {
        column.typed::<T>().write_batch(cells, Some(&self.levels), None)?;
        Ok(())
    }
}

fn schema(columns: &[Column]) -> Result<TypePtr, UnfitPage> {
    let field = |column: &Column| -> Result<TypePtr, UnfitPage> {
        let (physical, logical) = match column.kind {
            Kind::Text | Kind::Json => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Integer => (PhysicalType::INT64, None),
            Kind::Number => (PhysicalType::DOUBLE, None),
            Kind::Dollars => {
                (PhysicalType::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(SCALE.into(), PRECISION.into())))
            }
            Kind::Boolean => (PhysicalType::BOOLEAN, None),
            Kind::Time => (PhysicalType::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        };
        let mut field = Type::primitive_type_builder(&column.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        if column.kind == Kind::Dollars {
            field = field.with_length(16).with_precision(PRECISION.into()).with_scale(SCALE.into());
        }
        Ok(Arc::new(field.build()?))
    };
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    Ok(Arc::new(Type::group_type_builder("rows").with_fields(fields).build()?))
}

/// What the file consists of so far and has not been sent yet.
#[derive(Debug, Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
