"""Of a table the row and the column that a question names may answer it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index._text import CELL_END
from qa.tables import found_cells, other_cells
from tests.conftest import rounds

FLEET = """The fleet

Type | Seats | Range | In service since
Dornier 228 | 19 | 1,037 km | 1998
ATR 72-600 | 70 | 1,528 km | 2014
Boeing 787-8 | 242 | 13,530 km | 2021

It flies to 19 towns."""

BUSES = """Line | From | To | First bus | Last bus
11 | Harbour | University | 5.40 | 23.55
27 | Old Town | Zoo | 7.00 | 20.30"""

LEAGUE = """Club | Won | Points
Harrow Vale | 15 | 49
Oakley Town | 4 | 15"""

FACTS = """Capital | Tolm
Population | 2 million
Area | 300 km²"""

SKIERS = """Athlete | Club
Ana Rautio | Kaleva Ski
Chloé Bonnard | Neige Vive
Tilde Enger | Fossum"""

FEES = """Permit | Fee
Block party | no fee
Food truck, per year | $450
Yard sale | $10"""

LIFE = """Born | 12 May 1950
Spouse | Anna Berg
Works | 120 paintings"""

CREWS = """Year | Driver | Team
2019 | Ana Berg | Falk
Bo Lind | Sirius
2020 | Cy Holt | Vega"""

MAYORS = """Mayor | From | To
Ida Moss | 1998 | 2003
Bo Lind | 2003 | 2009"""

STOPS = """Stop | First bus
Harbour, north side | 5.10
Zoo, north gate | 5.20
Mill, north | 5.30
University of Tolm | 5.40"""

NOTES = f"""Where | What to do
Zoo | Take line 27. {"It is slow. " * 10}
Harbour | Walk."""


def masked_in(text: str, question: str, title: str = "", *passage: int) -> set[int]:
    """Return the offsets of the characters that are masked."""
    start, end = passage or (0, len(text))
    places = other_cells(question, title, text, start, end)
    return {at for place in places for at in range(*place)}


def left(question: str, text: str, start: int = 0, end: int | None = None) -> list[str]:
    """Return the cells of a passage that may answer."""
    end = len(text) if end is None else end
    masked = masked_in(text, question, "", start, end)
    tables = re.compile(r"^.*" + re.escape(CELL_END) + ".*$", re.MULTILINE)
    cells = [
        cell
        for line in tables.finditer(text, start, end)
        for cell in re.finditer(r"[^\s|](?:[^|\n]*[^\s|])?", line[0])
        if not masked.issuperset(range(line.start() + cell.start(), line.start() + cell.end()))
    ]
    return [cell[0] for cell in cells]


@pytest.mark.parametrize(
    ("text", "question", "cells"),
    [
        (FLEET, "How many seats does the ATR 72-600 have?", ["70"]),
        (FLEET, "range Boeing 787-8", ["13,530 km"]),
        (FLEET, "Since when has the Dornier 228 been in service?", ["1998"]),
        (FLEET, "Which aircraft has 19 seats?", ["Dornier 228", "1,037 km", "1998"]),
        (FLEET, "What is said of the ATR 72-600?", ["70", "1,528 km", "2014"]),
        (BUSES, "Where does line 27 go to?", ["Zoo"]),
        (BUSES, "When does the last bus of line 11 run?", ["23.55"]),
        (BUSES, "Which line goes to the zoo?", ["27"]),
        (LEAGUE.replace("Harrow", "Harrow's"), "points harrows vale", ["49"]),
        (SKIERS, "what club does Bonnard ski for?", ["Neige Vive"]),
        (LEAGUE, "Which club had 15 points?", ["Oakley Town"]),
        (FACTS, "What is the population of Tolm?", ["2 million"]),
        (FEES, "What does a yard sale cost?", ["$10"]),
        (FEES, "fee for a food truck", ["$450"]),
        (FEES, "What is the permit fee for a block party?", ["no fee"]),
        (FEES, "What is the permit fee for a truck?", ["Food truck, per year", "$450"]),
        (BUSES, "Zoo?", ["27", "Old Town", "7.00", "20.30"]),
        # a function word more or less, and a word that most rows have
        (STOPS, "Which stop is Tolm University?", ["5.40"]),
        (STOPS, "When is a bus at the north university?", ["5.40"]),
        # of two heads the one that is named whole
        ("Town | Bus | Bus at night\nOster | 7 | N2", "Which bus goes to Oster?", ["7"]),
        # for a person letters must be left, but not in each cell
        (
            "Year | First | Time\n2021 | Ana | 7:05\n2022 | Bo | 7:09",
            "Who won 2022?",
            ["Bo", "7:09"],
        ),
    ],
)
def test_what_a_question_names_is_looked_up(text: str, question: str, cells: list[str]) -> None:
    # Seen: "How many seats does the ATR 72-600 have?" was answered, at 82%, with a figure of another row and column.
    assert left(question, text) == cells


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (FLEET, "Who runs the airline?"),
        (FLEET, "Which type has the longest range?"),  # names no row
        (FACTS, "What is the capital?"),  # may be a head
        (FEES, "What is the fee?"),
        (FLEET.replace(CELL_END, " "), "How many seats does the ATR 72-600 have?"),
        (NOTES, "How do I get to the harbour?"),  # its cells are prose
        (LEAGUE, "Has Oakley Town won 4, with 15 points?"),  # tells all
        ("Type | Seats | Range", "How many seats?"),
        ("", "How many seats?"),
    ],
)
def test_without_a_row_that_is_named_nothing_is_masked(text: str, question: str) -> None:
    assert other_cells(question, "", text, 0, len(text)) == []


def test_the_first_line_of_two_columns_may_be_a_row() -> None:
    # Seen: "When was Karl Berg born?" was answered with the name of his wife's row, or with a border.
    assert left("When was Karl Berg born?", LIFE) == ["12 May 1950", "Spouse", "Anna Berg"]
    assert left("Who was the spouse of Karl Berg?", LIFE) == ["Anna Berg"]
    assert left("income from fishing and farming", " | 2022\nNet income | 5\nCosts | 4") == [
        "Net income",
        "5",
    ]
    longer = LIFE.replace("Anna Berg", "Anna Maria Berg")
    assert left("When was Anna Berg born?", longer) == ["12 May 1950", "Spouse", "Anna Maria Berg"]
    assert left("Which athlete is from Fossum?", SKIERS) == ["Tilde Enger"]
    assert left("Which permit costs $10?", FEES) == ["Yard sale"]


def test_a_row_that_another_shares_a_cell_with_has_no_columns() -> None:
    assert left("What team did Bo Lind drive for in 2019?", CREWS) == ["Sirius"]
    assert left("Who drove for Vega in 2020?", CREWS) == ["Cy Holt"]
    both = ["Bo Lind", "Sirius", "2020", "Cy Holt", "Vega"]
    assert left("What team did Lind and Holt drive for?", CREWS) == both


@pytest.mark.parametrize(
    "question",
    ["Who succeeded Ida Moss as mayor?", "From whom to Bo Lind?", "Where is Bo Lind from?"],
)
def test_figures_are_not_what_is_left_for_a_person_or_a_place(question: str) -> None:
    assert other_cells(question, "", MAYORS, 0, len(MAYORS)) == []


def test_a_figure_with_its_unit_is_no_place() -> None:
    # Seen: "Where does Vinter ripen?" was answered with "3 weeks", at 78%, though "in caves" stood below.
    cheeses = "Cheese | Ripens | Sold at\nOrmost | 6 months | 2 Mill Lane\nVinter | 3 weeks | Zoo"
    assert other_cells("Where does Vinter ripen?", "", cheeses, 0, len(cheeses)) == []
    assert left("How long does Vinter ripen?", cheeses) == ["3 weeks"]
    assert left("Where is Ormost sold?", cheeses) == ["2 Mill Lane"]


def test_a_cell_that_says_what_the_question_says_is_no_answer_though_its_head_says_it_too() -> None:
    # Seen: "Who restarted the shop?" was answered with "shop", at 90%.
    log = "10:14 | INFO | shop | started\n10:16 | WARN | mail | retry 3\n10:40 | INFO | shop | restarted by kim"
    assert "shop" not in left("Who restarted the shop?", log)
    assert "restarted by kim" in left("Who restarted the shop?", log)


def test_a_decimal_is_one_word() -> None:
    # Seen: "How much does the Orla 5 cost?" was answered from the row with "5.2 in", at 77%.
    phones = " | Orla 5 | Pix Mini\nWeight | 188 g | 142 g\nScreen | 6.4 in | 5.2 in"
    assert other_cells("How much does the Orla 5 cost?", "", phones, 0, len(phones)) == []
    assert left("Which weight has the Orla 5?", phones) == ["188 g"]


def test_a_border_is_no_answer() -> None:
    # Seen: with all else masked, "|" was the answer.
    masked = masked_in(BUSES, "Where does line 27 go?")
    assert masked.issuperset(found.start() for found in re.finditer(r"\|", BUSES))


def test_where_a_cell_is_certain_all_else_is_masked() -> None:
    where = FLEET.index("1,528 km")
    rest = {*range(len(FLEET))} - {*range(where, where + len("1,528 km"))}
    assert masked_in(FLEET, "What is the range of the ATR 72-600?") == rest
    assert masked_in(FLEET, "What was the range of the ATR 72-600 before its new engines?") < rest
    # Seen: "-" was the answer, and what else could be was not true.
    nothing = BUSES.replace("7.00", "-")
    assert len(masked_in(nothing, "When is the first bus of line 27?")) == len(nothing)
    # Its row is in the passage after this one.
    end = FLEET.index("ATR")
    assert not masked_in(FLEET, "What is the range of the ATR 72-600?", "", 0, end) >= {0}


def test_a_table_is_looked_up_as_a_whole_though_a_passage_ends_in_it() -> None:
    middle = FLEET.index("ATR")
    assert left("What is the range of the ATR 72-600?", FLEET, middle) == ["1,528 km"]
    assert left("What is the range of the Boeing 787-8?", FLEET, middle) == ["13,530 km"]
    assert left("What is the range of the Dornier 228?", FLEET, middle) == []
    assert left("What is the range of the Boeing 787-8?", FLEET, 0, middle) == []
    rows = "".join(f"T{at} | {at} m | {at} ha\n" for at in range(3000))
    long = f"Towns\n\nTown | Height | Area\n{rows}"
    part = long.index("T1990"), long.index("T2010")
    assert left("Height of T2000?", long, *part) == ["2000 m"]
    assert left("Height of T1985?", long, *part) == left("Height of T2015?", long, *part) == []


def test_each_table_of_a_passage_is_looked_up_for_itself() -> None:
    text = f"{LEAGUE}\n\nThe fees:\n\n{FEES}\nThat is all.\n{FACTS}"
    found = left("What does a yard sale of chairs, books and toys at the market cost?", text)
    assert found == [*left("", LEAGUE), "$10", *left("", FACTS)]


def test_a_table_without_a_line_in_the_passage_is_let_be() -> None:
    text = f"{LEAGUE}\nBetween two tables.\n{LEAGUE}"
    start = text.index("Between")
    end = text.index("\n", start)
    assert other_cells("Which club had 15 points?", "", text, start, end) == []
    assert left("Which club had 15 points?", text, 0, end) == ["Oakley Town"]


@pytest.mark.parametrize("head", [" | 2022 | 2023", "| 2022 | 2023", "2022 | 2023"])
@pytest.mark.parametrize("costs", ["Costs | | 4", "Costs |  | 4"])
def test_cells_may_be_empty_and_rows_shorter(head: str, costs: str) -> None:
    text = f"{head}\nIncome | 5 | 6\n{costs}\nTotal | 2"
    assert left("What was the income in 2023?", text) == ["6"]
    assert left("What were the costs in 2023?", text) == ["4"]


def test_an_empty_cell_at_a_rows_end_does_not_end_the_table() -> None:
    # Seen: what stood below was a table by itself, without a head.
    text = "Name | Phone\nAnn | 1\nBea |\nCid | 3\nDee | 4\nEd |"
    assert left("What is the phone of Cid?", text) == ["3"]
    start = text.index("Dee")
    cells = found_cells("What is the phone of Dee?", "", text, start, start + 7)
    assert [text[cell.start : cell.end] for cell in cells if cell.is_certain] == ["4"]


def test_rows_that_are_named_alike_may_all_answer() -> None:
    text = "Year | Winner\n2021 | Ana\n2022 | Bo\n2021 | Cy"
    assert left("Who was the winner in 2021?", text) == ["Ana", "Cy"]


def scores(question: str, text: str, title: str = "") -> dict[str, float]:
    """Return what a look-up adds to each cell that may answer."""
    return {
        text[cell.start : cell.end]: cell.score
        for cell in found_cells(question, title, text, 0, len(text))
    }


def test_a_cell_for_which_all_of_a_question_is_told_is_surest() -> None:
    sure = scores("What is the range of the ATR 72-600?", FLEET)
    assert sure == {"1,528 km": pytest.approx(15.0)}
    # Of another aeroplane than any in the table half is told, or less.
    assert scores("What is the range of the ATR 42-300?", FLEET)["1,528 km"] < 0.0
    assert scores("How much fuel does the ATR 72-600 take per hour?", FLEET)["70"] < 0.0
    # It may have won or lost them.
    assert 0.0 < scores("How many did Harrow Vale?", LEAGUE)["15"] < sure["1,528 km"]


def test_the_title_tells_what_its_tables_are_about() -> None:
    question = "How many points did Oakley Town have in the Valley League?"
    assert scores(question, LEAGUE)["15"] < 15.0
    assert scores(question, LEAGUE, "Valley League, final table")["15"] == pytest.approx(15.0)


def test_what_the_title_tells_makes_no_cell_surer() -> None:
    # Seen: "How many books did the library lend in 2023?" was answered with what books had cost.
    text = (
        "Costs | 2022 | 2023\nBooks | 45 | 52\nStaff | 216 | 231\n\nIn 2023 it lent 88,000 books."
    )
    question, title = "How many books did the library lend in 2023?", "Budget of the Oakley library"
    assert scores(question, text, title) == scores(question.replace("library", "it"), text)
    assert len(text) - 1 not in masked_in(text, question, title)


def test_what_the_question_names_tells_its_head() -> None:
    assert scores("Which club had 15 points?", LEAGUE) == {"Oakley Town": 15.0}


def test_a_word_of_a_head_is_not_what_any_question_asks_with() -> None:
    # Seen: of a row that shares the fee with another "Nell Orr" was the fee, at 44%.
    text = "Day | Course | Teacher | Fee\nTuesday | Baking | Gus Holm | $95\nFriday | Sewing | Nell Orr"
    assert scores("What is the fee for sewing?", text)["Nell Orr"] < 0.0


@pytest.mark.parametrize(
    "question",
    ["How many did Oakley Town win?", "How many games has Oakley Town won?", "oakley town wins"],
)
def test_irregular_verbs_are_those_of_heads(question: str) -> None:
    assert left(question, LEAGUE) == ["4"]


def test_words_that_any_question_asks_with_need_not_be_told() -> None:
    for question in ("How long does it take to Tolm?", "How much time to Tolm do I need?"):
        assert scores(question, "To | By train\nTolm | 2 h\nArden | 5 h")["2 h"] == 15.0
    assert scores("How far is it to Tolm by sea?", "To | By train\nTolm | 2 h")["2 h"] < 15.0


def test_a_number_names_the_row_whose_range_holds_it() -> None:
    # Seen: 12 kg were looked up as 12 ml, which is another row's dose.
    doses = "Weight | Dose\n5 to 9.9 kg | 12 ml\n10 to 15.9 kg | 20 ml\n16 to 20.9 kg | 30 ml"
    assert left("What is the dose for a child of 12 kg?", doses) == ["20 ml"]
    assert left("dose for 5 kg", doses) == ["12 ml"]
    assert scores("dose for 12.5 kg", doses) == {"20 ml": pytest.approx(15.0)}
    assert scores("dose for 40 kg", doses)["20 ml"] < 0.0
    berths = "Length | One night | One week\nUp to 6 m | £14 | £80\n6 to 8 m | £18 | £104"
    assert left("What is one week for a boat of 7 metres?", berths) == ["£104"]
    assert left("How many seats does the Dornier 228 have?", FLEET) == ["19"]


def test_where_nothing_is_looked_up_a_table_is_the_last_to_answer() -> None:
    assert set(scores("Who built the bridge?", FLEET).values()) == {-5.0}
    assert "Type" in scores("Who built the bridge?", FLEET)
    assert scores("Who built the bridge?", NOTES) == {}  # prose in cells
    assert scores("Who built the bridge?", "Only | one line") == {}


_CELLS = st.lists(st.sampled_from(["x", "y", "z", "the", "1", "|", ""]), max_size=3).map(" ".join)


@settings(max_examples=rounds(50, in_ci=300))
@given(
    st.lists(st.lists(_CELLS, min_size=1, max_size=4), max_size=6),
    st.sampled_from(["x height", "x height by the sea", "y z"]),
    st.integers(0, 60),
)
def test_a_cell_is_masked_as_a_whole_or_not_at_all(
    rows: list[list[str]], question: str, start: int
) -> None:
    above = "\n".join(map(CELL_END.join, rows))
    text = f"{above}\n\nCity | Height\nOld Town | 5 m\nx y z | 6 m\n\nAll that."
    start = min(start, len(above))
    masked = masked_in(text, question, "", start, len(text))
    assert {*range(text.index("City"), text.index("City") + 4)} <= masked <= {*range(len(text))}
    for cell in found_cells(question, "", text, start, len(text)):
        own = {*range(max(start, cell.start), cell.end)}
        assert masked >= own or not masked & own
    assert "\n" not in {text[at] for at in masked if at < start}
