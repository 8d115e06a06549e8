"""Async helpers that know nothing about chat."""
