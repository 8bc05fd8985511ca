"""Messages of the trade gateway, word for word, as its documentation and its clients show them."""

from __future__ import annotations

ORDER_ID = "5b309929-206f-40ec-804d-cbe46e81afc1"
USER_ID = "0020ce8e-eaee-480e-8d7f-b9241d756ee5"
TWAP_ID = "0c7c8e4d-f67e-4aa5-9c64-36a1a622ac35"

# --- orders ------------------------------------------------------------------------------------------------------

#: A resting order, with everything that an order can have.
ACK = (
    '{"order_response":{"order_id":"5b309929-206f-40ec-804d-cbe46e81afc1","symbol":"AAPL-USD","status":"ACK",'
    '"quantity":1.0,"price":200.0,"take_profit":0.0,"stop_loss":0.0,"side":"BUY","type":"LIMIT",'
    '"time_in_force":"GTC","user_id":"0020ce8e-eaee-480e-8d7f-b9241d756ee5","client_order_id":"my-client-oid",'
    '"quantity_remaining":1.0,"update_time":1758208770.5512846,"trade_id":null}}'
)
#: What cancel-on-disconnect sends: neither attached stops nor a time.
CANCELLED = (
    '{"order_response":{"order_id":"5b309929-206f-40ec-804d-cbe46e81afc1","symbol":"AAPL-USD","status":"CANCELLED",'
    '"quantity":1.0,"price":200.0,"side":"BUY","type":"LIMIT","time_in_force":"GTC",'
    '"user_id":"0020ce8e-eaee-480e-8d7f-b9241d756ee5","client_order_id":"my-client-oid","quantity_remaining":1.0,'
    '"trade_id":null}}'
)
#: A fill, with the id of its trade, and the flag as a number.
FILLED = (
    '{"order_response":{"order_id":"5b309929-206f-40ec-804d-cbe46e81afc1","symbol":"AAPL-USD","status":"FILLED",'
    '"quantity":1.5,"price":200.0,"take_profit":250.25,"stop_loss":150.5,"side":"SELL","type":"LIMIT",'
    '"time_in_force":"IOC","user_id":"0020ce8e-eaee-480e-8d7f-b9241d756ee5","client_order_id":"my-client-oid",'
    '"quantity_remaining":0.0,"update_time":1758208770,"trade_id":"91","reduce_only":1}}'
)
#: A cancelled stop: nothing left of its size, and no client order id.
STOP_CANCELLED = (
    '{"order_response":{"order_id":"5b309929-206f-40ec-804d-cbe46e81afc1","symbol":"AAPL-USD","status":"CANCELLED",'
    '"quantity":0.0,"price":200.0,"take_profit":null,"stop_loss":null,"side":"BUY","type":"TAKE_PROFIT",'
    '"time_in_force":"GTC","user_id":"0020ce8e-eaee-480e-8d7f-b9241d756ee5","client_order_id":"",'
    '"quantity_remaining":0.0}}'
)
NO_SUCH_ORDER = '{"order_response":{"order_id":"gone","status":"NO_SUCH_ORDER","client_order_id":null}}'

STOP = (
    '{"stop_order_response":{"stop_order_id":"5b309929-206f-40ec-804d-cbe46e81afc1",'
    '"user_id":"0020ce8e-eaee-480e-8d7f-b9241d756ee5","symbol":"AAPL-USD","price":190.0,"quantity":2,'
    '"direction":"SELL","stop_order_type":"STOP_LOSS","client_order_id":"my-stop",'
    '"update_time":"2025-10-30T09:15:00.250Z"}}'
)
FILL = (
    '{"fill_response":{"trade_id":"REDACTED","user_id":"REDACTED","symbol":"US100-USD","price":25242.0,'
    '"quantity":0.004,"side":"SELL","aggressor_side":"SELL","order_id":"0aeae7d0-4a6e-4672-ad69-82b8811d4e0b",'
    '"fee":0.00045,"order_type":"MARKET","tif":"IOC","order_price":25547.0,"client_order_id":"REDACTED",'
    '"remaining_quantity":0.0,"take_profit":0.0,"stop_loss":0.0,"execution_type":"NEW",'
    '"timestamp":1769439642.8484282,"realised_pnl":0.0}}'
)
TWAP = (
    '{"twap_response":{"twap_id":"0c7c8e4d-f67e-4aa5-9c64-36a1a622ac35","client_twap_id":"rebalance-aapl-001",'
    '"user_id":"0020ce8e-eaee-480e-8d7f-b9241d756ee5","status":"ENGINE_STATUS","symbol":"AAPL-USD",'
    '"total_quantity":10,"filled_quantity":0,"average_fill_price":0,"total_num_orders":5,"order_interval_secs":30,'
    '"reduce_only":false,"side":"BUY","updated_at":1760545414.123,"created_at":null}}'
)

# --- lists -------------------------------------------------------------------------------------------------------

ALL_ORDERS = (
    '{"all_orders_response":{"orders":[{"order_id":"2f05173c-992a-426b-bcaf-6b341644bb62","symbol":"GOOG-USD",'
    '"status":"ACK","quantity":2.708,"price":251.25,"take_profit":0.0,"stop_loss":0.0,"side":"SELL","type":"LIMIT",'
    '"time_in_force":"GTC","user_id":"0020ce8e-eaee-480e-8d7f-b9241d756ee5",'
    '"client_order_id":"7a257796-a9c1-49bd-a80b-bcccdc81c103","quantity_remaining":2.708,'
    '"update_time":1758208770.5512846,"trade_id":null}],"twaps":[{"twap_id":"0c7c8e4d-f67e-4aa5-9c64-36a1a622ac35",'
    '"client_twap_id":null,"user_id":"0020ce8e-eaee-480e-8d7f-b9241d756ee5","status":"ENGINE_STATUS",'
    '"symbol":"GOOG-USD","total_quantity":5,"filled_quantity":1,"average_fill_price":251.25,"total_num_orders":5,'
    '"order_interval_secs":30,"reduce_only":false,"side":"SELL","updated_at":1758208770.5512846,'
    '"created_at":1758208700.5512846}]}}'
)
#: The older form, where stops have a list of their own, here once in each of their shapes.
WITH_STOP_LIST = (
    '{"all_orders_response":{"orders":[],"stop_orders":[{"stop_order_id":"s1","symbol":"AAPL-USD","price":190.0,'
    '"quantity":2.0,"direction":"SELL","stop_order_type":"STOP_LOSS","client_order_id":"a"},'
    '{"order_id":"s2","symbol":"AAPL-USD","status":"ACK","type":"TAKE_PROFIT","side":"SELL","price":210.0,'
    '"quantity":1.0,"quantity_remaining":1.0}]}}'
)
EMPTY_ORDERS = '{"all_orders_response":{"orders":[],"stop_orders":[]}}'
NULL_ORDERS = '{"all_orders_response":{"orders":null,"twaps":null}}'
#: The oldest form.
USER_ORDERS = '{"user_orders":[{"order_id":"a","symbol":"AAPL-USD","status":"ACK","quantity":1.0}],"count":1}'

USER_TRADES = (
    '{"user_trades":[{"trade_id":"t1","symbol":"AAPL-USD","price":200.1,"quantity":1.0,"aggressor_side":"BUY",'
    '"order_id":"o1","fee":0.002,"order_type":"LIMIT","tif":"GTC","client_order_id":"c1","timestamp":1760545414}],'
    '"count":1}'
)
USER_TRADES_RESPONSE = (
    '{"user_trades_response":[{"trade_id":"t1","symbol":"AAPL-USD","price":200.1,"quantity":1.0,"side":"SELL",'
    '"order_id":"o1","fee":-0.01,"order_type":"MARKET","tif":"IOC","execution_type":"NEW"}]}'
)
LEVERAGE = (
    '{"user_leverage_response":[{"id":"1d3ec2ad-ba4d-4a2a-a5c8-9b1d0ad5c2a1","symbol":"META-USD",'
    '"initial_margin":0.05,"maintenance_margin":0.0333,"max_notional":100000.0,"leverage":"20"}]}'
)
#: Older frames call the notional cap `max_position`; a level is a number here.
AVAILABLE_LEVERAGE = (
    '{"available_leverage_levels_response":[{"symbol":"META-USD","initial_margin":0.1,"maintenance_margin":0.0667,'
    '"max_position":250000.0,"leverage":10}]}'
)

# --- account -----------------------------------------------------------------------------------------------------

POSITION = (
    '{"position_response":{"id":"AAPL-USD","symbol":"AAPL-USD","user_id":"0020ce8e-eaee-480e-8d7f-b9241d756ee5",'
    '"position":-2.5,"margin_alloc":25.0,"realised_pnl":1.25,"unrealised_pnl":-0.75,"net_funding":0.001,'
    '"open_orders":0.0,"open_quantity":0.0,"leverage":20.0,"initial_margin":0.05,'
    '"maintenance_margin":0.03333333333333333,"average_price":200.1,"margin":12.5,"margin_mode":"CROSS"}}'
)
BALANCE = (
    '{"balance_response":{"id":"2cb208e3-6e54-48c4-82e9-641e64bf185d",'
    '"user_id":"0f5208e3-6e54-48c4-82e9-641e64bf185d","deposit":1000.0,"realised_pnl":10.5,"order_margin":20.0,'
    '"position_margin":30.0,"unrealised_pnl":-5.25,"net_funding":-0.5,"available_balance":954.75,"fees":1.5}}'
)
BALANCE_ENVELOPE = (
    '{"type":"subscribed","connection_id":"ee987ddf-822c-4356-b0d1-012314859b00","message_id":1,'
    '"id":"3ab267fd-7c83-49c6-b42e-65bb94682b41","channel":"v4_balances","contents":[{'
    '"id":"2cb208e3-6e54-48c4-82e9-641e64bf185d","user_id":"0f5208e3-6e54-48c4-82e9-641e64bf185d","deposit":1000,'
    '"realised_pnl":0,"order_margin":0,"position_margin":0,"unrealised_pnl":0,"net_funding":0,'
    '"available_balance":1000}]}'
)
POSITION_ENVELOPE = (
    '{"type":"subscribed","connection_id":"ee987ddf-822c-4356-b0d1-012314859b00","message_id":1,'
    '"id":"3ab267fd-7c83-49c6-b42e-65bb94682b41","channel":"v4_positions","contents":[{"id":"PLTR-USD",'
    '"symbol":"PLTR-USD","user_id":"0f5208e3-6e54-48c4-82e9-641e64bf185d","position":3,"margin_alloc":0,'
    '"timestamp":"2025-05-09T03:47:20.505934+00:00"},{"symbol":"AAPL-USD","position":0}]}'
)
POSITION_UPDATE = '{"type":"position_update","contents":[{"symbol":"PLTR-USD","position":1}]}'
BALANCE_UPDATE = '{"type":"balance_update","contents":[{"deposit":7}]}'

# --- errors ------------------------------------------------------------------------------------------------------

ERR = (
    '{"err":{"error_code":"InvalidParameter","message":"quantity is out of range","incoming_message":{'
    '"type":"add_order","params":{"symbol":"AAPL-USD","quantity":10.0,"take_profit":null,"stop_loss":null,'
    '"client_order_id":"my-client-oid"}}}}'
)
ERR_WITH_TEXT = (
    '{"err":{"error_code":"InvalidJSONFormat","message":null,'
    '"incoming_message":"{\\"type\\":\\"get_order\\",\\"params\\":{\\"order_id\\":1}}"}}'
)
ERR_WITH_RAW_TEXT = (
    '{"err":{"error_code":"InvalidJSONFormat","message":"bad json","incoming_message":"{not json"}}'
)
ERR_BARE = '{"err":{"error_code":"RateLimited","message":"retry after 250ms","incoming_message":null}}'
ERR_FLAT = (
    '{"type":"error","error_code":"PermissionDenied","message":"no",'
    '"incoming_message":{"type":"cancel_all_orders"}}'
)
ERR_FLAT_UPPER = '{"type":"Err","error_code":"ServerError"}'
ERR_BY_CODE_ALONE = '{"error_code":"KycRequired","message":"identity"}'
ERR_SNAKE_CASE = '{"err":{"error_code":"invalid_parameter","message":"num_orders"}}'
