"""Secrets stay out of everything that people read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import HmacCredentials, JwtCredentials
from qfex.protocol.wire.redact import MAX_TEXT, redact, redact_text

MEMBERS = ["hmac", "jwt", "public_key", "secret_key", "signature", "nonce", "token", "api_key"]
SECRET = "qfex_secret_123"


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize(
    "form",
    [
        lambda value: json.dumps(value),
        lambda value: json.dumps(value, separators=(",", ":")),
        lambda value: json.dumps(json.dumps(value)),  # escaped inside a string
        lambda value: json.dumps(value)[:-1],  # cut short
        lambda value: json.dumps(value)[
            : json.dumps(value).index(SECRET) + len(SECRET)
        ],  # cut inside the value
        lambda value: json.dumps(value).replace(f'"{SECRET}"', SECRET),  # not quoted
    ],
)
def test_secret_members_are_blanked_in_text(member: str, form: Any) -> None:
    text = redact_text(form({"type": "auth", member: SECRET, "symbol": "AAPL-USD"}))
    assert SECRET not in text
    assert "auth" in text


@pytest.mark.parametrize("member", MEMBERS)
def test_secret_members_are_blanked_in_parsed_json(member: str) -> None:
    value = {
        "params": [{member: SECRET}, {"deep": {member: {"inner": SECRET}}}],
        "symbol": "AAPL-USD",
        "n": 1,
    }
    redacted = redact(value)
    assert SECRET not in repr(redacted)
    assert redacted == {"params": [{member: "***"}, {"deep": {member: "***"}}], "symbol": "AAPL-USD", "n": 1}
    assert redact(f'{{"{member}": "{SECRET}"}}') == f'{{"{member}": "***"}}'


@pytest.mark.parametrize(
    "secret", ["qfex_pub_0aZ-_9", "qfex_secret_1", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln-_YXR1cmU"]
)
@pytest.mark.parametrize("text", ["unknown key {}", "{}", "key={}; try another", "<{}>", "no '{}'."])
def test_text_that_looks_like_a_secret_is_blanked(secret: str, text: str) -> None:
    assert redact_text(text.format(secret)) == text.format("***")


@pytest.mark.parametrize("text", ["eye.of.newt", "hey.there.you", "see docs.qfex.com", "qfex_pub"])
def test_text_that_does_not_look_like_a_secret_is_left_alone(text: str) -> None:
    assert redact_text(text) == text


def test_members_that_are_not_secret_are_left_alone() -> None:
    text = '{"type":"add_order","params":{"symbol":"AAPL-USD","client_order_id":"a\\"b"}}'
    assert redact_text(text) == text
    assert redact({"symbol": "AAPL-USD", "price": 1.5, "none": None}) == {
        "symbol": "AAPL-USD", "price": 1.5, "none": None,
    }  # fmt: skip


def test_long_texts_are_cut() -> None:
    assert len(redact_text("x" * 100_000)) == MAX_TEXT


@given(st.sampled_from(MEMBERS), st.text(st.characters(codec="ascii", exclude_characters='"\\'), max_size=30))
def test_any_text_around_a_secret(member: str, around: str) -> None:
    text = f'{around}{{"{member}":"{SECRET}"}}{around}'
    assert SECRET not in redact_text(text)


def test_credentials_do_not_show_themselves() -> None:
    for shown in (repr(HmacCredentials("qfex_pub_1", SECRET)), str(JwtCredentials(SECRET))):
        assert SECRET not in shown and "qfex_pub_1" not in shown
