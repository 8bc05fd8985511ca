"""The trade client's methods, a module for each subject. `qfex.client.TradeClient` puts them together."""
