"""The published description of the REST interface (OpenAPI 0.1.0), in the notation of `shapes`.

The last schemas are unpublished; they follow captures and clients that use paths which the description omits.
"""

from __future__ import annotations

SCHEMAS = {
    "AccountEquityPoint": "value number, window_start time",
    "AccountEquityResponseBody": (
        "count integer, data [AccountEquityPoint]?, duration string, end time, interval_minutes integer, "
        "start? time"
    ),
    "BalancePublic": (
        "available_balance number, deposit number, net_funding number, order_margin number, position_margin "
        "number, realised_pnl number, unrealised_pnl number"
    ),
    "Candle": (
        "baseTokenVolume string, close string, high string, low string, open string, orderbookMidPriceClose "
        "string, orderbookMidPriceOpen string, resolution string, startedAt string, startingOpenInterest "
        "string, ticker string, trades integer, usdVolume string"
    ),
    "CandlesResponseBody": "candles [Candle]?",
    "CreateSubaccountResponseBody": "account_id uuid",
    "ErrorDetail": "location? string, message? string, value? any",
    "ErrorModel": (
        "detail? string, errors? [ErrorDetail]?, instance? string, status? integer, title? string, type? "
        "string"
    ),
    "FeeEntry": "maker_fee integer, taker_fee integer",
    "FeesResponseBody": "fees {FeeEntry}",
    "FundingHistoricResponseBody": "count integer, data [FundingPoint]?",
    "FundingPoint": "intervalMinutes integer, rate number?, symbol string, windowStart string",
    "HistoricOrder": (
        "avg_price number?, client_order_id string, execution_state string, filled_qty number, "
        "first_fill_ts time?, last_fill_ts time?, order_id string, passive_qty number, price number, "
        "quantity number, side string, status_ts time, symbol string, terminal_status string, time_in_force "
        "string, type string"
    ),
    "HistoricOrdersResponseBody": "count integer, data [HistoricOrder]?",
    "HistoricTwap": (
        "average_fill_price number, client_twap_id string?, created_at time?, filled_num_orders integer, "
        "filled_quantity number, order_interval_secs integer, reduce_only boolean, side string, status "
        "string, symbol string, total_num_orders integer, total_quantity number, twap_id string, updated_at "
        "time?"
    ),
    "HistoricTwapsResponseBody": "count integer, data [HistoricTwap]?",
    "HistoricUserPnlPoint": "value number, window_start time",
    "HistoricUserPnlResponseBody": (
        "count integer, data [HistoricUserPnlPoint]?, duration string, end time, interval_minutes integer, "
        "start? time, symbols? [string]?, unit string"
    ),
    "HourlyPnlResponseBody": "count integer, data [PnlHour]?",
    "ListSubaccountsResponseBody": "account_ids [string]?",
    "OpenInterestHistoricResponseBody": "count integer, data [OpenInterestPoint]?",
    "OpenInterestPoint": ("intervalMinutes integer, openInterest number?, symbol string, windowStart string"),
    "PnlHour": (
        "cost number, fees number, hour time, net_funding number, quantity number, realised_pnl number, "
        "symbol string, unrealised_pnl number"
    ),
    "PositionPublic": (
        "average_price number, initial_margin number, leverage number, maintenance_margin number, "
        "net_funding number, open_orders integer, open_quantity number, position number, realised_pnl "
        "number, symbol string, unrealised_pnl number"
    ),
    "PositionsBalanceResponseBody": "balance BalancePublic, positions [PositionPublic]?",
    "RefdataResponse": "data [RefdataSymbol]?, type string",
    "RefdataSymbol": (
        "base_asset string, clobPairId string, default_max_leverage integer, lot_size string, margin_asset "
        "string, market_hours {any}, max_price string, max_quantity string, min_price string, min_quantity "
        "string, order_time_in_force [string]?, order_types [string]?, price_change_24h string, "
        "product_category string, quote_asset string, status string, symbol string, tick_size string, "
        "underlier_price string"
    ),
    "ReferralReward": "amount number, reward_date time",
    "ReferralRewardsResponseBody": (
        "count integer, data [ReferralReward]?, duration string, end time, interval string, start? time, "
        "total_amount number"
    ),
    "SetUserLeverageResponseBody": "leverage number",
    "SettlementCalendarEntry": (
        "active_until time, expiration time, future_symbol string, qfex_symbol string"
    ),
    "SettlementPrice": (
        "asof string, future_settlement_price number, future_symbol string, inserted_at time, "
        "spot_settlement_price number, spot_to_future_ratio number, symbol string"
    ),
    "SettlementPricesResponseBody": "count integer, data [SettlementPrice]?",
    "SymbolLongShortHistoricResponseBody": "count integer, data [SymbolLongShortPoint]?",
    "SymbolLongShortPoint": (
        "interval string, longUsers integer, shortUsers integer, symbol string, windowStart string"
    ),
    "SymbolMetrics": (
        "current_mark_price number, funding_rate_bps number, mark_price_change_24h_pct number, "
        "open_interest number, symbol string, volume_24h_usd_notional number"
    ),
    "SymbolMetricsResponseBody": "count integer, data [SymbolMetrics]?",
    "TakerVolumeHistoricResponseBody": "count integer, data [TakerVolumePoint]?",
    "TakerVolumePoint": (
        "intervalMinutes integer, netTakerQty number, symbol string, takerBuyNotional number, takerBuyQty "
        "number, takerSellNotional number, takerSellQty number, windowStart string"
    ),
    "Trade": (
        "fee number, id string, margin_used number, order_id string, order_timestamp number, order_type "
        "string, price number, quantity number, realised_pnl_change number, side string, symbol string, tif "
        "string"
    ),
    "TradesResponseBody": "count integer, data [Trade]?",
    "UnderlierHistoricResponseBody": "count integer, data [UnderlierPoint]?",
    "UnderlierPoint": (
        "closePrice number, highPrice number, interval string, lowPrice number, openPrice number, symbol "
        "string, windowStart string"
    ),
    "UserVolumePoint": "date time, maker_volume number, taker_volume number, volume number",
    "UserVolumeResponseBody": (
        "count integer, data [UserVolumePoint]?, end time, interval string, range string, start? time, "
        "symbols? [string]?, total_maker_volume number, total_taker_volume number, total_volume number"
    ),
    "ContractsResponseBody": "data [Contract]",
    "Contract": (
        "ticker_id string, base_currency string, target_currency string, last_price string, base_volume "
        "string, target_volume string, product_type Perpetual|Spot, open_interest string, open_interest_usd "
        "string, long_open_interest string, long_open_interest_usd string, short_open_interest string, "
        "short_open_interest_usd string, index_price string, index_currency string, funding_rate string, "
        "funding_interval_minutes integer, next_funding_rate string, next_funding_rate_timestamp integer"
    ),
    "OrderBookResponseBody": "ticker_id string, timestamp integer, bids [[string]], asks [[string]]",
    "DefiLlamaMetricsResponseBody": "data [DefiLlamaPoint]?",
    "DefiLlamaPoint": "windowStart time, dailyVolumeUSD number, openInterestAtEndUSD number",
    "SubaccountBalancesResponseBody": "accounts [SubaccountBalance]",
    "SubaccountBalance": "account_id uuid, available_balance number, is_master boolean",
}

# The operations and the schemas of their replies; "" is a reply that is not a JSON object.
PUBLISHED = {
    "GET /candles/{symbol}": "CandlesResponseBody",
    "GET /funding/{symbol}": "FundingHistoricResponseBody",
    "GET /historic-orders-csv": "",
    "GET /historic-twaps-csv": "",
    "GET /open-interest/{symbol}": "OpenInterestHistoricResponseBody",
    "GET /pnl": "HourlyPnlResponseBody",
    "GET /refdata": "RefdataResponse",
    "GET /settlement-calendar": "SettlementCalendarEntry",
    "GET /settlement-prices": "SettlementPricesResponseBody",
    "GET /symbol-long-short/{symbol}": "SymbolLongShortHistoricResponseBody",
    "GET /taker-volume/{symbol}": "TakerVolumeHistoricResponseBody",
    "GET /trades-csv": "",
    "GET /underlier/{symbol}": "UnderlierHistoricResponseBody",
    "GET /user/account-equity": "AccountEquityResponseBody",
    "GET /user/fees": "FeesResponseBody",
    "GET /user/historic-orders": "HistoricOrdersResponseBody",
    "GET /user/historic-pnl": "HistoricUserPnlResponseBody",
    "GET /user/historic-twaps": "HistoricTwapsResponseBody",
    "POST /user/leverage": "SetUserLeverageResponseBody",
    "GET /user/positions": "PositionsBalanceResponseBody",
    "GET /user/referral-rewards": "ReferralRewardsResponseBody",
    "GET /user/subaccounts": "ListSubaccountsResponseBody",
    "POST /user/subaccounts": "CreateSubaccountResponseBody",
    "GET /user/trade": "TradesResponseBody",
    "POST /user/transfer": "",
    "GET /user/volume": "UserVolumeResponseBody",
}

UNPUBLISHED = {
    "GET /symbols/metrics": "SymbolMetricsResponseBody",
    "GET /md/contracts": "ContractsResponseBody",
    "GET /md/orderbook/{symbol}": "OrderBookResponseBody",
    "GET /defillama/metrics": "DefiLlamaMetricsResponseBody",
    "GET /user/subaccounts/balance": "SubaccountBalancesResponseBody",
}

# Known differences of the simulator from the description, by dialect, with the reason.
EXCEPTIONS = {
    "live": {"Candle.trades: missing": "captured candles have no such member"},
    "documented": {},
}
