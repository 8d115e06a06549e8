"""Fakes and the contract suite every adapter must pass; production never imports it."""
