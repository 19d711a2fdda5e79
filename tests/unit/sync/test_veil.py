from services.sync.veil import Veil


def veil() -> Veil:
    return Veil(lambda email: f"user-{len(email)}")


def test_a_guest_sees_an_alias_where_a_frame_names_an_email() -> None:
    cover = veil()
    cover.learn(["ana@example.org", "guest-1"])
    frame = '{"by":"ana@example.org","members":{"ana@example.org":{},"guest-1":{}}}'
    assert cover.cover(frame) == '{"by":"user-15","members":{"user-15":{},"guest-1":{}}}'


def test_who_has_left_stays_covered() -> None:
    cover = veil()
    cover.learn(["ana@example.org"])
    cover.learn([])
    assert "ana@" not in cover.cover('{"email":"ana@example.org"}')


def test_a_guest_who_names_an_alias_means_the_member_behind_it() -> None:
    cover = veil()
    cover.learn(["ana@example.org"])
    assert cover.reveal("user-15") == "ana@example.org"
    assert cover.reveal("guest-1") == "guest-1"
