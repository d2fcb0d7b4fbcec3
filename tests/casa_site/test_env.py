"""Settings from the environment and from casa.env; wrong values say what is wrong."""

from pathlib import Path

import pytest

from casa_site import broker, databases, env
from casa_site.env import SettingInvalid


def test_a_flag_takes_the_usual_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for word, expected in {"1": True, "ON": True, "no": False, "": True}.items():
        monkeypatch.setenv("CASA_X", word)
        assert env.flag("CASA_X", default=True) is expected
    monkeypatch.setenv("CASA_X", "perhaps")
    with pytest.raises(SettingInvalid, match="CASA_X must be 1 or 0, not 'perhaps'"):
        env.flag("CASA_X", default=True)


def test_a_number_keeps_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASA_X", "7")
    assert env.integer("CASA_X", 1, minimum=3, maximum=10) == 7
    for value, sentence in {
        "2": "at least 3",
        "11": "at most 10",
        "five": "must be a number",
        "\uff17": "must be a number",
        "1_0": "must be a number",
    }.items():
        monkeypatch.setenv("CASA_X", value)
        with pytest.raises(SettingInvalid, match=sentence):
            env.integer("CASA_X", 1, minimum=3, maximum=10)


def test_a_secret_may_stand_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    monkeypatch.setenv("CASA_X_FILE", str(tmp_path / "secret"))
    assert env.secret("CASA_X") == "s3cret"
    monkeypatch.setenv("CASA_X", "other")
    with pytest.raises(SettingInvalid, match="not both"):
        env.secret("CASA_X")
    monkeypatch.delenv("CASA_X")
    monkeypatch.setenv("CASA_X_FILE", str(tmp_path / "nothing"))
    with pytest.raises(SettingInvalid, match="cannot be read"):
        env.secret("CASA_X")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "casa.env"
    path.write_text('# ours\n\nCASA_A=file\nCASA_B = "quoted"\n')
    environ = {"CASA_A": "environment"}
    env.load_file(path, environ)
    assert environ == {"CASA_A": "environment", "CASA_B": "quoted"}
    env.load_file(tmp_path / "nothing", environ)


@pytest.mark.parametrize("line", ["CASA_A", "PATH=/bin"])
def test_the_file_takes_only_our_settings(tmp_path: Path, line: str) -> None:
    path = tmp_path / "casa.env"
    path.write_text(f"\n{line}\n")
    with pytest.raises(SettingInvalid, match="line 2: expected CASA_NAME=value"):
        env.load_file(path, {})


@pytest.mark.parametrize("content", [b"CASA_A=\xff", b"CASA_A=a\0b"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "casa.env"
    path.write_bytes(content)
    with pytest.raises(SettingInvalid, match=r"casa\.env"):
        env.load_file(path, {})


def test_a_postgresql_url_becomes_a_database() -> None:
    url = "postgres://casa:p%40ss@db.example:5433/meter?sslmode=require"
    entry = databases.database(url, state=Path("/s"), key="", encrypted=True)
    assert entry["ENGINE"] == "django.db.backends.postgresql"
    assert (entry["USER"], entry["PASSWORD"]) == ("casa", "p@ss")
    assert (entry["HOST"], entry["PORT"], entry["NAME"]) == (
        "db.example",
        5433,
        "meter",
    )
    assert entry["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize(
    "url", ["mysql://h/d", "postgres://h:port/d", "postgres://host/"]
)
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(SettingInvalid, match="CASA_DATABASE_URL"):
        databases.database(url, state=Path("/s"), key="", encrypted=True)


def test_the_broker_follows_the_url(tmp_path: Path) -> None:
    assert broker.broker("", state=tmp_path)[0] == broker.FILE_BROKER_URL
    assert broker.broker("amqp://h//", state=tmp_path)[1] == {"confirm_publish": True}
    options = broker.broker("redis://h/0", state=tmp_path)[1]
    assert options["visibility_timeout"] == 60
    with pytest.raises(SettingInvalid, match="CASA_BROKER_URL"):
        broker.broker("sqs://x", state=tmp_path)
