from __future__ import annotations

import socket

import pytest

from sag_ros.ros.view.access import COOKIE, SHORTEST, Door, is_loopback, read_token, split_host

TOKEN = "a-token-that-nobody-guesses"


def test_beyond_this_machine_a_token_is_needed():
    for host in ("0.0.0.0", "::", "192.168.1.5", "robot"):
        with pytest.raises(ValueError, match=f"host {host}: .*token_file"):
            Door(host)
        assert Door(host, TOKEN).asks
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        assert is_loopback(host)
        assert not Door(host).asks


@pytest.mark.parametrize(
    "name", ["127.0.0.1:8088", "localhost:9", "[::1]:8088", "LOCALHOST", socket.gethostname()]
)
def test_names_of_this_machine_are_answered(name):
    assert Door("127.0.0.1").refusal({"Host": name}) == ""


@pytest.mark.parametrize(
    "name", ["evil.example", "evil.example:8088", "192.168.1.5", "", "localhost.evil.example", "[x"]
)
def test_a_name_that_somebody_lets_point_here_is_refused(name):
    assert "does not answer to the name" in Door("127.0.0.1").refusal({"Host": name})


def test_beyond_this_machine_addresses_are_answered_and_names_only_if_they_are_ours():
    door = Door("0.0.0.0", TOKEN, ("cell-3.lab",))
    assert not door.refusal({"Host": "192.168.1.5:8088"})
    assert not door.refusal({"Host": "cell-3.lab:8088"})
    assert door.refusal({"Host": "evil.example:8088"})


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://localhost:8089",
        "http://localhost",
        "http://localhost:8088.evil",
    ],
)
def test_a_page_from_elsewhere_is_refused(origin):
    assert "from elsewhere" in Door("127.0.0.1").refusal({"Host": "localhost:8088", "Origin": origin})


def test_our_own_page_is_not():
    door = Door("127.0.0.1")
    assert not door.refusal({"Host": "localhost:8088", "Origin": "http://localhost:8088"})
    assert not door.refusal({"Host": "localhost:8088", "Sec-Fetch-Site": "same-origin"})
    assert door.refusal({"Host": "localhost:8088", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"})
    # A link to it on another page may be followed.
    assert not door.refusal(
        {"Host": "localhost:8088", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    )


def test_only_the_token_lets_in():
    door = Door("127.0.0.1", TOKEN)
    assert door.fits(TOKEN)
    assert not any(door.fits(wrong) for wrong in ("", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ünlesbar"))
    assert not Door("127.0.0.1").fits("")
    assert not door.knows({}, {})
    assert not door.knows({COOKIE: ""}, {"Authorization": "Bearer "})
    assert not door.knows({COOKIE: TOKEN}, {})
    assert door.knows({}, {"Authorization": f"Bearer {TOKEN}"})
    session = door.admit()
    assert door.knows({COOKIE: session}, {})
    assert session != door.admit()
    door.forget({COOKIE: session})
    assert not door.knows({COOKIE: session}, {})
    assert Door("127.0.0.1").knows({}, {})


def test_sessions_do_not_grow_without_end():
    door = Door("127.0.0.1", TOKEN)
    first = door.admit()
    for _ in range(300):
        last = door.admit()
    assert door.knows({COOKIE: last}, {})
    assert not door.knows({COOKIE: first}, {})


def test_a_token_file_is_kept_from_others_and_long_enough(tmp_path):
    file = tmp_path / "token"
    with pytest.raises(ValueError, match="No such file"):
        read_token(file)
    file.write_text(f"  {TOKEN}\nmore\n")
    file.chmod(0o644)
    with pytest.raises(ValueError, match="chmod 600"):
        read_token(file)
    file.chmod(0o600)
    assert read_token(file) == TOKEN
    for text in ("short\n", ""):
        file.write_text(text)
        with pytest.raises(ValueError, match=f"at least {SHORTEST}"):
            read_token(file)


@pytest.mark.parametrize(
    ("authority", "name"),
    [("A.b:1", "a.b"), ("[::1]:80", "::1"), ("a.b.", "a.b"), ("", ""), ("user@host:1", "host")],
)
def test_names_are_found_in_authorities(authority, name):
    assert split_host(authority) == name
