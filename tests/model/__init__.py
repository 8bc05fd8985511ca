"""A model-based test: random histories of several clients, after which each client must agree with the venue's ledger."""
