"""The market data gateway: its commands and messages, and the newest value of each stream."""
