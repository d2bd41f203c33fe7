"""Metrics for Prometheus: requests, outcomes, indexes and re-index jobs."""
