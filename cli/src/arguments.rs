//! The command line.

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use collectors::CollectorName;
use export::netflow::Protocol;
use export::prometheus::Ends;
use flowlog::{Action, Field, Format, FormatError};
use jiff::SignedDuration;
use report::facts::Destination;

use crate::column::{Column, NoColumnName};
use crate::condition::Condition;
use crate::cost::OwnPrice;
use crate::moment::Moment;
use crate::output::{ColorChoice, OutputFormat};
use crate::selection::{GatewayName, Legs};

const EXIT_CODES: &str = "\
Exit codes:
  0  done; bad lines were named and left out, and a reader that went away is a normal end
  1  an input or the output failed, an input's format cannot be told or lacks what was asked
     for, or a line was bad with --strict
  2  the command line was wrong";

const TOP_EXAMPLES: &str = "\
Examples:
  natflow top recording.log                       clients by bytes
  natflow top --by pair -n 20 logs/               pairs, in every file of a directory
  natflow top --by service --metric flows logs/   AWS services by flows
  natflow top --by dstport --legs all vpc.log.gz  any field of any flow log
  natflow top --since 2h s3://logs/AWSLogs/       objects in S3 that were written since
  natflow top logs://recorder-FlowLogGroup-1A2B   a log group in CloudWatch Logs";

const DECODE_EXAMPLES: &str = "\
Examples:
  natflow decode recording.log | less -S
  natflow decode --where 'client in 10.0.1.0/24 and port = 443' --legs ends recording.log";

const CONVERT_EXAMPLES: &str = "\
Examples:
  natflow convert recording.log -o recording.parquet
  natflow convert --fields client,peer,bytes --legs ends --output csv recording.log";

const QUERY_EXAMPLES: &str = "\
Examples:
  natflow query -f queries/top-clients.query recording.log
  natflow query 'stats count(*) by bin(5m)' logs/";

const REPORT_EXAMPLES: &str = "\
Examples:
  natflow report recording.log
  natflow report --html -o spike.html --region eu-west-1 recording.log
  natflow report --since 2h --output json logs://recorder-FlowLogGroup-1A2B
  natflow report --stack recorder              what the last recording was mailed with

Permissions for --stack: states:ListExecutions and states:DescribeExecution on the state machine
and its executions, and, unless --state-machine names it, states:ListStateMachines and
states:ListTagsForResource.";

const COST_EXAMPLES: &str = "\
Examples:
  natflow cost --gateways 3 --gb 2000 --connections 5000 --spikes 4
  natflow cost --stack recorder                the stack's gateways, as CloudWatch metered them
  natflow cost --price nat-processing=0.048    a price of another region";

const NETFLOW_EXAMPLES: &str = "\
Examples:
  natflow netflow --to collector:4739 vpc.log.gz
  natflow netflow --to [2001:db8::1]:2055 --protocol v9 --rate 20000 s3://logs/AWSLogs/
  natflow netflow --to a:4739 --to b:4739 --gateway 10.0.0.220 --state sequence.json recording.log

UDP has no answers: sent means that the kernel has taken it. A run that is repeated sends
everything again. A collector takes only so much: --rate.";

const EXPORTER_EXAMPLES: &str = "\
Examples:
  natflow exporter --stream flow-logs --checkpoint /var/lib/natflow/checkpoint.json
  natflow exporter --stream flow-logs --checkpoint dynamodb://exporters/flow-logs --vpc vpc-0a1b
  natflow exporter --follow /var/log/flow.log --subnets subnets.txt --log-denied

Rates show when records arrive, not when their traffic passed: flow logs come minutes late, and a
counter rises by a whole interval's traffic at once. Over five minutes and more, rate() evens that
out; what passed in a certain minute is a question for `natflow top` or a query.

Counters are by subnet: --max-subnets of them have a label of their own, those whose traffic came
first; the traffic of the others is under the label `other`. Addresses in no subnet are not counted.

Permissions: kinesis:DescribeStreamSummary, kinesis:ListShards, kinesis:GetShardIterator and
kinesis:GetRecords on the stream; ec2:DescribeSubnets unless --subnets names a file;
dynamodb:GetItem and dynamodb:PutItem on the table of --checkpoint.";

const STATUS_HELP: &str = "\
Permissions: cloudwatch:DescribeAlarms, dynamodb:Scan on the stack's table, and, unless --table
names it, dynamodb:ListTables. For last_report, which is left out without them:
states:ListExecutions and states:DescribeExecution on the state machine and its executions, and,
unless --state-machine names it, states:ListStateMachines and states:ListTagsForResource.";

/// Reads VPC flow logs: who talks, how much, through which NAT gateway.
#[derive(Debug, Parser)]
#[command(name = "natflow", version, after_long_help = EXIT_CODES, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Whose account S3 URLs and log groups are in.
    #[command(flatten)]
    pub account: Account,
}

/// Whose AWS account something is in.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "AWS account")]
pub struct Account {
    /// The profile whose credentials are used, as the AWS CLI knows it; otherwise that of
    /// `AWS_PROFILE`, or the usual credentials.
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,

    /// The region of log groups; otherwise that of `AWS_REGION` or of the profile. Buckets are
    /// found wherever they are.
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Adds up traffic and shows who has the most of it.
    ///
    /// Each connection through a NAT gateway is recorded four times. Only the two records on the
    /// client's side name both ends; the others would count everything twice, so that they are
    /// left out unless --legs all asks for them. Rejected traffic is left out as in the saved
    /// queries.
    #[command(after_long_help = TOP_EXAMPLES)]
    Top(TopArguments),
    /// Shows every record in words.
    ///
    /// The columns and words are those of the saved query `decode`. Records without traffic
    /// (NODATA) are left out.
    #[command(after_long_help = DECODE_EXAMPLES)]
    Decode(DecodeArguments),
    /// Writes records as JSON, CSV or Parquet.
    ///
    /// Names and types are those of AWS's Parquet files (`pkt_srcaddr`); a value that is missing
    /// is null, or nothing in CSV.
    #[command(after_long_help = CONVERT_EXAMPLES)]
    Convert(ConvertArguments),
    /// Runs a CloudWatch Logs Insights query on local records.
    ///
    /// Each record is an event whose @message is its line and whose @timestamp is its start. What
    /// goes beyond the supported part of the language is refused with its place.
    #[command(after_long_help = QUERY_EXAMPLES)]
    Query(QueryArguments),
    /// Sends records to NetFlow and IPFIX collectors.
    ///
    /// What a record lacks is left out of it and counted. NODATA and SKIPDATA are no flows: their
    /// numbers are sent last, in an options record.
    #[command(after_long_help = NETFLOW_EXAMPLES)]
    Netflow(NetflowArguments),
    /// Counts the records of a Kinesis stream, or of files that grow, for Prometheus.
    ///
    /// Serves `/metrics`, as text or OpenMetrics, and `/health`. With --checkpoint, a restart
    /// neither loses nor doubles records: `/metrics` shows what the checkpoint holds. SIGTERM ends
    /// it after a last checkpoint.
    #[command(after_long_help = EXPORTER_EXAMPLES)]
    Exporter(ExporterArguments),
    /// Reports who caused a spike, as the recorder's e-mail does.
    ///
    /// What only an account knows is left out: what CloudWatch metered, the names behind
    /// addresses, and the VPC's endpoints.
    #[command(after_long_help = REPORT_EXAMPLES)]
    Report(ReportArguments),
    /// Estimates what recording spikes costs a month, beside flow logs that run all the time.
    ///
    /// Traffic is what the options say, or what CloudWatch metered of a stack's gateways.
    #[command(after_long_help = COST_EXAMPLES)]
    Cost(CostArguments),
    /// Shows a stack's gateways: alarm, recording, and how many recordings there were.
    #[command(after_long_help = STATUS_HELP)]
    Status(StatusArguments),
    /// Writes a script that completes natflow's arguments in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Writes the manual: natflow(1), or a page for it and for each command into a folder.
    Man {
        /// The folder, which must exist.
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
    },
}

/// What is read, and which records of it count.
#[derive(Args, Debug)]
pub struct ReadArguments {
    /// Files, directories, `s3://bucket/path`, `logs://log-group` or its ARN, or - for standard
    /// input.
    ///
    /// Files and objects are plain, gzip, zstd or Parquet, told by their content. An S3 URL is an
    /// object or, like a directory, everything below it; with a `*` at its end, every object whose
    /// key begins so.
    #[arg(value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<String>,

    /// Only rows that meet a condition.
    ///
    /// Comparisons (= != < <= > >=), `in` and `not in` with an address, a network (10.0.0.0/8)
    /// or a list in parentheses, joined by `and`, `or`, `not` and parentheses. Names are AWS's
    /// (`pkt-dstaddr`, `pkt_dstaddr` or `pktDstAddr`), and client, peer, direction, gateway, service,
    /// port. A missing value equals `-` only.
    #[arg(long = "where", value_name = "EXPR")]
    pub condition: Option<Condition>,

    /// Only records that start then or later: RFC 3339, a date (UTC), Unix seconds, or a span
    /// before now such as 2h.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<Moment>,

    /// Only records that start before then.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<Moment>,

    /// The gateway: eni-… or nat-… (a regional one) picks its records; its private addresses,
    /// every one of them, tell its legs apart. Without addresses, they are inferred from the
    /// records. Can be given several times.
    #[arg(long, value_name = "ID|ADDRESS", value_delimiter = ',')]
    pub gateway: Vec<GatewayName>,

    /// The format of inputs without a header line, as `CreateFlowLogs` takes it, or one of the
    /// names default, recorded, recorded-regional, earlier. Without it, the format is told by a
    /// header line or by the content.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<FormatArgument>,

    /// Fails at the first bad line, checking every field. Otherwise bad lines are named, counted
    /// and left out.
    #[arg(long)]
    pub strict: bool,

    /// Writes no notes to standard error.
    #[arg(long, short)]
    pub quiet: bool,

    /// When to use colours.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,

    /// Writes to a file, which appears when it is complete, instead of standard output.
    #[arg(short = 'o', value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub target: Option<PathBuf>,
}

/// What `top` is asked for.
#[derive(Args, Debug)]
pub struct TopArguments {
    /// What to add up by: client, peer, pair (client and peer), service, port, az, or any field.
    /// Several are separated by commas.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', default_value = "client")]
    pub by: Vec<By>,

    /// What to add up.
    #[arg(long, value_name = "METRIC", default_value = "bytes")]
    pub metric: Metric,

    /// How many rows to show; 0 shows all. The totals are those of all rows in any case.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub rows: usize,

    /// Which records count: `ends` takes those that name both ends of a connection through the
    /// gateway, so that nothing is counted twice; `all` takes every record.
    #[arg(long, value_name = "LEGS", default_value = "ends")]
    pub legs: Legs,

    /// What became of the traffic that counts.
    #[arg(long, value_name = "ACTION", default_value = "accept")]
    pub action: ActionArgument,

    /// How to write the rows.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: OutputFormat,

    /// Writes bytes unrounded in tables, too.
    #[arg(long)]
    pub bytes: bool,

    /// How many threads to use; 0 uses what the machine has.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,

    /// What is read.
    #[command(flatten)]
    pub read: ReadArguments,
}

/// What `decode` is asked for.
#[derive(Args, Debug)]
pub struct DecodeArguments {
    /// The columns, separated by commas: AWS's fields, client, peer, direction, gateway, service,
    /// port. Without it, all fields of the records.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub fields: Vec<Column>,

    /// Which records count: `ends` takes those that name both ends of a connection through the
    /// gateway; `all` takes every record.
    #[arg(long, value_name = "LEGS", default_value = "all")]
    pub legs: Legs,

    /// How to write the rows.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: OutputFormat,

    /// Writes bytes unrounded only.
    #[arg(long)]
    pub bytes: bool,

    /// What is read.
    #[command(flatten)]
    pub read: ReadArguments,
}

/// What `convert` is asked for.
#[derive(Args, Debug)]
pub struct ConvertArguments {
    /// The columns, separated by commas: AWS's fields, client, peer, direction, gateway, service,
    /// port. Without it, all fields of the records.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub fields: Vec<Column>,

    /// Which records count: `ends` takes those that name both ends of a connection through the
    /// gateway; `all` takes every record.
    #[arg(long, value_name = "LEGS", default_value = "all")]
    pub legs: Legs,

    /// How to write the rows. Without it, what the name given with -o ends with, or jsonl.
    #[arg(long, value_name = "FORMAT")]
    pub output: Option<ConvertFormat>,

    /// Taken as by the other commands: what is converted is never rounded.
    #[arg(long)]
    pub bytes: bool,

    /// What is read.
    #[command(flatten)]
    pub read: ReadArguments,
}

/// What `query` is asked for.
#[derive(Args, Debug)]
pub struct QueryArguments {
    /// The query; with -f, the first input.
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,

    /// Reads the query from a file.
    #[arg(short = 'f', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    /// Which records the query sees: `ends` takes those that name both ends of a connection
    /// through the gateway; `all` takes every record, as CloudWatch Logs does.
    #[arg(long, value_name = "LEGS", default_value = "all")]
    pub legs: Legs,

    /// How to write the rows.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: OutputFormat,

    /// Taken as by the other commands: a query's answer is never rounded.
    #[arg(long)]
    pub bytes: bool,

    /// What is read.
    #[command(flatten)]
    pub read: ReadArguments,
}

/// What `netflow` is asked for.
#[derive(Args, Debug)]
pub struct NetflowArguments {
    /// A collector. Can be given several times: each gets everything.
    #[arg(long, value_name = "HOST:PORT", required = true)]
    pub to: Vec<CollectorName>,

    /// The protocol. `v5` has IPv4 alone, and neither the action nor the direction.
    #[arg(long, value_name = "PROTOCOL", default_value = "ipfix")]
    pub protocol: ProtocolArgument,

    /// Which records are sent: `ends` sends those that name both ends of a connection through the
    /// gateway, with what the gateway translated; `all` sends every record. Without it, `ends`
    /// where --gateway names the gateway, and otherwise `all`, each record as it is.
    #[arg(long, value_name = "LEGS")]
    pub legs: Option<Legs>,

    /// The most records a second; otherwise as fast as they can be read, which few collectors
    /// keep up with.
    #[arg(long, value_name = "RECORDS")]
    pub rate: Option<NonZero<u32>>,

    /// The most bytes of a datagram, UDP's header and below aside. The 30 records that NetFlow v5
    /// allows take 1464.
    #[arg(long, value_name = "BYTES", default_value_t = 1400)]
    pub mtu: usize,

    /// The observation domain (`v9`: source ID; `v5`: engine type and ID). Whatever sends to a
    /// collector at the same time needs a domain of its own. Of `ipfix`, 0 is what speaks of the
    /// export itself.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub domain: u32,

    /// Your private enterprise number, under which `ipfix` has the traffic path (1) and the
    /// numbers of NODATA (2) and SKIPDATA records (3), too.
    #[arg(long, value_name = "NUMBER")]
    pub pen: Option<u32>,

    /// The file that holds the domain's next sequence number, so that runs go on where the one
    /// before ended. It is made if there is none.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub state: Option<PathBuf>,

    /// How to write the summary: `text` to standard error, `json` to standard output.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub output: SummaryFormat,

    /// How many threads to use; 0 uses what the machine has. With one, records are sent in their
    /// order.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,

    /// What is read.
    #[command(flatten)]
    pub read: ReadArguments,
}

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProtocolArgument {
    /// IPFIX.
    Ipfix,
    /// NetFlow v9.
    V9,
    /// NetFlow v5.
    V5,
}

impl From<ProtocolArgument> for Protocol {
    fn from(protocol: ProtocolArgument) -> Self {
        match protocol {
            ProtocolArgument::Ipfix => Self::Ipfix,
            ProtocolArgument::V9 => Self::V9,
            ProtocolArgument::V5 => Self::V5,
        }
    }
}

/// How `netflow` writes its summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SummaryFormat {
    /// Sentences on standard error.
    Text,
    /// A JSON object on standard output.
    Json,
}

/// What `exporter` is asked for.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["stream", "follow"]))]
pub struct ExporterArguments {
    /// The Kinesis stream to read, by its name or ARN. Its records are what CloudWatch Logs sends
    /// to subscriptions, or plain lines.
    #[arg(long, value_name = "NAME|ARN")]
    pub stream: Option<String>,

    /// Files to read as they grow. They may be renamed or truncated; they must be plain text.
    #[arg(long, value_name = "FILE", num_args = 1.., value_hint = ValueHint::FilePath)]
    pub follow: Vec<PathBuf>,

    /// Where `/metrics` and `/health` are. 0.0.0.0:8080 is reached from other machines, too; port
    /// 0 is any that is free.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Where to begin without a checkpoint.
    #[arg(long, value_name = "PLACE", default_value = "latest")]
    pub start: StartArgument,

    /// A file that keeps places and counters for the next start, or an item of a DynamoDB table
    /// whose key is the text `checkpoint`. Places and counters are in one write. Without a name,
    /// the item is called as the stream.
    #[arg(long, value_name = "FILE|dynamodb://TABLE[/NAME]")]
    pub checkpoint: Option<String>,

    /// How often the checkpoint is written, and so how old counters are at most.
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = span)]
    pub checkpoint_every: Duration,

    /// How many log events are remembered, so that one that comes again is not counted again. A
    /// million take 30 MB. Of these, a file keeps all over a restart, and an item of DynamoDB the
    /// newest 10,000.
    #[arg(long, value_name = "EVENTS", default_value_t = 100_000)]
    pub window: usize,

    /// A file of subnets, one a line, each with a label if it shall have another than its
    /// addresses. Otherwise EC2 is asked.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub subnets: Option<PathBuf>,

    /// The VPC whose subnets count; otherwise those of all. Can be given several times.
    #[arg(long, value_name = "vpc-…", value_delimiter = ',', conflicts_with = "subnets")]
    pub vpc: Vec<String>,

    /// How often subnets are looked up again.
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = span)]
    pub refresh: Duration,

    /// How many subnets have a label of their own. The traffic of further ones is under `other`.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub max_subnets: usize,

    /// Which ends of a record's traffic are counted: `both`, so that traffic between two subnets
    /// that are both logged is counted twice; or `logged`, the one that the field flow-direction
    /// says has logged it.
    #[arg(long, value_name = "ENDS", default_value = "both")]
    pub ends: EndsArgument,

    /// Writes every record of rejected traffic to standard output, as a JSON object a line. One
    /// can come again after a restart; none is lost.
    #[arg(long)]
    pub log_denied: bool,

    /// The format of the lines, as `CreateFlowLogs` takes it, or one of the names default,
    /// recorded, recorded-regional, earlier. Without it, the format is told by a header line or by
    /// the content.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<FormatArgument>,

    /// How often a shard or file that has nothing new is looked at. A shard answers five calls a
    /// second in all, also those of others.
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = span)]
    pub poll: Duration,

    /// Writes no notes to standard error.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Where `exporter` begins without a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StartArgument {
    /// After all that is there.
    Latest,
    /// At the oldest record, or the begin of the file.
    Oldest,
}

/// Which ends of a record's traffic `exporter` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EndsArgument {
    /// The source as sending and the destination as receiving.
    Both,
    /// The end that has logged it.
    Logged,
}

impl From<EndsArgument> for Ends {
    fn from(ends: EndsArgument) -> Self {
        match ends {
            EndsArgument::Both => Self::Both,
            EndsArgument::Logged => Self::Logged,
        }
    }
}

/// A span of time such as 10s, 500ms or 5m, longer than nothing.
fn span(text: &str) -> Result<Duration, String> {
    let span = text.parse::<SignedDuration>().ok();
    let span = span.and_then(|span| Duration::try_from(span).ok());
    let span = span.filter(|span| !span.is_zero());
    span.ok_or_else(|| "expected a span such as 10s, 500ms or 5m".to_owned())
}

/// What `report` is asked for.
#[derive(Args, Debug)]
pub struct ReportArguments {
    /// How to write the report. Without it, what the name given with -o ends with, or text.
    #[arg(long, value_name = "FORMAT")]
    pub output: Option<ReportFormat>,

    /// Writes a page for a browser, with a chart: the same as --output html.
    #[arg(long, conflicts_with = "output")]
    pub html: bool,

    /// The stack whose last recording's report is shown, as it was mailed, instead of one of
    /// records. --gateway nat-… picks those of a gateway.
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with_all = ["inputs", "condition", "since", "until", "format", "strict"]
    )]
    pub stack: Option<String>,

    /// The stack's state machine (its output `RecorderArn`); otherwise it is looked for.
    #[arg(long, value_name = "ARN", requires = "stack")]
    pub state_machine: Option<String>,

    /// What is read.
    #[command(flatten)]
    pub read: ReadArguments,
}

/// What `report` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Text of 80 columns.
    Text,
    /// What programs get from the recorder's topic.
    Json,
    /// A page that needs no network.
    Html,
}

/// What `cost` is asked for.
#[derive(Args, Debug)]
pub struct CostArguments {
    /// The stack whose gateways are counted, with what CloudWatch metered in the last 30 days.
    ///
    /// Permissions: cloudwatch:DescribeAlarms and cloudwatch:GetMetricData.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["gateways", "gb"])]
    pub stack: Option<String>,

    /// A gateway that is counted, with what CloudWatch metered in the last 30 days. Can be given
    /// several times.
    ///
    /// Permission: cloudwatch:GetMetricData.
    #[arg(
        long,
        value_name = "nat-…",
        value_delimiter = ',',
        conflicts_with_all = ["gateways", "gb", "stack"]
    )]
    pub gateway: Vec<String>,

    /// How many gateways are watched.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub gateways: u64,

    /// Gigabytes a month that all of them take in, from both sides.
    #[arg(long, value_name = "GB", default_value = "1000", value_parser = amount)]
    pub gb: f64,

    /// Connections that are active at any time on each gateway. Each takes four records a minute.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub connections: u64,

    /// Bytes of a record.
    #[arg(long, value_name = "BYTES", default_value_t = 150)]
    pub record_bytes: u64,

    /// Spikes a month that are recorded, of all gateways.
    #[arg(long, value_name = "N", default_value = "1", value_parser = amount)]
    pub spikes: f64,

    /// Minutes that a recording lasts.
    #[arg(long, value_name = "MINUTES", default_value = "15", value_parser = amount)]
    pub recording_minutes: f64,

    /// Connections that are active during a spike; as many as at any time, if they are not given.
    #[arg(long, value_name = "N")]
    pub spike_connections: Option<u64>,

    /// Gigabytes that a spike moves.
    #[arg(long, value_name = "GB", default_value = "10", value_parser = amount)]
    pub spike_gb: f64,

    /// Where the recorder's records go.
    #[arg(long, value_name = "PLACE", default_value = "infrequent-access")]
    pub destination: DestinationArgument,

    /// The price of another region, in dollars. Can be given several times.
    #[arg(long, value_name = "NAME=DOLLARS")]
    pub price: Vec<OwnPrice>,

    /// How to write the amounts.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: OutputFormat,

    /// Writes no notes to standard error.
    #[arg(long, short)]
    pub quiet: bool,

    /// When to use colours.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,

    /// Writes to a file, which appears when it is complete, instead of standard output.
    #[arg(short = 'o', value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub target: Option<PathBuf>,
}

/// A number that is not negative.
fn amount(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "expected a number that is not negative".to_owned())
}

/// Where a recorder's records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DestinationArgument {
    /// A log group of the class `INFREQUENT_ACCESS`.
    InfrequentAccess,
    /// A log group of the class `STANDARD`.
    Standard,
    /// A bucket.
    S3,
}

impl From<DestinationArgument> for Destination {
    fn from(destination: DestinationArgument) -> Self {
        match destination {
            DestinationArgument::InfrequentAccess => Self::InfrequentAccess,
            DestinationArgument::Standard => Self::Standard,
            DestinationArgument::S3 => Self::S3,
        }
    }
}

/// What `status` is asked for.
#[derive(Args, Debug)]
pub struct StatusArguments {
    /// The recorder's stack.
    #[arg(value_name = "STACK")]
    pub stack: String,

    /// The stack's table (its output `RecordingsTableName`); otherwise it is looked for.
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,

    /// The stack's state machine (its output `RecorderArn`); otherwise it is looked for.
    #[arg(long, value_name = "ARN")]
    pub state_machine: Option<String>,

    /// How to write the rows.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: OutputFormat,

    /// When to use colours.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,

    /// Writes to a file, which appears when it is complete, instead of standard output.
    #[arg(short = 'o', value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub target: Option<PathBuf>,
}

/// What `convert` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConvertFormat {
    /// One JSON object per line.
    Jsonl,
    /// One JSON array.
    Json,
    /// Comma-separated values with a line of names.
    Csv,
    /// A Parquet file, compressed with zstd.
    Parquet,
}

impl From<ConvertFormat> for OutputFormat {
    fn from(format: ConvertFormat) -> Self {
        match format {
            ConvertFormat::Jsonl => Self::Jsonl,
            ConvertFormat::Json => Self::Json,
            ConvertFormat::Csv => Self::Csv,
            ConvertFormat::Parquet => Self::Parquet,
        }
    }
}

/// What to add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Metric {
    /// Bytes, headers included.
    Bytes,
    /// Packets.
    Packets,
    /// Records: one for each flow, leg and interval.
    Flows,
}

impl Metric {
    /// The field that is added up; none for flows, which are counted.
    #[must_use]
    pub const fn field(self) -> Option<Field> {
        match self {
            Self::Bytes => Some(Field::Bytes),
            Self::Packets => Some(Field::Packets),
            Self::Flows => None,
        }
    }

    /// The metric's name in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Packets => "packets",
            Self::Flows => "flows",
        }
    }
}

/// What became of the traffic that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ActionArgument {
    /// What was let through.
    Accept,
    /// What was kept out.
    Reject,
    /// Both.
    All,
}

impl ActionArgument {
    /// The one action that counts; none for all.
    #[must_use]
    pub const fn action(self) -> Option<Action> {
        match self {
            Self::Accept => Some(Action::Accept),
            Self::Reject => Some(Action::Reject),
            Self::All => None,
        }
    }
}

/// What to add up by: one column or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By(pub Vec<Column>);

impl FromStr for By {
    type Err = NoColumnName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "pair" => Ok(Self(vec![Column::Client, Column::Peer])),
            name => name.parse().map(|column| Self(vec![column])),
        }
    }
}

/// A format, or the name of a documented one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatArgument(pub Format);

impl FromStr for FormatArgument {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "default" => Ok(Self(Format::aws_default())),
            "recorded" => Ok(Self(flowlog::RecordedFormat::Zonal.format())),
            "recorded-regional" => Ok(Self(flowlog::RecordedFormat::Regional.format())),
            "earlier" => Ok(Self(Format::earlier_recorder())),
            text => Format::parse(text).map(Self),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn formats_have_names() {
        let named = |name: &str| name.parse::<FormatArgument>().unwrap().0;
        assert_eq!(named("default"), Format::aws_default());
        assert_eq!(named("earlier").fields().len(), 14);
        assert_eq!(named("${bytes} ${action}").fields().len(), 2);
        assert!("bytes".parse::<FormatArgument>().is_err());
    }
}
