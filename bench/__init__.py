"""Measures: prints tables and writes JSON.  Ratios of one run travel, absolute times do not."""
