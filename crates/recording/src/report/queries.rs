//! Runs queries and waits for their answers, but not for ever.

use std::time::Duration;

use crate::{
    Error,
    ports::{Clock, LogsQueries, LogsQuery, QueryResults, QueryStatus},
};

/// What became of a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// The rows, and what was looked at for them.
    pub(super) results: QueryResults,
    /// Why the rows are not all of them, a clause without a subject; nothing: they are.
    pub(super) incomplete: Option<String>,
}

/// An account runs few queries at once, and others want some of them.
const MOST_AT_ONCE: usize = 3;

/// An account may ask for results 5 times a second.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// A query on its way.
enum Task {
    Waiting { refusal: Option<Error> },
    Running { id: String, so_far: QueryResults },
    Done(Answer),
}

/// Runs queries until all are answered or the time is over, by the clock's reckoning. The
/// answers are in the order of the queries.
pub(super) async fn run(
    logs: &impl LogsQueries,
    clock: &impl Clock,
    until: Duration,
    queries: &[LogsQuery],
) -> Vec<Answer> {
    let mut tasks: Vec<Task> = queries.iter().map(|_| Task::Waiting { refusal: None }).collect();
    let mut pause = FIRST_PAUSE;
    loop {
        let before = open(&tasks);
        start(logs, queries, &mut tasks).await;
        for task in &mut tasks {
            poll(logs, task).await;
        }
        if open(&tasks) == 0 {
            break;
        }
        let left = until.saturating_sub(clock.elapsed());
        if left.is_zero() {
            break;
        }
        if open(&tasks) < before {
            // There is room for another one.
            pause = FIRST_PAUSE;
            continue;
        }
        clock.sleep(pause.min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(give_up(logs, task, until).await);
    }
    answers
}

fn open(tasks: &[Task]) -> usize {
    tasks.iter().filter(|task| !matches!(task, Task::Done(_))).count()
}

/// Starts what waits, as long as there is room. The first refusal for the moment ends it.
async fn start(logs: &impl LogsQueries, queries: &[LogsQuery], tasks: &mut [Task]) {
    let running =
        |tasks: &[Task]| tasks.iter().filter(|task| matches!(task, Task::Running { .. })).count();
    let mut room = MOST_AT_ONCE.saturating_sub(running(tasks));
    for (task, query) in tasks.iter_mut().zip(queries) {
        if room == 0 {
            return;
        }
        if !matches!(task, Task::Waiting { .. }) {
            continue;
        }
        match logs.start(query).await {
            Ok(id) => {
                *task = Task::Running { id, so_far: QueryResults::default() };
                room -= 1;
            }
            Err(error @ Error::Transient { .. }) => {
                *task = Task::Waiting { refusal: Some(error) };
                return;
            }
            Err(error) => *task = failed(error.to_string()),
        }
    }
}

fn failed(why: String) -> Task {
    Task::Done(Answer { incomplete: Some(why), ..Answer::default() })
}

async fn poll(logs: &impl LogsQueries, task: &mut Task) {
    let Task::Running { id, so_far } = task else { return };
    match logs.results(id).await {
        Ok(results) => match results.status {
            QueryStatus::Running => *so_far = results,
            QueryStatus::Complete => {
                *task = Task::Done(Answer { results, incomplete: None });
            }
            QueryStatus::Failed => *task = failed("Logs Insights says that it failed".to_owned()),
            QueryStatus::Cancelled => *task = partial(results, "somebody stopped it"),
            QueryStatus::Timeout => {
                *task = partial(results, "Logs Insights stopped it for its time");
            }
        },
        // It may well go on; the next time will tell.
        Err(Error::Transient { .. }) => {}
        Err(error) => *task = failed(error.to_string()),
    }
}

fn partial(results: QueryResults, why: &str) -> Task {
    Task::Done(Answer { results, incomplete: Some(why.to_owned()) })
}

/// The answer of a task whose time is over, as far as it got.
async fn give_up(logs: &impl LogsQueries, task: Task, until: Duration) -> Answer {
    let seconds = until.as_secs();
    match task {
        Task::Done(answer) => answer,
        Task::Waiting { refusal } => {
            let why = refusal.map_or_else(
                || format!("others took all of the {seconds} s that there are"),
                |error| format!("it could not be started in {seconds} s: {error}"),
            );
            Answer { incomplete: Some(why), ..Answer::default() }
        }
        Task::Running { id, so_far } => {
            // It costs nothing more once it has ended, and it ends by itself in the worst case.
            let _ = logs.stop(&id).await;
            let why = format!("it had not ended after {seconds} s");
            Answer { results: so_far, incomplete: Some(why) }
        }
    }
}
