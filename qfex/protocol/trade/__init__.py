"""The trade gateway: its commands and messages, and the state of an account that follows from them."""
