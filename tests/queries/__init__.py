"""The saved queries that only another engine than ours can run."""
