//! What is measured, and what it is compared with.

use std::path::Path;
use std::process::Command;

use crate::generate::GATEWAY;

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

/// A command that answers a question about a recording.
pub(crate) struct Contender {
    /// What it is, for the table.
    pub(crate) name: String,
    /// The command.
    pub(crate) command: Command,
}

/// Contenders whose answers must be the same.
pub(crate) struct Race {
    /// The question.
    pub(crate) question: &'static str,
    /// natflow first.
    pub(crate) contenders: Vec<Contender>,
}

/// Where the tools and the recordings are.
pub(crate) struct Paths<'p> {
    pub(crate) natflow: &'p Path,
    pub(crate) python: &'p str,
    pub(crate) plain: &'p Path,
    pub(crate) gzip: &'p Path,
    pub(crate) target: &'p Path,
}

/// Every race.
pub(crate) fn races(paths: &Paths<'_>, this: &Path) -> Vec<Race> {
    vec![
        Race { question: "read every record, all fields typed", contenders: parsing(paths, this) },
        Race { question: "ten pairs with the most bytes", contenders: pairs(paths) },
        Race { question: "bytes by action", contenders: actions(paths) },
        Race {
            question: "ten clients, gzip",
            contenders: vec![
                natflow(
                    "natflow top, gzip",
                    paths,
                    &["top", "--threads", "1", "--output", "csv"],
                    paths.gzip,
                ),
                contender(
                    "gzip -dc, for comparison",
                    "gzip",
                    &["-dc", &paths.gzip.display().to_string()],
                ),
            ],
        },
        Race {
            question: "every record in words",
            contenders: vec![natflow(
                "natflow decode --output csv",
                paths,
                &["decode", "--output", "csv"],
                paths.plain,
            )],
        },
        Race {
            question: "every record in another format",
            contenders: vec![
                natflow("natflow convert, JSON lines", paths, &["convert"], paths.plain),
                natflow(
                    "natflow convert, Parquet",
                    paths,
                    &["convert", "--output", "parquet"],
                    paths.plain,
                ),
            ],
        },
        Race {
            question: "the saved query top-pairs",
            contenders: vec![natflow(
                "natflow query",
                paths,
                &["query", "-f", &paths.target.display().to_string(), "--output", "csv"],
                paths.plain,
            )],
        },
    ]
}

fn contender(name: &str, program: &str, arguments: &[&str]) -> Contender {
    let mut command = Command::new(program);
    command.args(arguments);
    Contender { name: name.to_owned(), command }
}

fn natflow(name: &str, paths: &Paths<'_>, arguments: &[&str], input: &Path) -> Contender {
    let mut command = Command::new(paths.natflow);
    command.args(arguments).arg("--quiet").arg(input);
    Contender { name: name.to_owned(), command }
}

fn parsing(paths: &Paths<'_>, this: &Path) -> Vec<Contender> {
    let mut command = Command::new(this);
    command.arg("parse").arg(paths.plain);
    vec![Contender { name: "flowlog, nothing else".to_owned(), command }]
}

fn pairs(paths: &Paths<'_>) -> Vec<Contender> {
    let top = ["top", "--by", "pair", "--output", "csv"];
    let threads = |number| [&top[..], &["--threads", number]].concat();
    vec![
        natflow("natflow top, 1 thread", paths, &threads("1"), paths.plain),
        natflow("natflow top, 2 threads", paths, &threads("2"), paths.plain),
        duckdb(paths, &pairs_sql()),
        polars(paths, POLARS_PAIRS),
        mawk(
            paths,
            &format!(
                "$1 == \"ACCEPT\" && $2 == \"ingress\" && $13 !~ /:220$|^10.0.0.220$/ {{ s[$11 \" \" $13] += $9 }} \
             $1 == \"ACCEPT\" && $2 == \"egress\" && $11 !~ /:220$|^10.0.0.220$/ {{ s[$13 \" \" $11] += $9 }} {MAWK_TOP}"
            ),
        ),
    ]
}

fn actions(paths: &Paths<'_>) -> Vec<Contender> {
    let top = ["top", "--by", "action", "--legs", "all", "--action", "all", "--output", "csv"];
    let threads = |number| [&top[..], &["--threads", number]].concat();
    let sql = "SELECT action, sum(bytes) AS total FROM records WHERE log_status = 'OK' \
               GROUP BY 1 ORDER BY 2 DESC LIMIT 10";
    vec![
        natflow("natflow top, 1 thread", paths, &threads("1"), paths.plain),
        duckdb(paths, sql),
        polars(paths, POLARS_ACTIONS),
        mawk(paths, &format!("$19 == \"OK\" {{ s[$1] += $9 }} {MAWK_TOP}")),
    ]
}

/// The ten largest sums, without sorting all of them.
const MAWK_TOP: &str = "END { for (i = 0; i < 10; i++) { m = -1; for (k in s) if (s[k] > m) \
    { m = s[k]; best = k } if (m < 0) break; printf \"%s,%d\\n\", best, m; delete s[best] } }";

fn mawk(paths: &Paths<'_>, program: &str) -> Contender {
    contender("mawk", "mawk", &[program, &paths.plain.display().to_string()])
}

fn pairs_sql() -> String {
    format!(
        "SELECT CASE flow_direction WHEN 'ingress' THEN pkt_srcaddr ELSE pkt_dstaddr END AS client, \
         CASE flow_direction WHEN 'ingress' THEN pkt_dstaddr ELSE pkt_srcaddr END AS peer, \
         sum(bytes) AS total FROM records WHERE action = 'ACCEPT' AND \
         (flow_direction = 'ingress' AND pkt_dstaddr NOT IN ('{GATEWAY}', '2001:db8::220') OR \
         flow_direction = 'egress' AND pkt_srcaddr NOT IN ('{GATEWAY}', '2001:db8::220')) \
         GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 10"
    )
}

fn duckdb(paths: &Paths<'_>, sql: &str) -> Contender {
    let types: Vec<_> = COLUMNS.iter().map(|(name, kind)| format!("'{name}': '{kind}'")).collect();
    let script = format!(
        "import duckdb\nc = duckdb.connect(config={{'threads': 1}})\n\
         c.execute(\"\"\"CREATE VIEW records AS SELECT * FROM read_csv('{}', delim=' ', \
         header=false, nullstr='-', auto_detect=false, columns={{{}}})\"\"\")\n\
         for row in c.execute(\"\"\"{sql}\"\"\").fetchall(): print(*row, sep=',')",
        paths.plain.display(),
        types.join(", ")
    );
    contender("DuckDB, 1 thread", paths.python, &["-c", &script])
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
        paths.plain.display(),
        types.join(", ")
    );
    contender("polars, 1 thread", paths.python, &["-c", &script])
}
