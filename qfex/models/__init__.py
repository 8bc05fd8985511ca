"""Frozen, slotted value classes: what the exchange says, in the field's terms.

Prices and quantities are `decimal.Decimal` with exactly the digits that were on the wire; times are
timezone-aware UTC `datetime.datetime`.
"""
