//! Reading a log group of the class `INFREQUENT_ACCESS` by queries, the only way that it has.
//!
//! An answer has 10,000 rows at most, so that the time is cut into windows. A full answer is the
//! beginning of its window: what precedes its last second is complete, and the next window begins
//! there. Each window is made as long as the last answer's density suggests, so that hardly any
//! record is scanned, and billed, twice. A second with more events than that is asked for in
//! parts, told apart by what values of its records end with.

use std::{ops::Range, time::Duration};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use recording::ports::{Clock, LogsQueries, LogsQuery, QueryResults, QueryStatus};

use crate::ReadError;

/// The most rows that an answer can have.
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/logs/cloudwatch_limits_cwl.html>
const MOST_ROWS: u32 = 10_000;

/// How much of an answer a window is planned for, so that a denser one still fits.
const PLANNED_PERCENT: i64 = 70;

/// The first window, before anything is known of the density.
const FIRST_SECONDS: i64 = 600;

/// How much longer than the last one a window may be: its density is a guess.
const MOST_GROWTH: i64 = 8;

/// How often a call or a query that fails for the moment is tried.
const ATTEMPTS: u32 = 8;

/// The places of the values in a record, counted from 0, by whose last digit a second is parted
/// further and further: in every documented format they hold addresses and numbers.
const PARTING_PLACES: Range<usize> = 3..16;

/// The last digits that part records from others, which together tell all digits apart.
const PARTING_DIGITS: [&str; 3] = ["13579", "2367", "4567"];

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The events of a log group, by queries.
#[derive(Debug)]
pub struct Queried<Q, C> {
    queries: Q,
    clock: C,
    log_group: String,
    /// Unix seconds that are yet to be read.
    rest: Range<i64>,
    /// How long the next window is.
    seconds: i64,
    /// The most rows of an answer.
    most_rows: u32,
}

/// What a window's query answered.
struct Answer {
    events: Vec<Event>,
    is_full: bool,
}

impl Answer {
    /// The second up to which a full answer is complete; none if it is not full.
    fn complete_until(&self, end: i64) -> Option<i64> {
        let last = self.events.last().filter(|_| self.is_full)?;
        Some(last.time.div_euclid(1000).min(end))
    }
}

struct Event {
    /// Unix milliseconds.
    time: i64,
    message: String,
}

impl<Q: LogsQueries, C: Clock> Queried<Q, C> {
    /// The events of these Unix seconds.
    pub(super) fn new(queries: Q, clock: C, log_group: &str, rest: Range<i64>) -> Self {
        let log_group = log_group.to_owned();
        Self { queries, clock, log_group, rest, seconds: FIRST_SECONDS, most_rows: MOST_ROWS }
    }

    /// The messages of the next window; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<String>>, ReadError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = self.rest.start;
        let end = self.rest.end.min(start + self.seconds);
        let answer = self.answer(start, end, "").await?;
        let (complete_until, events) = match answer.complete_until(end) {
            Some(second) if second <= start => (start + 1, self.dense_second(start).await?),
            Some(second) => (second, answer.events),
            None => (end, answer.events),
        };
        let rows = i64::try_from(events.len()).unwrap_or(i64::MAX);
        self.seconds = next_seconds(rows, complete_until - start, self.most_rows.into());
        self.rest.start = complete_until;
        // The end of a query is inclusive: what belongs to the next window comes again there.
        let times = start * 1000..complete_until * 1000;
        let events = events.into_iter().filter(|event| times.contains(&event.time));
        Ok(Some(events.map(|event| event.message).collect()))
    }

    /// The events of a second that has more than an answer, in no order.
    async fn dense_second(&self, second: i64) -> Result<Vec<Event>, ReadError> {
        let mut events = vec![];
        let mut parts = halves(&[]);
        while let Some(part) = parts.pop() {
            let answer = self.answer(second, second + 1, &filters(&part)).await?;
            if answer.complete_until(second + 1).is_none_or(|complete| complete > second) {
                events.extend(answer.events);
            } else if part.len() < PARTING_PLACES.len() * PARTING_DIGITS.len() {
                parts.extend(halves(&part));
            } else {
                return Err(self.too_dense(second));
            }
        }
        Ok(events)
    }

    async fn answer(&self, start: i64, end: i64, filters: &str) -> Result<Answer, ReadError> {
        let query = LogsQuery {
            log_group: self.log_group.clone(),
            from: timestamp(start)?,
            to: timestamp(end)?,
            text: format!(
                "fields @timestamp, @message {filters}| sort @timestamp asc | limit {}",
                self.most_rows
            ),
            limit: self.most_rows,
        };
        let mut lacking = String::new();
        for attempt in 0..ATTEMPTS {
            let results = self.finished(&query).await?;
            let is_full = results.rows.len() >= self.most_rows as usize;
            match results.status {
                QueryStatus::Complete if is_full || has_all_rows(&results) => {
                    return Ok(Answer { events: events(results)?, is_full });
                }
                QueryStatus::Complete => {
                    let (rows, matched) = (results.rows.len(), results.statistics.records_matched);
                    lacking = format!("a query answered {rows} of {matched} events");
                }
                status => lacking = format!("a query ended as {status:?}"),
            }
            self.clock.sleep(pause(attempt)).await;
        }
        Err(ReadError::NoAnswer { operation: "logs:GetQueryResults", reason: lacking })
    }

    /// Runs a query until it ends.
    async fn finished(&self, query: &LogsQuery) -> Result<QueryResults, ReadError> {
        let mut failures = 0;
        let id = loop {
            match self.queries.start(query).await {
                Ok(id) => break id,
                Err(error) => self.bear(error, &mut failures).await?,
            }
        };
        let (mut failures, mut polls) = (0, 0);
        loop {
            self.clock.sleep(pause(polls)).await;
            polls += 1;
            match self.queries.results(&id).await {
                Ok(results) if results.status == QueryStatus::Running => failures = 0,
                Ok(results) => return Ok(results),
                Err(error) => self.bear(error, &mut failures).await?,
            }
        }
    }

    fn too_dense(&self, second: i64) -> ReadError {
        let time = timestamp(second).map_or(second.to_string(), |time| time.to_string());
        ReadError::Unusable(format!(
            "the second {time} has more than {} events that are too much alike to ask for a part \
             of them, and CloudWatch Logs answers no more for a log group of the class \
             INFREQUENT_ACCESS",
            self.most_rows
        ))
    }

    /// Waits after a failure that may be over then; too many queries at once, in this account, is
    /// one, and others' queries take seconds to end.
    async fn bear(&self, error: recording::Error, failures: &mut u32) -> Result<(), ReadError> {
        *failures += 1;
        if !matches!(error, recording::Error::Transient { .. }) || *failures >= ATTEMPTS {
            return Err(error.into());
        }
        self.clock.sleep(pause(*failures + 2)).await;
        Ok(())
    }
}

/// Whether the rows are as many as matched: a complete answer that lacks some is none.
fn has_all_rows(results: &QueryResults) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "at most 10,000 rows")]
    let rows = results.rows.len() as f64;
    results.statistics.records_matched <= rows
}

fn events(results: QueryResults) -> Result<Vec<Event>, ReadError> {
    let events = results.rows.into_iter().map(|mut row| {
        let time = row.remove("@timestamp").unwrap_or_default();
        let time = milliseconds(&time).ok_or_else(|| {
            ReadError::Unusable(format!("expected a time in @timestamp, found `{time}`"))
        })?;
        Ok(Event { time, message: row.remove("@message").unwrap_or_default() })
    });
    events.collect()
}

/// Logs Insights writes `2026-01-02 03:04:05.678`, in UTC.
fn milliseconds(time: &str) -> Option<i64> {
    let time: DateTime = time.parse().ok()?;
    Some(TimeZone::UTC.to_timestamp(time).ok()?.as_millisecond())
}

fn timestamp(second: i64) -> Result<Timestamp, ReadError> {
    Timestamp::from_second(second)
        .map_err(|_| ReadError::Unusable(format!("{second} is no time in Unix seconds")))
}

/// How long a window of the same density is that fits into an answer.
fn next_seconds(rows: i64, seconds: i64, most_rows: i64) -> i64 {
    let planned_rows = most_rows * PLANNED_PERCENT / 100;
    let fitting = seconds.saturating_mul(planned_rows) / rows.max(1);
    fitting.clamp(1, seconds.saturating_mul(MOST_GROWTH))
}

/// 0.1, 0.2, 0.4 … 5 seconds.
fn pause(attempt: u32) -> Duration {
    LONGEST_PAUSE.min(FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempt)))
}

/// Both parts of a part: the records whose next value ends with one of the digits, and the others.
fn halves(part: &[bool]) -> Vec<Vec<bool>> {
    [true, false].map(|ends_so| [part, &[ends_so]].concat()).to_vec()
}

fn filters(part: &[bool]) -> String {
    let places = PARTING_DIGITS.iter().flat_map(|digits| PARTING_PLACES.map(move |p| (digits, p)));
    let filter = |((digits, place), ends_so): ((&&str, usize), &bool)| {
        let not = if *ends_so { "" } else { "not " };
        format!("| filter @message {not}like /^(\\S+ ){{{place}}}\\S*[{digits}]( |$)/ ")
    };
    places.zip(part).map(filter).collect()
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::BTreeMap};

    use recording::ports::QueryStatistics;

    use super::*;

    /// So many rows make a full answer here.
    const FEW_ROWS: u32 = 100;

    /// A log group that answers as Logs Insights does, and remembers what it was asked.
    #[derive(Default)]
    struct FakeInsights {
        /// Milliseconds and messages, in the order of time.
        events: Vec<(i64, String)>,
        filters: RefCell<String>,
        /// What goes wrong next, the last one first.
        troubles: RefCell<Vec<Trouble>>,
        asked: RefCell<Vec<Range<i64>>>,
        rows: RefCell<usize>,
    }

    #[derive(Clone, Copy, PartialEq)]
    enum Trouble {
        TooManyQueries,
        Running,
        Cancelled,
        LacksRows,
    }

    impl FakeInsights {
        fn with(times: impl Iterator<Item = i64>) -> Self {
            let events = times.enumerate().map(|(number, time)| (time, number.to_string()));
            Self { events: events.collect(), ..Self::default() }
        }

        fn trouble(&self, among: &[Trouble]) -> Option<Trouble> {
            let mut troubles = self.troubles.borrow_mut();
            troubles.last().filter(|next| among.contains(next)).copied().inspect(|_| {
                troubles.pop();
            })
        }
    }

    impl LogsQueries for &FakeInsights {
        async fn start(&self, query: &LogsQuery) -> Result<String, recording::Error> {
            if self.trouble(&[Trouble::TooManyQueries]).is_some() {
                let message = "LimitExceededException".to_owned();
                return Err(recording::Error::Transient { operation: "logs:StartQuery", message });
            }
            assert_eq!(query.log_group, "flow");
            query.text.clone_into(&mut self.filters.borrow_mut());
            self.asked.borrow_mut().push(query.from.as_second()..query.to.as_second());
            Ok("query".to_owned())
        }

        async fn results(&self, _: &str) -> Result<QueryResults, recording::Error> {
            let trouble = self.trouble(&[Trouble::Running, Trouble::Cancelled, Trouble::LacksRows]);
            let window = self.asked.borrow().last().unwrap().clone();
            let times = window.start * 1000..=window.end * 1000;
            let filters = self.filters.borrow();
            let matching = self.events.iter().filter(|(time, _)| times.contains(time));
            let matching: Vec<_> =
                matching.filter(|(_, message)| is_passed(&filters, message)).collect();
            let most = if trouble == Some(Trouble::LacksRows) { 1 } else { FEW_ROWS as usize };
            let row = |(time, message): &&(i64, String)| {
                let time = Timestamp::from_millisecond(*time).unwrap();
                let time = time.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string();
                let row = [("@timestamp", time), ("@message", message.clone())];
                BTreeMap::from(row.map(|(name, value)| (name.to_owned(), value)))
            };
            let rows: Vec<_> = matching.iter().take(most).map(row).collect();
            *self.rows.borrow_mut() += rows.len();
            let matched = u32::try_from(matching.len()).unwrap().into();
            let statistics = QueryStatistics { records_matched: matched, ..Default::default() };
            let status = match trouble {
                Some(Trouble::Running) => QueryStatus::Running,
                Some(Trouble::Cancelled) => QueryStatus::Cancelled,
                _ => QueryStatus::Complete,
            };
            Ok(QueryResults { status, rows, statistics })
        }

        async fn stop(&self, _: &str) -> Result<(), recording::Error> {
            Ok(())
        }
    }

    /// Whether a record passes a query's filters: `like /^(\S+ ){3}\S*[13579]( |$)/`.
    fn is_passed(query: &str, message: &str) -> bool {
        query.split("| filter ").skip(1).all(|filter| {
            let parts: Vec<_> = filter.split(['{', '}', '[', ']']).collect();
            let value = message.split(' ').nth(parts[1].parse().unwrap()).unwrap_or_default();
            let last = value.chars().last().unwrap_or_default();
            parts[3].contains(last) != filter.contains("not like")
        })
    }

    struct NoTime;

    impl Clock for NoTime {
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        async fn sleep(&self, _: Duration) {}
    }

    async fn read(insights: &FakeInsights, rest: Range<i64>) -> Result<Vec<String>, ReadError> {
        let queried = Queried::new(insights, NoTime, "flow", rest);
        let mut queried = Queried { most_rows: FEW_ROWS, ..queried };
        let mut messages = vec![];
        while let Some(more) = queried.next().await? {
            messages.extend(more);
        }
        Ok(messages)
    }

    fn numbers(numbers: Range<usize>) -> Vec<String> {
        numbers.map(|number| number.to_string()).collect()
    }

    /// A quiet time, and then ten events a second.
    #[tokio::test]
    async fn every_event_is_read_once_in_the_order_of_time() {
        let insights = FakeInsights::with((0..5000).map(|number| 500_000_000 + number * 100));
        assert_eq!(read(&insights, 0..600_000).await.unwrap(), numbers(0..5000));
        let asked = insights.asked.borrow();
        assert!(asked.windows(2).all(|two| two[1].start <= two[0].end), "{asked:?}");
        // Not many rows come twice, and no answer is thrown away.
        assert!(asked.len() < 100, "{}", asked.len());
        assert!(*insights.rows.borrow() < 6500, "{}", insights.rows.borrow());
    }

    #[tokio::test]
    async fn the_first_second_counts_and_the_last_does_not() {
        let insights = FakeInsights::with([999, 1000, 1999, 2000, 2999, 3000].into_iter());
        assert_eq!(read(&insights, 1..3).await.unwrap(), numbers(1..5));
        assert_eq!(read(&insights, 3..3).await.unwrap(), numbers(0..0));
    }

    #[tokio::test]
    async fn a_second_may_have_more_events_than_an_answer() {
        let mut insights = FakeInsights::with((0..1000).map(|number| 5000 + number / 800));
        for (number, (_, message)) in insights.events.iter_mut().enumerate() {
            *message = format!("ACCEPT ingress - 10.0.0.1 {number} 10.0.0.2 443 {}", number / 10);
        }
        let mut expected: Vec<_> = insights.events.iter().map(|event| event.1.clone()).collect();
        let mut messages = read(&insights, 0..100).await.unwrap();
        messages.sort();
        expected.sort();
        assert!(messages == expected, "{}", messages.len());
    }

    #[tokio::test]
    async fn more_events_than_an_answer_that_are_all_alike_are_refused() {
        let most = i64::from(FEW_ROWS);
        let insights = FakeInsights::with((0..most - 1).map(|_| 5000).chain([6000, 7000]));
        assert_eq!(read(&insights, 0..100).await.unwrap().len(), FEW_ROWS as usize + 1);
        let insights = FakeInsights::with((0..=most).map(|_| 5000).chain([6000]));
        let error = read(&insights, 0..100).await.unwrap_err().to_string();
        assert!(error.starts_with("the second 1970-01-01T00:00:05Z has more than"), "{error}");
    }

    #[tokio::test]
    async fn what_fails_for_the_moment_is_tried_again() {
        use Trouble::{Cancelled, LacksRows, Running, TooManyQueries};
        let insights = FakeInsights::with((0..20).map(|number| number * 1000));
        let troubles = [LacksRows, Running, Cancelled, Running, Running, TooManyQueries];
        *insights.troubles.borrow_mut() = troubles.to_vec();
        assert_eq!(read(&insights, 0..100).await.unwrap(), numbers(0..20));
        assert_eq!(insights.asked.borrow().len(), 3);
    }

    #[tokio::test]
    async fn an_answer_that_lacks_events_is_none() {
        let insights = FakeInsights::with([1000, 2000].into_iter());
        *insights.troubles.borrow_mut() = vec![Trouble::LacksRows; 100];
        let error = read(&insights, 0..100).await.unwrap_err().to_string();
        assert!(error.ends_with("a query answered 1 of 2 events"), "{error}");
    }

    #[tokio::test]
    async fn too_many_queries_for_too_long_is_said() {
        let insights = FakeInsights::with([1000].into_iter());
        *insights.troubles.borrow_mut() = vec![Trouble::TooManyQueries; 100];
        let error = read(&insights, 0..100).await.unwrap_err().to_string();
        assert_eq!(error, "logs:StartQuery: LimitExceededException");
    }
}
