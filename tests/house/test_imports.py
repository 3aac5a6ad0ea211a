"""Who may import whom (pyproject.toml, [tool.importlinter])."""
from importlinter.cli import lint_imports


def test_rooms_import_only_what_lies_below(capsys):
    assert lint_imports() == 0, capsys.readouterr().out
