"""Tables on standard output."""

from runtime.cli.table import Heading, show_table

HEADINGS = [Heading("n", right=True), Heading("values", fold=True), Heading("reason")]


def test_a_table_for_a_pipe_has_one_line_for_each_row(capsys):
    long = "x=1 " * 500
    show_table(HEADINGS, [["7", long, "end"], ["12", "\u4f60=1\x1b", ""]])
    empty, head, rule, first, second, last = capsys.readouterr().out.split("\n")[:-1]
    assert empty == last == ""
    assert head.split() == ["n", "values", "reason"]
    assert set(rule) == {" ", "\u2500"}
    assert first == f"   7   {long}   end"
    assert second == "  12   \u4f60=1\\x1b"
    assert head.index("reason") == first.index("end")


def test_a_table_without_rows_has_its_headings(capsys):
    show_table(HEADINGS, [])
    assert capsys.readouterr().out.split() == ["n", "values", "reason", "\u2500" * 21]
