"""The simulator on a terminal: its books, orders and accounts, as they change."""
