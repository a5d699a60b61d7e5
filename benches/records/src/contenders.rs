//! What is measured, and what it is compared with.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The columns of the recorded format, with explicit types for tools that take them.
const COLUMNS: [(&str, &str); 20] = [
    ("action", "VARCHAR"),
    ("flow_direction", "VARCHAR"),
    ("traffic_path", "VARCHAR"),
    ("srcaddr", "VARCHAR"),
    ("srcport", "INTEGER"),
    ("dstaddr", "VARCHAR"),
    ("dstport", "INTEGER"),
    ("protocol", "INTEGER"),
    ("bytes", "BIGINT"),
    ("type", "VARCHAR"),
    ("pkt_srcaddr", "VARCHAR"),
    ("pkt_src_aws_service", "VARCHAR"),
    ("pkt_dstaddr", "VARCHAR"),
    ("pkt_dst_aws_service", "VARCHAR"),
    ("packets", "BIGINT"),
    ("start", "BIGINT"),
    ("end", "BIGINT"),
    ("tcp_flags", "INTEGER"),
    ("log_status", "VARCHAR"),
    ("interface_id", "VARCHAR"),
];

/// A command that answers a question about records.
pub(crate) struct Contender {
    /// What it is, for the table.
    pub(crate) name: String,
    /// The command.
    pub(crate) command: Command,
    /// What it reads.
    pub(crate) input: PathBuf,
    /// Whether its answer must be that of the race's first one.
    pub(crate) is_compared: bool,
    /// Whether it is no part of the project.
    pub(crate) may_be_missing: bool,
    /// How many values of a line are its answer; there may be more.
    values: usize,
}

impl Contender {
    /// The answer in a text: values separated by commas, without the line of names.
    pub(crate) fn answer(&self, text: &str) -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains(|c: char| c.is_ascii_digit()));
        let values = |line: &str| line.split(',').take(self.values).collect::<Vec<_>>().join(",");
        lines.map(values).collect()
    }

    fn compared(mut self, values: usize) -> Self {
        (self.is_compared, self.values) = (true, values);
        self
    }
}

/// Contenders for one question, natflow first.
pub(crate) struct Race {
    /// The question.
    pub(crate) question: &'static str,
    /// Who answers it.
    pub(crate) contenders: Vec<Contender>,
}

/// Where the tools and the records are.
pub(crate) struct Paths<'p> {
    pub(crate) natflow: &'p Path,
    pub(crate) this: &'p Path,
    pub(crate) python: &'p str,
    pub(crate) recording: &'p Path,
    pub(crate) short: &'p Path,
    pub(crate) gzip: &'p Path,
    /// The text of a saved query.
    pub(crate) query: &'p Path,
    /// A file that can be written.
    pub(crate) target: &'p Path,
}

/// Every race.
pub(crate) fn races(paths: &Paths<'_>) -> Vec<Race> {
    vec![
        Race { question: "ten pairs with the most bytes", contenders: pairs(paths) },
        Race { question: "bytes by action", contenders: actions(paths) },
        Race { question: "parse", contenders: parsing(paths) },
        Race { question: "gzip", contenders: inflating(paths) },
        Race {
            question: "decode",
            contenders: vec![natflow(paths, &["decode", "--output", "csv"])],
        },
        Race {
            question: "convert",
            contenders: ["jsonl", "csv", "parquet"].map(|format| converting(paths, format)).into(),
        },
        Race {
            question: "query",
            contenders: vec![natflow(
                paths,
                &["query", "-f", &paths.query.display().to_string(), "--output", "csv"],
            )],
        },
    ]
}

fn contender(name: &str, program: impl AsRef<OsStr>, input: &Path) -> Contender {
    Contender {
        name: name.to_owned(),
        command: Command::new(program),
        input: input.to_owned(),
        is_compared: false,
        may_be_missing: true,
        values: 0,
    }
}

/// natflow on the recording; it goes by its arguments' name.
fn natflow(paths: &Paths<'_>, arguments: &[&str]) -> Contender {
    natflow_on(paths, arguments, paths.recording)
}

fn natflow_on(paths: &Paths<'_>, arguments: &[&str], input: &Path) -> Contender {
    let shown: Vec<_> =
        arguments.iter().map(|word| word.rsplit('/').next().unwrap_or(word)).collect();
    let name = format!("`natflow {}`", shown.join(" "));
    let mut contender = contender(&name, paths.natflow, input);
    contender.command.args(arguments).arg("--quiet").arg(input);
    contender.may_be_missing = false;
    contender
}

fn converting(paths: &Paths<'_>, format: &str) -> Contender {
    let mut contender = natflow(paths, &["convert", "--output", format]);
    contender.command.arg("-o").arg(paths.target);
    contender
}

/// One of this program's hidden commands.
fn this(paths: &Paths<'_>, name: &str, arguments: &[&str], input: &Path) -> Contender {
    let mut contender = contender(name, paths.this, input);
    contender.command.args(arguments).arg(input);
    contender.may_be_missing = false;
    contender
}

fn parsing(paths: &Paths<'_>) -> Vec<Contender> {
    vec![
        this(paths, "short format, all fields", &["parse"], paths.short),
        this(paths, "short format, four fields", &["parse", "--few"], paths.short),
        this(paths, "recorded format, all fields", &["parse"], paths.recording),
        this(paths, "recorded format, four fields", &["parse", "--few"], paths.recording),
    ]
}

fn inflating(paths: &Paths<'_>) -> Vec<Contender> {
    let top = ["top", "--by", "action", "--legs", "all", "--threads", "1"];
    vec![
        natflow_on(paths, &top, paths.gzip),
        natflow_on(paths, &top, paths.recording),
        this(paths, "zlib-rs, inflating alone", &["inflate"], paths.gzip),
        {
            let mut gzip = contender("gzip -dc", "gzip", paths.gzip);
            gzip.command.arg("-dc").arg(paths.gzip);
            gzip
        },
    ]
}

fn pairs(paths: &Paths<'_>) -> Vec<Contender> {
    let top = ["top", "--by", "pair", "--output", "csv"];
    let threads = |number| natflow(paths, &[&top[..], &["--threads", number]].concat());
    let contenders = [
        threads("1"),
        threads("2"),
        duckdb(paths, PAIRS_SQL),
        polars(paths, POLARS_PAIRS),
        mawk(paths, &format!("{MAWK_PAIRS} {MAWK_TOP}")),
    ];
    contenders.map(|contender| contender.compared(3)).into()
}

fn actions(paths: &Paths<'_>) -> Vec<Contender> {
    let top = ["top", "--by", "action", "--legs", "all", "--action", "all", "--output", "csv"];
    let threads = |number| natflow(paths, &[&top[..], &["--threads", number]].concat());
    let contenders = [
        threads("1"),
        threads("2"),
        duckdb(paths, ACTIONS_SQL),
        polars(paths, POLARS_ACTIONS),
        mawk(paths, &format!("$19 == \"OK\" {{ s[$1] += $9 }} {MAWK_TOP}")),
    ];
    contenders.map(|contender| contender.compared(2)).into()
}

/// The gateway's addresses stand in it literally: the generator always uses these.
const MAWK_PAIRS: &str = "\
BEGIN { own[\"10.0.0.220\"]; own[\"2001:db8::220\"] }
$1 == \"ACCEPT\" && $2 == \"ingress\" && !($13 in own) { s[$11 \",\" $13] += $9 }
$1 == \"ACCEPT\" && $2 == \"egress\" && !($11 in own) { s[$13 \",\" $11] += $9 }";

/// The ten largest sums, without sorting all of them.
const MAWK_TOP: &str = "END { for (i = 0; i < 10; i++) { m = -1; for (k in s) if (s[k] > m) \
    { m = s[k]; best = k } if (m < 0) break; printf \"%s,%.0f\\n\", best, m; delete s[best] } }";

fn mawk(paths: &Paths<'_>, program: &str) -> Contender {
    let mut contender = contender("mawk", "mawk", paths.recording);
    contender.command.arg(program).arg(paths.recording);
    contender
}

const PAIRS_SQL: &str = "\
SELECT CASE flow_direction WHEN 'ingress' THEN pkt_srcaddr ELSE pkt_dstaddr END AS client,
  CASE flow_direction WHEN 'ingress' THEN pkt_dstaddr ELSE pkt_srcaddr END AS peer,
  sum(bytes) AS total
FROM records
WHERE action = 'ACCEPT' AND (
  flow_direction = 'ingress' AND pkt_dstaddr NOT IN ('10.0.0.220', '2001:db8::220')
  OR flow_direction = 'egress' AND pkt_srcaddr NOT IN ('10.0.0.220', '2001:db8::220'))
GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 10";

const ACTIONS_SQL: &str = "\
SELECT action, sum(bytes) AS total FROM records
WHERE log_status = 'OK' GROUP BY 1 ORDER BY 2 DESC LIMIT 10";

fn view_sql(path: &str) -> String {
    let types: Vec<_> = COLUMNS.iter().map(|(name, kind)| format!("'{name}': '{kind}'")).collect();
    let types = types.chunks(4).map(|types| types.join(", ")).collect::<Vec<_>>().join(",\n  ");
    format!(
        "CREATE VIEW records AS SELECT * FROM read_csv('{path}', delim=' ', header=false,\n  \
         nullstr='-', auto_detect=false, columns={{\n  {types}}})"
    )
}

/// What `DuckDB` is asked, for readers of the table.
pub(crate) fn duckdb_notes() -> String {
    let view = view_sql("recording.log");
    format!(
        "DuckDB is asked, with `threads` 1:\n\n```sql\n{view};\n{PAIRS_SQL};\n{ACTIONS_SQL};\n```\n"
    )
}

fn duckdb(paths: &Paths<'_>, sql: &str) -> Contender {
    let script = format!(
        "import duckdb\nc = duckdb.connect(config={{'threads': 1}})\nc.execute('SET enable_progress_bar = false')\nc.execute(\"\"\"{}\"\"\")\n\
         for row in c.execute(\"\"\"{sql}\"\"\").fetchall(): print(*row, sep=',')",
        view_sql(&paths.recording.display().to_string()),
    );
    python("DuckDB, 1 thread", paths, &script)
}

fn python(name: &str, paths: &Paths<'_>, script: &str) -> Contender {
    let mut contender = contender(name, paths.python, paths.recording);
    contender.command.args(["-c", script]);
    contender
}

const POLARS_PAIRS: &str = "\
own = ['10.0.0.220', '2001:db8::220']
up = (pl.col('flow_direction') == 'ingress') & ~pl.col('pkt_dstaddr').is_in(own)
down = (pl.col('flow_direction') == 'egress') & ~pl.col('pkt_srcaddr').is_in(own)
ends = records.filter((pl.col('action') == 'ACCEPT') & (up | down))
is_up = pl.col('flow_direction') == 'ingress'
client = pl.when(is_up).then('pkt_srcaddr').otherwise('pkt_dstaddr').alias('client')
peer = pl.when(is_up).then('pkt_dstaddr').otherwise('pkt_srcaddr').alias('peer')
answer = ends.group_by(client, peer).agg(pl.col('bytes').sum()).sort('bytes', descending=True)
";

const POLARS_ACTIONS: &str = "\
ok = records.filter(pl.col('log_status') == 'OK')
answer = ok.group_by('action').agg(pl.col('bytes').sum()).sort('bytes', descending=True)
";

fn polars(paths: &Paths<'_>, question: &str) -> Contender {
    let types: Vec<_> = COLUMNS
        .iter()
        .map(|(name, kind)| {
            let kind = match *kind {
                "INTEGER" => "pl.Int32",
                "BIGINT" => "pl.Int64",
                _ => "pl.String",
            };
            format!("'{name}': {kind}")
        })
        .collect();
    let script = format!(
        "import os\nos.environ['POLARS_MAX_THREADS'] = '1'\nimport polars as pl\n\
         records = pl.scan_csv('{}', separator=' ', has_header=False, null_values='-', \
         schema={{{}}})\n{question}for row in answer.head(10).collect().iter_rows(): \
         print(*row, sep=',')",
        paths.recording.display(),
        types.join(", ")
    );
    python("polars, 1 thread", paths, &script)
}
