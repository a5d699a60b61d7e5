//! Which files are generated, and from what.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use flowlog::RecordedFormat;
use flowlog::queries::{Query, athena};

use crate::state_machine::StateMachine;
use crate::{diagram, fields_page, regions};

/// The state machine's definition.
pub(crate) const STATE_MACHINE: &str = "statemachine/recorder.asl.yaml";
const ARCHITECTURE: &str = "docs/architecture.md";
const TEMPLATE: &str = "template.yaml";

const STATE_MACHINE_REGION: &str = "state machine";
const LOG_FORMAT_REGION: &str = "RecordedLogFormat";
const COLUMNS_REGION: &str = "RecordedFlowsTable";

/// The command that repairs an outdated file.
const REPAIR: &str = "cargo run -p xtask -- generate";

/// Something about a generated file that is not as it should be.
pub(crate) enum Finding {
    /// The file, or a region of it, differs from what is generated.
    Outdated {
        /// The file, relative to the project's root.
        path: String,
        /// What it should hold.
        expected: String,
    },
    /// What the file should hold cannot be told.
    Problem {
        /// The file, relative to the project's root.
        path: String,
        /// Why, as a sentence without the file's name.
        problem: String,
    },
}

impl Finding {
    /// The finding in words, with what repairs it.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Outdated { path, .. } => {
                format!("{path} differs from what is generated: run `{REPAIR}`")
            }
            Self::Problem { path, problem } => format!("{path}: {problem}"),
        }
    }
}

/// Compares every generated file and region with what is generated now.
pub(crate) fn findings(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let mut findings = vec![];
    for (path, expected) in files() {
        findings.extend(compare(root, path, Ok(expected))?);
    }
    findings.extend(region_finding(root, TEMPLATE, template)?);
    findings.extend(region_finding(root, ARCHITECTURE, |text| architecture(root, text))?);
    Ok(findings)
}

/// The files that are generated as a whole.
fn files() -> Vec<(String, String)> {
    let queries = Query::ALL.into_iter();
    let mut files: Vec<_> = queries
        .map(|query| (format!("queries/{}.query", query.name()), query.saved_text()))
        .collect();
    files.extend(
        Query::ALL
            .map(|query| (format!("queries/athena/{}.sql", query.name()), query.athena_text())),
    );
    files.push(("docs/fields.md".to_owned(), fields_page::page()));
    files
}

fn region_finding(
    root: &Path,
    path: &str,
    expected: impl FnOnce(&str) -> Result<String, String>,
) -> anyhow::Result<Option<Finding>> {
    let expected = match read(root, path)? {
        Some(text) => expected(&text),
        None => Err("the file is missing".to_owned()),
    };
    compare(root, path.to_owned(), expected)
}

fn compare(
    root: &Path,
    path: String,
    expected: Result<String, String>,
) -> anyhow::Result<Option<Finding>> {
    let found = read(root, &path)?;
    Ok(match expected {
        Err(problem) => Some(Finding::Problem { path, problem }),
        Ok(expected) if found.as_deref() == Some(&expected) => None,
        Ok(expected) => Some(Finding::Outdated { path, expected }),
    })
}

/// The template with its saved queries, its table's columns and its log format.
fn template(text: &str) -> Result<String, String> {
    let regions = template_regions();
    let required: Vec<_> = regions.iter().map(|(name, _)| name.as_str()).collect();
    regions::replace(text, &required, |name| {
        regions.iter().find(|(region, _)| region == name).map(|(_, body)| body.clone())
    })
}

/// The names and bodies of the template's regions.
fn template_regions() -> Vec<(String, String)> {
    let log_format = format!("Value: \"{}\"\n", RecordedFormat::Zonal.format());
    let mut regions =
        vec![(LOG_FORMAT_REGION.to_owned(), log_format), (COLUMNS_REGION.to_owned(), columns())];
    for query in Query::ALL {
        let insights = saved_query(query, &query.saved_text());
        let athena = saved_query(query, &query.athena_text());
        regions.push((region(query, "Query"), insights));
        regions.push((region(query, "AthenaQuery"), athena));
    }
    regions
}

/// The name of the region with a query's text: `DecodeQuery`.
fn region(query: Query, suffix: &str) -> String {
    let words = query.name().split('-').map(|word| {
        let (head, tail) = word.split_at_checked(1).unwrap_or_default();
        head.to_uppercase() + tail
    });
    words.collect::<String>() + suffix
}

/// Properties of an `AWS::Logs::QueryDefinition` or an `AWS::Athena::NamedQuery`.
fn saved_query(query: Query, text: &str) -> String {
    let name = format!("Name: !Sub ${{AWS::StackName}}/{}\nQueryString: |\n", query.title());
    text.lines().fold(name, |body, line| body + "  " + line + "\n")
}

/// The columns of an `AWS::Glue::Table`. `end` and the like are words of SQL, and no more here.
fn columns() -> String {
    athena::columns().fold("Columns:\n".to_owned(), |body, (name, kind)| {
        body + &format!("  - {{Name: {name}, Type: {kind}}}\n")
    })
}

/// The page with its diagram.
fn architecture(root: &Path, text: &str) -> Result<String, String> {
    let definition = read(root, STATE_MACHINE).map_err(|error| format!("{error:#}"))?;
    let definition = definition.ok_or_else(|| format!("{STATE_MACHINE} is missing"))?;
    let machine =
        StateMachine::parse(&definition).map_err(|error| format!("{STATE_MACHINE}: {error:#}"))?;
    let drawing = diagram::mermaid(&machine);
    regions::replace(text, &[STATE_MACHINE_REGION], |name| {
        (name == STATE_MACHINE_REGION).then(|| format!("```mermaid\n{drawing}```\n"))
    })
}

/// The text of a file of the project; nothing when there is no such file.
pub(crate) fn read(root: &Path, path: &str) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(root.join(path)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {path}")),
    }
}

/// Writes a file of the project, with the folders that lead to it.
pub(crate) fn write(root: &Path, path: &str, text: &str) -> anyhow::Result<()> {
    let file = root.join(path);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("creating the folder of {path}"))?;
    }
    fs::write(file, text).with_context(|| format!("writing {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_gets_its_queries_its_columns_and_its_log_format() {
        let empty = template_regions().iter().fold(String::new(), |text, (name, _)| {
            let region = format!("# generated: {name} (x)\n    # end of generated: {name}");
            text + &format!("  {name}:\n    {region}\n")
        });
        let filled = template(&empty).unwrap();
        let name = "    Name: !Sub ${AWS::StackName}/Decoded records\n    QueryString: |\n";
        assert!(filled.contains(&format!("{name}      # Which traffic")));
        assert!(filled.contains(&format!("{name}      -- Which traffic")));
        assert!(filled.contains("    Columns:\n      - {Name: action, Type: string}\n"));
        assert!(filled.contains("    Value: \"${action} ${flow-direction}"));
        assert_eq!(template(&filled).as_ref(), Ok(&filled));
        let missing = template("a: 1\n").unwrap_err();
        assert_eq!(missing, "there is no region RecordedLogFormat");
    }

    #[test]
    fn query_regions_are_named_after_their_query() {
        assert_eq!(region(Query::TrafficOverTime, "Query"), "TrafficOverTimeQuery");
        assert_eq!(region(Query::AwsServices, "AthenaQuery"), "AwsServicesAthenaQuery");
    }
}
