"""Configs: what cannot be is refused in one sentence; no key stands in one, and none goes to another host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.language.config import load_config
from agents.language.policy import LanguagePolicy
from agents.policies.specs import PolicyError, label_of, made_from, policy_from
from tests.stand_in import config_of

HERE = "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"modle": "x"}, "modle is not a key of a language config; did you mean model?"),
        ({"budget": {"request": 3}}, "budget.request is not a key of a language config; did you mean requests"),
        ({"budget": {}}, "budget.requests is missing"),
        ({"budget": {"requests": -1}}, "budget.requests is -1, but input should be greater than or equal to 0"),
        ({"budget": {"requests": 1, "money": 1}}, "budget.money is given without prices"),
        ({"endpoint": "ftp://host/v1"}, "endpoint is 'ftp://host/v1'; an address such as"),
        ({"endpoint": "https://me:secret@host/v1"}, "without a user, a key, a"),
        ({"endpoint": "https://host/v1?key=secret"}, "without a user, a key, a"),
        ({"endpoint": "https://ho_st/v1"}, "an address such as"),
        ({"endpoint": "https://[::1]/v1"}, "an address such as"),
        ({"endpoint": f"https://{'a' * 64}.com/v1"}, "an address such as"),
        ({"endpoint": "https://host:x/v1"}, "endpoint is no address"),
        ({"exchanges": "/tmp/x"}, "exchanges is '/tmp/x'; a folder below"),
        ({"exchanges": "a/../../x"}, "a folder below that of the file"),
        ({"key": "sk-secret"}, "key is not a key of a language config"),
        ({"fallback": "nobody"}, "There is no strategy 'nobody'"),
        ({"asks": 0}, "asks is 0"),
        ({"temperature": "hot"}, "temperature is 'hot'"),
        ({"format": "xml"}, "format is 'xml'"),
    ],
)
def test_a_config_that_cannot_be_is_refused_in_a_sentence(settings: dict[str, Any], why: str, tmp_path: Path) -> None:
    path = config_of(HERE, tmp_path, **settings)
    with pytest.raises(PolicyError) as caught:
        policy_from(f"llm:{path}")
    assert why in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere.yaml", "x" * 300 + ".yaml", "."])
def test_a_file_that_is_none_is_a_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="is no file; a language policy is llm:CONFIG"):
        load_config(tmp_path / name)


def test_loading_makes_nothing_and_runs_nothing(tmp_path: Path) -> None:
    path = config_of(HERE, tmp_path)
    policy_from(f"llm:{path}")
    assert [each.name for each in tmp_path.iterdir()] == ["duel.yaml"]
    path.write_text(f"model: !!python/object/apply:os.mkdir ['{tmp_path / 'sprung'}']\n", encoding="utf-8")
    with pytest.raises(PolicyError, match="without tags"):
        policy_from(f"llm:{path}")
    assert not (tmp_path / "sprung").exists()


def test_the_variable_of_a_key_follows_from_the_host_alone(tmp_path: Path) -> None:
    hosts = [
        "api.example.com",
        "api-example.com",
        "api.example-com",
        "apiexample.com",
        "a--b.c",
        "a.b.c",
        "API.EXAMPLE.COM",
    ]
    names = [load_config(config_of(f"https://{host}:8443/v1", tmp_path)).key_variable for host in hosts]
    assert names[0] == names[-1] == "SD_ENV_KEY_API_EXAMPLE_COM" and len(set(names)) == len(hosts) - 1


def test_specifications_of_language_policies(tmp_path: Path) -> None:
    path = config_of(HERE, tmp_path)
    policy = policy_from(f"llm:{path}:offline=true")
    assert isinstance(policy, LanguagePolicy) and policy.house.offline and policy.name == "llm:duel"
    assert label_of(f"llm:{path}") == "llm:duel" and label_of(f"llm:{path}:offline=true") == "llm:duel:offline=true"
    assert made_from(f"llm:{path}") == path
    for spec, why in (
        (f"llm:{path}:offline=1", "offline is 1, but must be true or false"),
        (f"llm:{path}:fear=1", "has no parameter 'fear'; it has offline"),
        ("llm:nowhere.yaml", "is no file; a language policy is llm:CONFIG.yaml"),
        ("llm:nowhere", "'nowhere' is no parameter"),
    ):
        with pytest.raises(PolicyError, match=why):
            policy_from(spec)


def test_where_and_for_how_much_is_asked_is_no_part_of_what_is_played(tmp_path: Path) -> None:
    one = LanguagePolicy(config_of(HERE, tmp_path)).identity
    assert LanguagePolicy(config_of("http://127.0.0.1:8/v1", tmp_path, budget={"requests": 9})).identity == one
    assert LanguagePolicy(config_of(HERE, tmp_path, model="another")).identity != one
