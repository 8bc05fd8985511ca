"""Rebalancing: bring positions to their targets, once a period, whatever happens in between."""
