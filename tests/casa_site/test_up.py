"""`./casa up`: what its options take."""

import pytest

from casa_site.up import parser


@pytest.mark.parametrize(
    "words",
    [
        ("--han-port", "0"),
        ("--han-port", "65536"),
        ("--gwa-port", "-1"),
        ("--history-days", "-1"),
        ("--history-days", "99999999"),
        ("--history-days", "x"),
        ("--history-days", "\uff17"),
    ],
)
def test_impossible_numbers_end_with_a_sentence(
    words: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        parser().parse_args(words)
    assert end.value.code == 2
    assert f"'{words[1]}' is no number of " in capsys.readouterr().err
