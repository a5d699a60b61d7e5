//! What `GenerateNgwAlarms` makes of a template.

// Clippy takes a helper for a test's only below `cfg(test)`.
#[cfg(test)]
mod dashboard;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod requests;
