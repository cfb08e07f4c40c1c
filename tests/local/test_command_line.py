"""The command line of `make run`, and the errors that it reports before it starts anything."""

from pathlib import Path

import pytest

from counter_service.local import __main__ as local

pytestmark = pytest.mark.usefixtures("_restored_process")


def test_config_options_get_the_namespace_of_the_project() -> None:
    values = ["throttleRate=7", 'allowedOrigins=["https://a.test?b=c"]', "aws:region=us-west-2"]
    arguments = [argument for value in values for argument in ("--config", value)]
    assert local._parser().parse_args(arguments).config == [
        ("counter-service:throttleRate", "7"),
        ("counter-service:allowedOrigins", '["https://a.test?b=c"]'),
        ("aws:region", "us-west-2"),
    ]
    assert local._parser().parse_args([]).config == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--config", "throttleRate"], "'throttleRate' is not KEY=VALUE: try throttleRate=10"),
        (["--config", "=7"], "'=7' is not KEY=VALUE: try throttleRate=10"),
        (["--config", ""], "'' is not KEY=VALUE: try throttleRate=10"),
    ],
)
def test_command_rejects_a_malformed_option(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        local.main(arguments)
    assert error in capsys.readouterr().err


@pytest.mark.parametrize("port", ["http", "65536", "-1", ""])
def test_command_reports_a_malformed_port_in_one_sentence(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert local.main([f"--port={port}"]) == 1
    assert capsys.readouterr().err == (
        f"error: PORT={port} is not a port. Use a number from 0 to 65535.\n"
    )


def test_command_reports_a_stack_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert local.main(["--stack", "nowhere"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: There is no stack 'nowhere'. Use one of dev")


def test_command_reports_a_page_that_is_not_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert local.main(["--site", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"error: The page is not built: {tmp_path} has no index.html. Run make build.\n"
    )


def test_command_names_a_configuration_file_that_is_not_utf_8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: counter-service", encoding="utf-8")
    (tmp_path / "Pulumi.dev.yaml").write_bytes(b"config: {key: \xe9}")
    monkeypatch.setattr(local, "ROOT", tmp_path)
    assert local.main([]) == 1
    assert capsys.readouterr().err == (
        "error: Pulumi.dev.yaml, line 1: The file has bytes that are not text. Save it as UTF-8.\n"
    )
