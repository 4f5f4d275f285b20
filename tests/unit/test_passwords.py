"""Generated passwords: long, of every class, without look-alikes, and never printed by mistake."""

import secrets
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from curfew import passwords

LOOK_ALIKES = set("0Oo1Il|5S2Z8B")
# https://learn.microsoft.com/entra/identity/authentication/concept-password-ban-bad-combined-policy
PERMITTED_BY_ENTRA = set(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    "@#$%^&*-_!+=[]{}|\\:',.?/`~\"();<> "
)
MANY = 2000


@pytest.fixture(scope="module")
def generated() -> list[str]:
    return [passwords.generate().get_secret_value() for _ in range(MANY)]


def test_a_password_has_32_characters_of_every_class(generated: list[str]) -> None:
    for password in generated:
        assert len(password) == 32
        for characters in passwords.CLASSES:
            assert set(password) & set(characters)


def test_a_password_has_no_look_alikes_and_only_what_entra_permits(generated: list[str]) -> None:
    used = set("".join(generated))
    assert not used & LOOK_ALIKES
    assert used <= PERMITTED_BY_ENTRA
    assert used == set("".join(passwords.CLASSES))


def test_the_classes_share_no_character() -> None:
    alphabet = "".join(passwords.CLASSES)
    assert len(set(alphabet)) == len(alphabet)


def test_no_two_passwords_are_alike(generated: list[str]) -> None:
    assert len(set(generated)) == MANY
    beginnings = Counter(password[:6] for password in generated)
    assert max(beginnings.values()) == 1


def test_every_character_is_about_as_frequent_as_the_others_of_its_class(
    generated: list[str],
) -> None:
    found = Counter("".join(generated))
    for characters in passwords.CLASSES:
        mean = sum(found[character] for character in characters) / len(characters)
        for character in characters:
            assert 0.8 * mean < found[character] < 1.2 * mean


def test_no_place_in_a_password_belongs_to_a_class(generated: list[str]) -> None:
    alphabet = len("".join(passwords.CLASSES))
    for place in range(passwords.LENGTH):
        for characters in passwords.CLASSES:
            share = sum(password[place] in characters for password in generated) / MANY
            assert abs(share - len(characters) / alphabet) < 0.06


def test_chance_comes_from_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    shuffled: list[bool] = []

    class Shuffler(secrets.SystemRandom):
        def shuffle(self, x: object) -> None:
            shuffled.append(bool(x))

    def choice(characters: str) -> str:
        drawn.append(len(characters))
        return characters[0]

    monkeypatch.setattr(secrets, "choice", choice)
    monkeypatch.setattr(secrets, "SystemRandom", Shuffler)
    passwords.generate()
    assert len(drawn) == passwords.LENGTH
    assert shuffled == [True]


def test_a_password_is_never_shown_by_mistake() -> None:
    class Holder(BaseModel):
        password: SecretStr

    password = passwords.generate()
    value = password.get_secret_value()
    holder = Holder(password=password)
    shown = (
        str(password),
        repr(password),
        f"{password}",
        f"{password!r:>50}",
        "%s" % password,  # noqa: UP031 - one of the ways in which it could be printed
        repr(holder),
        holder.model_dump_json(),
        repr({"password": password}),
    )
    for text in shown:
        assert value not in text


@given(st.integers(min_value=0, max_value=3))
def test_it_satisfies_entras_rule_of_three_classes_without_any_one_of_them(missing: int) -> None:
    password = passwords.generate().get_secret_value()
    others = [c for index, c in enumerate(passwords.CLASSES) if index != missing]
    assert 8 <= len(password) <= 256
    assert all(set(password) & set(characters) for characters in others)
