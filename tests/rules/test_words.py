"""Words as the search sees them: folded alike when they are kept and when they are asked for."""

import pytest

from app.words import LONGEST_TERM, asked_terms, fold, terms


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Åsa", "asa"),
        ("POZNAŃ", "poznan"),
        ("Łukasz Długa", "lukasz dluga"),
        ("Søren Ærø", "soren aero"),
        ("Đorđević", "dordevic"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("İstanbul", "istanbul"),
        ("ısparta", "isparta"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("ﬁne", "fine"),
        ("１２３", "123"),
        ("e\u0301", "e"),
        ("서울", "서울"),
    ],
)
def test_case_accents_and_forms_are_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_folding_twice_is_folding_once() -> None:
    for text in ("Łukasz", "Straße", "İstanbul", "がぎぐ", "서울특별시", "ﬁ", "ΌΣΟΣ"):
        assert fold(fold(text)) == fold(text)


def test_words_are_split_at_everything_that_is_no_letter_or_digit() -> None:
    assert terms("O'Brien-Smith, LC-014/a_b") == {"o", "brien", "smith", "lc", "014", "a", "b"}


def test_nothing_has_no_terms() -> None:
    assert terms(None, "", "  ", "%_\\!?") == set()


def test_an_e_mail_is_found_by_its_parts() -> None:
    assert terms("Maja@Example.com") == {"maja", "example", "com"}


def test_unspaced_text_is_kept_in_pairs() -> None:
    assert terms("京都市") == {"京", "都", "市", "京都", "都市"}


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        ("東京都千代田区", "千代田"),
        ("しおりのセット", "セット"),
        ("서울특별시", "특별시"),
        ("明信片（紅）", "信片"),
    ],
)
def test_a_piece_of_unspaced_text_is_found(kept: str, asked: str) -> None:
    assert set(asked_terms(asked)) <= terms(kept)


@pytest.mark.parametrize(("kept", "asked"), [("東京", "京東"), ("京都", "東京"), ("서울", "부산")])
def test_other_unspaced_text_is_not_found(kept: str, asked: str) -> None:
    assert not set(asked_terms(asked)) <= terms(kept)


def test_one_unspaced_character_is_a_search_too() -> None:
    assert asked_terms("京") == ["京"]
    assert "京" in terms("東京都")


def test_a_word_that_mixes_scripts_is_found_by_either_part() -> None:
    kept = terms("iPhone用ケース")
    assert set(asked_terms("iphone")) <= kept
    assert set(asked_terms("ケース")) <= kept
    assert set(asked_terms("iPhone用ケース")) <= kept


def test_each_word_is_asked_for_once() -> None:
    assert asked_terms("paper Paper PAPER boat") == ["paper", "boat"]


def test_a_long_word_is_kept_and_asked_for_to_the_same_length() -> None:
    word = "a" * 200
    assert terms(word) == set(asked_terms(word)) == {"a" * LONGEST_TERM}


def test_a_search_of_signs_asks_for_no_word() -> None:
    assert asked_terms("% _ \\ ' -- ;") == []
