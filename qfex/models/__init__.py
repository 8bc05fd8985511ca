"""Frozen, slotted classes for the data that the exchange sends.

Prices and quantities are `decimal.Decimal` with exactly the digits that were on the wire. Times are timezone-aware UTC
`datetime.datetime`.
"""
