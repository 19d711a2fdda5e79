import pytest

from services.common.keys import Keys, is_room_id


@pytest.mark.parametrize("text", ["a", "film-night_2", "A" * 64])
def test_a_room_id_of_letters_digits_hyphens_and_underscores_is_taken(text: str) -> None:
    assert is_room_id(text)


@pytest.mark.parametrize("text", ["", "a b", "a/b", "ä", "a" * 65, "a\n", "a{b}", "../x"])
def test_any_other_room_id_is_refused(text: str) -> None:
    assert not is_room_id(text)


def test_all_keys_of_a_room_share_its_hash_tag() -> None:
    assert all("{film}" in key for key in Keys().room_keys("film"))


def test_two_prefixes_share_no_key() -> None:
    assert not set(Keys("a").room_keys("film")) & set(Keys("b").room_keys("film"))
