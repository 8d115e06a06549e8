"""The environment's proxies, where connections are kept and it is asked once."""

import pytest

from bridge.proxies import proxy_to

PROXY = "http://proxy.invalid:3128"


def test_a_proxy_is_by_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", PROXY)
    assert proxy_to("https://api.coze.com/v3/chat") == PROXY
    assert proxy_to("http://api.coze.com") is None


def test_one_may_be_for_every_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    assert proxy_to("https://api.coze.com") == proxy_to("http://api.coze.com") == PROXY


def test_some_hosts_are_reached_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", PROXY)
    monkeypatch.setenv("no_proxy", "inside.invalid")
    assert proxy_to("https://api.coze.com") == PROXY
    assert proxy_to("https://inside.invalid") is None
