"""Secrets come from the environment by name, and stand in no text that mpsim makes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import UsageError
from simulator.scenario.secret import FromEnvironment
from simulator.verify.readers.secrets import Secrets

TOKEN = FromEnvironment("TOKEN", "Bearer ")


def test_a_value_is_what_its_variable_holds_behind_what_stands_in_front() -> None:
    assert Secrets({"TOKEN": "abc"}).value(TOKEN) == "Bearer abc"
    assert Secrets({}).value("plain") == "plain"


@pytest.mark.parametrize("environment", [{}, {"TOKEN": ""}])
def test_a_variable_that_is_not_set_is_a_mistake_of_the_user(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="the environment variable TOKEN is not set, and the target"):
        Secrets(environment).value(TOKEN)


def test_a_hidden_text_has_the_variable_s_name_in_its_place() -> None:
    secrets = Secrets({"TOKEN": "a/b+c d"})
    secrets.value(TOKEN)

    assert secrets.hidden("/x?t=a%2Fb%2Bc%20d&u=a/b%2Bc+d a/b+c d YS9iK2MgZA==") == (
        "/x?t={env: TOKEN}&u=a/b%2Bc+d {env: TOKEN} {env: TOKEN}"
    )
    assert "a/b" not in repr(secrets)


@settings(deadline=None)
@given(st.text(min_size=4, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_no_text_holds_a_secret_after_it_was_hidden(secret: str, before: str, after: str) -> None:
    secrets = Secrets({"TOKEN": secret})
    secrets.value(TOKEN)

    hidden = secrets.hidden(f"{before}{secret}{after}")

    assert secret not in hidden.replace("{env: TOKEN}", "\0") or secret in "{env: TOKEN}"
