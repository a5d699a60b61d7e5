//! aws-adapters
